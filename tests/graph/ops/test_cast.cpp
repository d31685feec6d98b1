#include "graph/ops/cast.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "graph/evaluate.h"
#include "graph/integers.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/rewrite/simplify.h"
#include "graph/text.h"

using namespace crease;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

std::vector<double> cast_to(Type type, const Tensor& x) {
  Graph g;
  const Tensor y = evaluate(cast(g.input("x", {x.count()}, x.type()), type), {{"x", x}});
  CHECK(y.type() == type);
  std::vector<double> numbers;
  for (int64_t i = 0; i < y.count(); ++i) numbers.push_back(y.at(i));
  return numbers;
}

using List = std::vector<double>;

}  // namespace

TEST_CASE("a cast to an integer cuts off, one to bool asks whether it is 0") {
  const Tensor x = Tensor::f64({8}, {1.75, -1.75, -0.0, std::nan(""), inf, 300.5, -0.25, 3e9});
  CHECK(cast_to(Type::i32, x) == List{1, -1, 0, 0, -1, 300, 0, 3e9 - 0x1p32});
  CHECK(cast_to(Type::u8, x) == List{1, 255, 0, 0, 255, 44, 0, std::fmod(3e9, 256)});
  CHECK(cast_to(Type::boolean, x) == List{1, 1, 0, 1, 1, 1, 1, 1});
  CHECK(cast_to(Type::boolean, Tensor::i32({3}, {0, -2, 256})) == List{0, 1, 1});
}

TEST_CASE("a cast to a floating type rounds once, to nearest, ties to even") {
  // Between two floats, 2^60 and 2^60 + 2^37: a tie, and just above it, which f64 does not hold.
  const int64_t tie = (int64_t{1} << 60) + (int64_t{1} << 36);
  const Tensor x = Tensor::i64({4}, {tie, tie + 1, -tie - 1, 16777217});
  CHECK(cast_to(Type::f32, x) == List{0x1p60, 0x1p60 + 0x1p37, -0x1p60 - 0x1p37, 16777216});
  CHECK(cast_to(Type::f64, x) == List{double(tie), double(tie), -double(tie), 16777217});
  CHECK(cast_to(Type::f32, Tensor::f64({3}, {0.1, 1e300, 1 + 0x1p-24})) == List{0.1F, inf, 1});
}

TEST_CASE("a cast to the own type is nothing, and others stay through passes and text") {
  Graph g;
  const Value x = g.input("x", {"batch", 2});
  CHECK(cast(x, Type::f32).id() == x.id());
  g.output("whole", cast(cast(x, Type::i32), Type::f32));
  g.output("rounded", cast(cast(cast(x, Type::f64) * 0.1, Type::f32), Type::f64));
  g.output("truth", cast(cast(x, Type::boolean), Type::u8) + cast(x > 0, Type::u8));
  g.output("clamped", relu(cast(relu(cast(x, Type::f64)), Type::f32)));
  const Bindings at{{"x", Tensor::f32({3, 2}, {1.5F, -2.5F, 0, -0.0F, 7, 0.3F})}};
  const auto want = evaluate(g, at);
  CHECK(want.at("whole").at(0) == 1);
  CHECK(want.at("whole").at(1) == -2);
  CHECK(want.at("truth").at(0) == 2);
  CHECK(want.at("truth").at(1) == 1);
  CHECK(evaluate(simplify(g, Derivatives::Settled, Assume::Finite).graph, at) == want);
  CHECK(to_string(parse(to_string(g))) == to_string(g));
  CHECK(evaluate(parse(to_string(g)), at) == want);
}
