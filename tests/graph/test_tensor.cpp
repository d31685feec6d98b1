#include "graph/tensor.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>

#include "graph/error.h"

using namespace crease;

TEST_CASE("tensors start as zeros and are aligned to 64 bytes") {
  const Tensor tensor(Type::f64, {3, 5});
  CHECK(tensor.count() == 15);
  CHECK(tensor.bytes() == 120);
  CHECK(reinterpret_cast<uintptr_t>(tensor.data()) % 64 == 0);
  for (const double value : tensor.read<double>()) CHECK(value == 0);
  CHECK(Tensor().item() == 0);
  CHECK(Tensor(Type::f32, {0, 4}).count() == 0);
}

TEST_CASE("a tensor larger than the machine's memory is refused") {
  CHECK_THROWS_WITH_AS(
      Tensor(Type::f32, {1 << 30, 1 << 20}),
      "tensor of shape [1073741824, 1048576] takes 4.5e+06 GB: so much memory is not to be had here", Error);
}

TEST_CASE("a copy shares its buffer until one is written") {
  Tensor a = Tensor::f32({3}, {1, 2, 3});
  Tensor b = a;
  CHECK(a.data() == b.data());
  b.set(0, 7);
  CHECK(a.at(0) == 1);
  CHECK(b.at(0) == 7);
  b.write<float>()[1] = 8;
  CHECK(a.at(1) == 2);
  Tensor c = a.reshaped({1, 3});
  c.set(0, 9);
  CHECK(a.at(0) == 1);
}

TEST_CASE("a tensor that was moved away is a scalar zero") {
  Tensor a = Tensor::i64({2}, {1, 2});
  Tensor b = std::move(a);
  CHECK(a == Tensor());  // NOLINT(bugprone-use-after-move): what is asked here
  CHECK(a.item() == 0);
  a.set(0, 3);
  CHECK(Tensor().item() == 0);
  a = std::move(b);
  CHECK(a == Tensor::i64({2}, {1, 2}));
  CHECK(b.converted(Type::f64) == Tensor::scalar(Type::f64, 0));  // NOLINT(bugprone-use-after-move)
  const std::byte* kept = a.data();
  Tensor& same = a;
  a = std::move(same);
  CHECK(a.write<int64_t>().size() == 2);
  CHECK(a.data() == kept);
}

TEST_CASE("equality is of type, shape and bits") {
  const auto nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(Tensor::f32({1}, {nan}) == Tensor::f32({1}, {nan}));
  CHECK_FALSE(Tensor::f32({1}, {0.0F}) == Tensor::f32({1}, {-0.0F}));
  CHECK_FALSE(Tensor::f32({2}, {1, 2}) == Tensor::f32({2, 1}, {1, 2}));
  CHECK_FALSE(Tensor::f32({1}, {1}) == Tensor::f64({1}, {1}));
  CHECK(Tensor(Type::f32, {0}) == Tensor(Type::f32, {0}));
}

TEST_CASE("typed views want the type that is there") {
  Tensor tensor = Tensor::i32({2}, {1, -2});
  CHECK(tensor.read<int32_t>()[1] == -2);
  CHECK_THROWS_WITH_AS(
      tensor.read<float>(),
      "[tensor] read as f32 (float): got a tensor of i32; converted() makes another type of it", Error);
  CHECK_THROWS_WITH_AS(
      tensor.write<int64_t>(),
      "[tensor] written as i64 (int64_t): got a tensor of i32; converted() makes another type of it", Error);
  CHECK(Tensor(Type::boolean, {2}).read<uint8_t>().size() == 2);
}

TEST_CASE("wrong counts, shapes, rows and elements are refused") {
  CHECK_THROWS_WITH_AS(Tensor::f32({2, 2}, {1, 2, 3}), "tensor of shape [2, 2] wants 4 values, got 3", Error);
  CHECK_THROWS_AS(Tensor(Type::f32, {-1}), Error);
  CHECK_THROWS_AS(Tensor(Type::f64, {int64_t{1} << 61}), Error);
  const Tensor tensor = Tensor::f32({2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK_THROWS_WITH_AS(tensor.item(), "tensor of shape [2, 3] has 6 elements, want 1", Error);
  CHECK_THROWS_WITH_AS(tensor.reshaped({4}), "cannot reshape [2, 3] to [4]: 6 elements against 4", Error);
  CHECK_THROWS_AS(tensor.rows(1, 3), Error);
  CHECK_THROWS_AS(tensor.rows(2, 1), Error);
  CHECK_THROWS_AS(Tensor::scalar(Type::f32, 1).rows(0, 0), Error);
  CHECK_THROWS_AS(tensor.at(6), Error);
}

TEST_CASE("rows are copied, none of them too") {
  const Tensor tensor = Tensor::f32({3, 2}, {1, 2, 3, 4, 5, 6});
  CHECK(tensor.rows(1, 3) == Tensor::f32({2, 2}, {3, 4, 5, 6}));
  CHECK(tensor.rows(2, 2).count() == 0);
  CHECK(Tensor(Type::f32, {3, 0}).rows(0, 2).sizes() == std::vector<int64_t>{2, 0});
}

TEST_CASE("conversion truncates toward zero and makes truth values 0 or 1") {
  CHECK(Tensor::f32({3}, {1.9F, -1.9F, 0}).converted(Type::i32) == Tensor::i32({3}, {1, -1, 0}));
  CHECK(Tensor::f32({2}, {0.5F, 0}).converted(Type::boolean).at(0) == 1);
  CHECK(Tensor::f64({1}, {0.1}).converted(Type::f32).at(0) == static_cast<double>(0.1F));
  CHECK(Tensor::i64({1}, {(int64_t{1} << 53) + 1}).converted(Type::i64).read<int64_t>()[0] ==
        (int64_t{1} << 53) + 1);
}

TEST_CASE("a tensor is printed with its type, its shape and all that is needed to read it back") {
  CHECK(fmt::format("{}", Tensor::f32({2, 2}, {1, 0.1F, -3, 4e-9F})) == "f32[2, 2] {{1, 0.1}, {-3, 4e-09}}");
  CHECK(to_string(Tensor::scalar(Type::f64, 0.1)) == "f64[] 0.1");
  CHECK(to_string(Tensor::i64({1}, {9007199254740993})) == "i64[1] {9007199254740993}");
  CHECK(to_string(Tensor(Type::i32, {0, 2})) == "i32[0, 2] {}");
  CHECK(to_string(Tensor(Type::boolean, {2, 0})) == "bool[2, 0] {{}, {}}");
  Tensor wide(Type::i32, {2, 1000});
  for (int64_t i = 0; i < wide.count(); ++i) wide.set(i, static_cast<double>(i));
  CHECK(to_string(wide) ==
        "i32[2, 1000] {{0, 1, 2, ..., 997, 998, 999}, {1000, 1001, 1002, ..., 1997, 1998, 1999}}");
}

TEST_CASE("elements and types that a tensor does not have are an error") {
  Tensor x = Tensor::f32({2}, {1, 2});
  CHECK_THROWS_WITH_AS(x.at(2), "[tensor] element 2 of a tensor [2], which has 2", Error);
  CHECK_THROWS_WITH_AS(x.set(-1, 0), "[tensor] element -1 of a tensor [2], which has 2", Error);
  CHECK_THROWS_WITH_AS(
      x.read<double>(),
      "[tensor] read as f64 (double): got a tensor of f32; converted() makes another type of it", Error);
  CHECK_THROWS_WITH_AS(
      x.write<uint8_t>(),
      "[tensor] written as u8 or bool (uint8_t): got a tensor of f32; converted() makes another type of it",
      Error);
}
