#include "frontends/data/mnist.h"

#include <doctest/doctest.h>

#include <array>
#include <numeric>

#include "frontends/file.h"
#include "tests/files.h"
#include "tests/frontends/thrown.h"

namespace crease {
namespace {

using test::holds;
using test::TemporaryFolder;
using test::thrown_by;

std::array<int, 10> histogram(const Tensor& labels) {
  std::array<int, 10> counts{};
  for (const int32_t label : labels.read<int32_t>()) ++counts.at(static_cast<size_t>(label));
  return counts;
}

double mean(const Tensor& x) {
  const auto values = x.read<float>();
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::string idx(std::string_view sizes, std::string_view values) {
  std::string bytes{'\0', '\0', '\x08', static_cast<char>(sizes.size())};
  for (const char size : sizes) bytes += std::string{'\0', '\0', '\0', size};
  return bytes.append(values);
}

/// Two training images of 1x2 pixels and one to test.
void write_small(const TemporaryFolder& folder) {
  write_file_atomically(folder / "train-images-idx3-ubyte",
                        idx("\2\1\2", std::string_view("\0\xff\x33\0", 4)));
  write_file_atomically(folder / "train-labels-idx1-ubyte", idx("\2", "\7\3"));
  write_file_atomically(folder / "t10k-images-idx3-ubyte", idx("\1\1\2", "\1\2"));
  write_file_atomically(folder / "t10k-labels-idx1-ubyte", idx("\1", "\5"));
}

TEST_CASE("MNIST is the set that everyone knows") {
  const auto folder = test::shared_file("data/mnist");
  if (!folder) return;
  const Split data = mnist(*folder);
  CHECK(data.train.name == "mnist");
  CHECK(data.train.classes == 10);
  CHECK(data.train.x.sizes() == std::vector<int64_t>{60000, 784});
  CHECK(data.test.x.sizes() == std::vector<int64_t>{10000, 784});
  const auto labels = data.train.y.read<int32_t>();
  CHECK(std::vector<int32_t>(labels.begin(), labels.begin() + 5) == std::vector<int32_t>{5, 0, 4, 1, 9});
  CHECK(histogram(data.train.y) == std::array{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949});
  CHECK(histogram(data.test.y) == std::array{980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009});
  CHECK(mean(data.train.x) == doctest::Approx(0.13066).epsilon(1e-4));  // as published, five digits
  CHECK_NOTHROW(validate(data.test));
}

TEST_CASE("Fashion-MNIST comes through the same door") {
  const auto folder = test::shared_file("data/fashion-mnist");
  if (!folder) return;
  const Split data = mnist(*folder / "");
  CHECK(data.train.name == "fashion-mnist");
  CHECK(histogram(data.train.y) == std::array{6000, 6000, 6000, 6000, 6000, 6000, 6000, 6000, 6000, 6000});
  CHECK(mean(data.train.x) == doctest::Approx(0.28604).epsilon(1e-4));
}

TEST_CASE("pixels become parts of one, labels numbers") {
  const TemporaryFolder folder;
  write_small(folder);
  const Split data = mnist(folder.path());
  CHECK(data.train.x == Tensor::f32({2, 2}, {0, 1, 0.2f, 0}));
  CHECK(data.train.y == Tensor::i32({2}, {7, 3}));
  CHECK(data.test.y == Tensor::i32({1}, {5}));
}

TEST_CASE("batches of a temporary stay alive in a range-for") {
  const TemporaryFolder folder;
  write_small(folder);
  int64_t samples = 0;
  float sum = 0;
  for (const Batch& batch : mnist(folder.path()).batches(1)) {
    samples += batch.size();
    for (const float pixel : batch.x.read<float>()) sum += pixel;
  }
  CHECK(samples == 2);
  CHECK(sum == doctest::Approx(1.2));
}

TEST_CASE("a folder that lacks a file says which") {
  const TemporaryFolder folder;
  CHECK(holds(thrown_by([&] { mnist(folder / "none"); }), "none' is no folder"));
  CHECK(holds(thrown_by([&] { mnist(folder.path()); }),
              "has no train-images-idx3-ubyte[.gz]: want the four files"));
  write_small(folder);
  std::filesystem::remove(folder / "t10k-labels-idx1-ubyte");
  CHECK(holds(thrown_by([&] { mnist(folder.path()); }), "has no t10k-labels-idx1-ubyte[.gz]"));
}

TEST_CASE("files that do not fit each other are errors") {
  const TemporaryFolder folder;
  write_small(folder);
  write_file_atomically(folder / "train-labels-idx1-ubyte", idx("\3", "\1\2\3"));
  CHECK(holds(thrown_by([&] { mnist(folder.path()); }), "has 2 images but"));
  write_file_atomically(folder / "train-labels-idx1-ubyte", idx("\2", "\1\x0a"));
  CHECK(holds(thrown_by([&] { mnist(folder.path()); }),
              "train-labels-idx1-ubyte' byte 9: label 10 of image 1, want 0 to 9"));
  write_file_atomically(folder / "train-labels-idx1-ubyte", idx("\1\2", "\1\2"));
  CHECK(holds(thrown_by([&] { mnist(folder.path()); }), "holds u8 [1, 2]: want u8 with 1 dimensions"));
  write_small(folder);
  write_file_atomically(folder / "t10k-images-idx3-ubyte", idx("\1\1\3", "\1\2\3"));
  CHECK(holds(thrown_by([&] { mnist(folder.path()); }), "has images of 2 pixels to train and of 3 to test"));
}

}  // namespace
}  // namespace crease
