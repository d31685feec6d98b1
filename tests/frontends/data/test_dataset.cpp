#include "frontends/data/dataset.h"

#include <doctest/doctest.h>

#include <array>
#include <limits>
#include <set>

#include "frontends/data/digits.h"
#include "frontends/data/mnist.h"
#include "frontends/data/npy.h"
#include "frontends/data/source.h"
#include "frontends/data/standardise.h"
#include "frontends/file.h"
#include "tests/files.h"
#include "tests/frontends/thrown.h"

namespace crease {
namespace {

using test::holds;
using test::thrown_by;

Dataset two_classes() {
  return {.x = Tensor::f32({4, 2}, {0, 1, 2, 3, 4, 5, 6, 7}),
          .y = Tensor::i32({4}, {0, 1, 0, 1}),
          .classes = 2,
          .name = "toy",
          .feature_names = {"a", "b"}};
}

std::string complaint(const Dataset& data) {
  return thrown_by([&] { validate(data); });
}

std::array<int, 10> histogram(const Dataset& data) {
  std::array<int, 10> counts{};
  for (const int32_t label : data.y.read<int32_t>()) ++counts.at(static_cast<size_t>(label));
  return counts;
}

TEST_CASE("the digits are the 1797 of the UCI repository") {
  const Dataset data = digits();
  CHECK(data.size() == 1797);
  CHECK(data.features() == 64);
  CHECK(data.classes == 10);
  CHECK(data.name == "digits");
  CHECK_NOTHROW(validate(data));
  CHECK(histogram(data) == std::array{178, 182, 177, 183, 181, 182, 181, 179, 174, 180});
  // The first row of the file: 0,0,5,13,9,1,0,0, ... ,0 and the digit 0.
  const std::vector<float> first{0, 0, 5 / 16.0f, 13 / 16.0f, 9 / 16.0f, 1 / 16.0f, 0, 0};
  CHECK(std::vector<float>(data.x.read<float>().begin(), data.x.read<float>().begin() + 8) == first);
  CHECK(data.y.at(0) == 0);
}

TEST_CASE("a split keeps every sample once, and the share of every class") {
  const Dataset data = digits();
  const Split parts = split(data, 0.2, 3);
  CHECK(parts.train.size() + parts.test.size() == 1797);
  const auto all = histogram(data), train = histogram(parts.train), test = histogram(parts.test);
  for (size_t i = 0; i < 10; ++i) {
    CHECK(train[i] + test[i] == all[i]);
    CHECK(std::abs(test[i] - 0.2 * all[i]) <= 0.5);
  }
  CHECK(parts.train.classes == 10);
  CHECK(split(data, 0.2, 3).test.x == parts.test.x);
  CHECK_FALSE(split(data, 0.2, 4).test.x == parts.test.x);
}

TEST_CASE("a regression split has the rounded share, in the order of rows") {
  Dataset data{.x = Tensor(Type::f32, {10, 1}), .y = Tensor(Type::f32, {10})};
  for (int64_t i = 0; i < 10; ++i) data.y.set(i, static_cast<double>(i));
  const Split parts = split(data, 0.3);
  CHECK(parts.test.size() == 3);
  std::set<double> seen;
  for (const Dataset& part : {parts.train, parts.test})
    for (int64_t i = 0; i < part.size(); ++i) {
      seen.insert(part.y.at(i));
      if (i > 0) CHECK(part.y.at(i) > part.y.at(i - 1));
    }
  CHECK(seen.size() == 10);
}

TEST_CASE("a split that leaves one part empty is an error") {
  CHECK(thrown_by([] { split(two_classes(), 0.0); }) ==
        "[split] share of 0 to test: want more than 0 and less than 1");
  CHECK(holds(thrown_by([] { split(two_classes(), std::numeric_limits<double>::quiet_NaN()); }),
              "share of nan"));
  CHECK(thrown_by([] { split(two_classes(), 0.1); }) ==
        "[split] 'toy' gives 4 samples to train and 0 to test: want some of both");
  CHECK(thrown_by([] { with_validation({.train = two_classes(), .test = two_classes()}, 0.1); }) ==
        "[split] 'toy' gives 4 samples to train and 0 to validate: want some of both");
}

TEST_CASE("data that break a promise are errors with the row") {
  CHECK_NOTHROW(validate(two_classes()));
  Dataset data = two_classes();
  data.y = Tensor::i32({4}, {0, 1, 2, 1});
  CHECK(complaint(data) == "[dataset] 'toy' row 2 has label 2: want 0 to 1 for 2 classes");
  CHECK(thrown_by([&] { data.batches(2); }) == complaint(data));
  CHECK(thrown_by([&] { split(data); }) == complaint(data));
  data.y = Tensor::i32({4}, {0, -1, 0, 1});
  CHECK(complaint(data) == "[dataset] 'toy' row 1 has label -1: want 0 to 1 for 2 classes");

  data = two_classes();
  data.x.set(5, std::numeric_limits<double>::quiet_NaN());
  CHECK(complaint(data) == "[dataset] 'toy' row 2, feature 1 ('b') is nan: want a finite number");
  data.x.set(5, -std::numeric_limits<double>::infinity());
  CHECK(complaint(data) == "[dataset] 'toy' row 2, feature 1 ('b') is -inf: want a finite number");

  Dataset numbers{.x = Tensor(Type::f32, {2, 1}), .y = Tensor(Type::f32, {2, 3}), .name = "toy"};
  CHECK_NOTHROW(validate(numbers));
  numbers.y.set(4, std::numeric_limits<double>::infinity());
  CHECK(complaint(numbers) == "[dataset] 'toy' row 1, target 1 is inf: want a finite number");
}

TEST_CASE("data whose parts do not fit are errors with both sides") {
  CHECK(complaint({}) ==
        "[dataset] '' has samples f32 []: want f32 [n, features] or i32 [n, length], none of them 0");
  Dataset data = two_classes();
  data.y = Tensor::i32({3}, {0, 1, 0});
  CHECK(complaint(data) == "[dataset] 'toy' has 4 samples but 3 targets");
  data.y = Tensor::f32({4}, {0, 1, 0, 1});
  CHECK(complaint(data) == "[dataset] 'toy' has targets f32 [4]: want i32 [n] or [n, length] for classes");
  data.classes = 0;
  CHECK(complaint(data) == "nothing thrown");
  data.feature_names.pop_back();
  CHECK(complaint(data) == "[dataset] 'toy' has 1 feature names: want 2 or none");
  data = two_classes();
  data.classes = -1;
  CHECK(complaint(data) == "[dataset] 'toy' has -1 classes: want 0 for regression, or more");
}

TEST_CASE("rows that do not exist are refused") {
  const std::vector<int64_t> beyond{0, 1797}, before{-1};
  CHECK_THROWS_WITH_AS(select(digits(), beyond), "[rows] there is no row 1797: got 1797 rows, counted from 0",
                       Error);
  CHECK_THROWS_WITH_AS(select(digits(), before), doctest::Contains("no row -1"), Error);
}

TEST_CASE("a dataset may go away before its batches") {
  const Batches batches = two_classes().batches(3);
  int64_t samples = 0;
  for (const Batch& batch : batches) samples += batch.size();
  CHECK(samples == 4);
}

TEST_CASE("standardised features have mean 0 and deviation 1 on the training part") {
  const Split parts = standardise(split(digits()));
  const Standardisation again = measure(parts.train);
  // n = 1437 values of size <= 40 rounded to f32 (2^-24 each): errors below 40 * 2^-24.
  for (int64_t j = 0; j < 64; ++j) {
    CHECK(again.mean.at(j) == doctest::Approx(0).epsilon(3e-6));
    CHECK(again.deviation.at(j) == doctest::Approx(1).epsilon(3e-6));
  }
  CHECK_NOTHROW(validate(parts.test));
}

TEST_CASE("what was measured on one part is applied to the others") {
  Split data{{.x = Tensor::f32({2, 2}, {1, 7, 3, 7}), .y = Tensor(Type::f32, {2})},
             {.x = Tensor::f32({1, 2}, {6, 9}), .y = Tensor(Type::f32, {1})}};
  const Split result = standardise(data);
  CHECK(result.train.x == Tensor::f32({2, 2}, {-1, 0, 1, 0}));
  CHECK(result.test.x == Tensor::f32({1, 2}, {4, 2}));
  CHECK(result.validation.size() == 0);
  data.validation = {.x = Tensor::f32({1, 2}, {2, 8}), .y = Tensor(Type::f32, {1})};
  CHECK(standardise(data).validation.x == Tensor::f32({1, 2}, {0, 1}));
}

TEST_CASE("a constant feature becomes 0 exactly, however its sum rounds") {
  Dataset data{.x = Tensor(Type::f32, {1001, 1}), .y = Tensor(Type::f32, {1001})};
  for (float& value : data.x.write<float>()) value = 0.1f;
  const Standardisation by = measure(data);
  CHECK(by.deviation.at(0) == 1);
  CHECK(standardise(data.x, by) == Tensor(Type::f32, {1001, 1}));
}

TEST_CASE("targets are measured by column, classes are not") {
  Dataset data{.x = Tensor(Type::f32, {4, 1}), .y = Tensor::f32({4, 2}, {1, 7, 3, 7, 1, 7, 3, 7})};
  const Standardisation by = measure_targets(data);
  CHECK(by.mean == Tensor::f32({2}, {2, 7}));
  CHECK(by.deviation == Tensor::f32({2}, {1, 1}));
  data.y = Tensor::f32({4}, {1e5F, 3e5F, 1e5F, 3e5F});
  CHECK(measure_targets(data).mean == Tensor::f32({1}, {2e5F}));
  CHECK(measure_targets(data).deviation == Tensor::f32({1}, {1e5F}));
  CHECK(thrown_by([] { measure_targets(two_classes()); }).find("has classes, no numbers") !=
        std::string::npos);
}

TEST_CASE("standardising another number of features is an error") {
  const Standardisation by = measure(two_classes());
  CHECK(thrown_by([&] { standardise(Tensor(Type::f32, {4, 3}), by); }) ==
        "[standardise] x of shape [4, 3] has 3 features: want 2, as measured");
}

TEST_CASE("arrays of a folder are data: whole numbers are classes, others are predicted") {
  const test::TemporaryFolder folder;
  write_npy(folder / "x.npy", Tensor::f64({6, 2}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
  write_npy(folder / "y.npy", Tensor::i64({6}, {0, 1, 2, 0, 1, 2}));
  const Split classes = read_source("npy:" + folder.path().string(), {.test_share = 0.5});
  CHECK_EQ(classes.train.classes, 3);
  CHECK_EQ(classes.train.size() + classes.test.size(), 6);
  write_npy(folder / "y.npy", Tensor::f64({6}, {0, 1, 2, 0, 1, 2}));
  CHECK_EQ(read_source("npy:" + folder.path().string()).train.classes, 0);
}

TEST_CASE("arrays with samples of several dimensions are read flat, as all sets are") {
  const test::TemporaryFolder folder;
  write_npy(folder / "x.npy", Tensor(Type::f32, {6, 2, 3}));
  write_npy(folder / "y.npy", Tensor::i64({6}, {0, 1, 2, 0, 1, 2}));
  CHECK(read_source("npy:" + folder.path().string(), {.test_share = 0.5}).train.x.sizes() ==
        std::vector<int64_t>{3, 6});
}

TEST_CASE("labels in an array that cannot be classes are refused, none is cut to 32 bits") {
  const test::TemporaryFolder folder;
  write_npy(folder / "x.npy", Tensor::f64({3, 1}, {1, 2, 3}));
  for (const int64_t label : {int64_t{-1}, int64_t{1} << 40, int64_t{2147483647}}) {
    write_npy(folder / "y.npy", Tensor::i64({3}, {0, label, 1}));
    CHECK(test::holds(thrown_by([&] { read_source("npy:" + folder.path().string()); }),
                      fmt::format("y.npy has the label {} as element 1: want 0 to 1048575", label)));
  }
}

TEST_CASE("a source in one piece has all samples in the order of its files") {
  const test::TemporaryFolder folder;
  write_npy(folder / "x.npy", Tensor::f64({3, 1}, {1, 2, 3}));
  const std::string arrays = "npy:" + folder.path().string();
  SourceOptions unlabelled;
  unlabelled.csv.target = Target::None;
  const Dataset samples = read_whole_source(arrays, unlabelled);
  CHECK(samples.x == Tensor::f32({3, 1}, {1, 2, 3}));
  CHECK(samples.y.sizes().empty());
  CHECK(holds(thrown_by([&] { read_whole_source(arrays); }), "y.npy"));
  CHECK(read_whole_source("digits").x == digits().x);
  CHECK(read_whole_source("digits", unlabelled).classes == 0);

  const auto set = test::shared_file("data/mnist");
  if (!set) return;
  const Split parts = mnist(*set);
  const Dataset whole = read_whole_source("mnist:" + set->string());
  CHECK(whole.size() == parts.train.size() + parts.test.size());
  CHECK(whole.x.rows(0, parts.train.size()) == parts.train.x);
  CHECK(whole.x.rows(parts.train.size(), whole.size()) == parts.test.x);
  CHECK(whole.y.rows(parts.train.size(), whole.size()) == parts.test.y);
}

TEST_CASE("data are found by a word of text") {
  const test::TemporaryFolder folder;
  write_file_atomically(folder / "t.csv", "1,2,a\n3,4,b\n5,6,a\n7,8,b\n");
  CHECK(read_source("digits").test.x == split(digits(), 0.2, 0).test.x);
  const Split csv = read_source("csv:" + (folder / "t.csv").string(), {.test_share = 0.5});
  CHECK(csv.train.size() == 2);
  CHECK(csv.test.size() == 2);
  CHECK(thrown_by([] { read_source("mnits:x"); }) ==
        "[data] unknown data 'mnits:x': want digits, mnist:FOLDER, cifar10:FOLDER, npy:FOLDER or csv:FILE");
  CHECK(holds(thrown_by([] { read_source("csv:"); }), "[data] unknown data 'csv:'"));
  CHECK(holds(thrown_by([] { read_source("mnist:none"); }), "[mnist] 'none' is no folder"));
}

TEST_CASE("a table by a word of text takes options behind its file, which may have commas") {
  const test::TemporaryFolder folder;
  const std::string file = "csv:" + (folder / "a,b=c.csv").string();
  write_file_atomically(folder / "a,b=c.csv", "id,y,x\n1,0.5,4\n2,1.5,\n3,2.5,8\n4,3.5,6\n");
  CHECK(holds(thrown_by([&] { read_source(file + ",label=y"); }),
              "line 3, column 3 ('x'): the value is missing"));
  const Split dropped = read_source(file + ",label=y,missing=drop,ignore=id", {.test_share = 0.34});
  CHECK(dropped.train.size() + dropped.test.size() == 3);
  CHECK(dropped.train.features() == 1);
  const Split filled = read_source(file + ",ignore=id,label=y,target=number,header=present,missing=mean");
  CHECK(filled.train.size() + filled.test.size() == 4);
  CHECK(filled.train.classes == 0);
  CHECK(read_source(file + ",label=y,missing=drop,separator=comma").train.label_name == "y");
  CHECK(holds(thrown_by([&] { read_source(file + ",separator=tab"); }), "separated by tabs"));
  CHECK(thrown_by([&] { read_source(file + ",missing=zero"); }) ==
        "[data] unknown missing 'zero': want error, drop, mean");
  CHECK(thrown_by([] { read_source("csv:some.csv,label=a,header=present,label=b"); }) ==
        "[data] label is given twice: want it once");
  CHECK(holds(thrown_by([&] { read_source(file + ",labels=y"); }), "c.csv,labels=y'"));
}

}  // namespace
}  // namespace crease
