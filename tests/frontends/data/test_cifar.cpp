#include "frontends/data/cifar.h"

#include <doctest/doctest.h>

#include "frontends/file.h"
#include "tests/files.h"
#include "tests/frontends/gzip.h"
#include "tests/frontends/thrown.h"

namespace crease {
namespace {

using test::holds;
using test::TemporaryFolder;
using test::thrown_by;

std::string record(int label, int shade) {
  return std::string(1, static_cast<char>(label)) + std::string(3072, static_cast<char>(shade));
}

}  // namespace

TEST_CASE("CIFAR-10 is the set that everyone knows") {
  const auto folder = test::shared_file("data/cifar10");
  if (!folder) return;
  const Split data = cifar10(*folder);
  CHECK_EQ(data.train.x.sizes(), std::vector<int64_t>{10000, 3072});
  CHECK_EQ(data.test.size(), 1000);
  CHECK_EQ(data.train.class_names.at(6), "frog");
  const auto labels = data.train.y.read<int32_t>();
  CHECK_EQ(std::vector<int32_t>(labels.begin(), labels.begin() + 5), std::vector<int32_t>{6, 9, 9, 4, 1});
  CHECK_EQ(data.train.x.at(0), doctest::Approx(59 / 255.0));  // the first pixel of the first frog, red
  CHECK_NOTHROW(validate(data.train));
}

TEST_CASE("batches are read in order of their names, plain or compressed") {
  const TemporaryFolder folder;
  write_file_atomically(folder / "data_batch_2.bin", record(2, 255));
  write_file_atomically(folder / "data_batch_1.bin.gz", test::gzipped(record(7, 0) + record(1, 51)));
  write_file_atomically(folder / "test_batch.bin", record(9, 102));
  const Split data = cifar10(folder.path());
  const auto labels = data.train.y.read<int32_t>();
  CHECK_EQ(std::vector<int32_t>(labels.begin(), labels.end()), std::vector<int32_t>{7, 1, 2});
  CHECK_EQ(data.train.x.at(3072), 51 / 255.0F);
  CHECK_EQ(data.train.x.at(2 * 3072), 1);
  CHECK_EQ(data.test.x.at(3071), 102 / 255.0F);
  CHECK(data.train.class_names.empty());
}

TEST_CASE("files that are no CIFAR-10 say where and why") {
  const TemporaryFolder folder;
  const auto message = [&] { return thrown_by([&] { cifar10(folder.path()); }); };
  CHECK(holds(message(), "has no data_batch_*.bin[.gz]"));
  write_file_atomically(folder / "data_batch_1.bin", record(1, 0) + "x");
  CHECK(holds(message(), "ends at byte 3074 within a record"));
  write_file_atomically(folder / "data_batch_1.bin", record(1, 0) + record(10, 0));
  CHECK(holds(message(), "byte 3073: label 10 of image 1, want 0 to 9"));
  write_file_atomically(folder / "data_batch_1.bin", record(1, 0));
  CHECK(holds(message(), "has no test_batch*.bin[.gz]"));
  write_file_atomically(folder / "test_batch.bin", record(1, 0));
  write_file_atomically(folder / "batches.meta.txt", "frog\nship\n");
  CHECK(holds(message(), "names 2 classes: want 10"));
  CHECK(holds(thrown_by([&] { cifar10(folder / "nowhere"); }), "is no folder"));
}

}  // namespace crease
