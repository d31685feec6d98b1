#include "frontends/data/dataset.h"

#include <algorithm>
#include <cmath>

#include "graph/error.h"

namespace crease {
namespace {

void expect_labels(const Dataset& data) {
  const auto labels = data.y.read<int32_t>();
  const size_t width = labels.size() / static_cast<size_t>(std::max<int64_t>(data.y.sizes()[0], 1));
  for (size_t i = 0; i < labels.size(); ++i)
    expect(labels[i] >= 0 && labels[i] < data.classes,
           "[dataset] '{}' row {} has label {}: want 0 to {} for {} classes", data.name, i / width, labels[i],
           data.classes - 1, data.classes);
}

void expect_names(const Dataset& data, const char* what, size_t got, int64_t want) {
  expect(got == 0 || static_cast<int64_t>(got) == want, "[dataset] '{}' has {} {} names: want {} or none",
         data.name, got, what, want);
}

void expect_sample_shapes(const Dataset& data) {
  const Tensor& x = data.x;
  expect((x.type() == Type::f32 || x.type() == Type::i32) && x.sizes().size() >= 2 && x.count() > 0,
         "[dataset] '{}' has samples {} {}: want f32 [n, features] or i32 [n, length], none of them 0",
         data.name, to_string(x.type()), to_string(x.sizes()));
  expect_names(data, "feature", data.feature_names.size(), data.features());
}

void expect_shapes(const Dataset& data) {
  expect_sample_shapes(data);
  const Tensor &x = data.x, &y = data.y;
  const bool labels = y.type() == Type::i32 && (y.sizes().size() == 1 || y.sizes().size() == 2);
  const bool numbers = y.type() == Type::f32 && (y.sizes().size() == 1 || y.sizes().size() == 2);
  expect(data.classes >= 0, "[dataset] '{}' has {} classes: want 0 for regression, or more", data.name,
         data.classes);
  expect(data.classes > 0 ? labels : numbers, "[dataset] '{}' has targets {} {}: want {}", data.name,
         to_string(y.type()), to_string(y.sizes()),
         data.classes > 0 ? "i32 [n] or [n, length] for classes" : "f32 [n] or [n, k] for regression");
  expect(x.sizes()[0] == y.sizes()[0], "[dataset] '{}' has {} samples but {} targets", data.name,
         x.sizes()[0], y.sizes()[0]);
  expect_names(data, "class", data.class_names.size(), data.classes);
}

void expect_finite(const Dataset& data, const Tensor& tensor, const char* what,
                   const std::vector<std::string>& names) {
  if (tensor.type() != Type::f32) return;
  const auto values = tensor.read<float>();
  const auto found = std::find_if(values.begin(), values.end(), [](float v) { return !std::isfinite(v); });
  if (found == values.end()) return;
  const size_t width = values.size() / static_cast<size_t>(tensor.sizes()[0]);
  const auto index = static_cast<size_t>(found - values.begin());
  const size_t column = index % width;
  fail("[dataset] '{}' row {}, {} {}{} is {}: want a finite number", data.name, index / width, what, column,
       column < names.size() ? fmt::format(" ('{}')", names[column]) : "", *found);
}

/// Rows by class; one group for regression and for sequences.
std::vector<std::vector<int64_t>> groups_of(const Dataset& data) {
  const bool by_class = data.classes > 0 && data.y.sizes().size() == 1;
  std::vector<std::vector<int64_t>> groups(static_cast<size_t>(by_class ? data.classes : 1));
  for (int64_t row = 0; row < data.size(); ++row) {
    const int32_t label = by_class ? data.y.read<int32_t>()[static_cast<size_t>(row)] : 0;
    groups[static_cast<size_t>(label)].push_back(row);
  }
  return groups;
}

/// Two parts, to train and, the share given, to "test" or "validate" with.
Split in_two(const Dataset& data, double share, uint64_t seed, const char* what) {
  expect(share > 0 && share < 1, "[split] share of {} to {}: want more than 0 and less than 1", share, what);
  expect_shapes(data);
  if (data.classes > 0) expect_labels(data);
  std::vector<int64_t> train, test;
  uint64_t stream = 0;
  for (const std::vector<int64_t>& group : groups_of(data)) {
    const auto n = static_cast<int64_t>(group.size());
    const auto tested = std::llround(static_cast<double>(n) * share);
    const std::vector<int64_t> order = permutation(n, seed, stream++);
    for (int64_t i = 0; i < n; ++i)
      (i < tested ? test : train).push_back(group[static_cast<size_t>(order[static_cast<size_t>(i)])]);
  }
  expect(!train.empty() && !test.empty(),
         "[split] '{}' gives {} samples to train and {} to {}: want some of both", data.name, train.size(),
         test.size(), what);
  std::sort(train.begin(), train.end());
  std::sort(test.begin(), test.end());
  return {select(data, train), select(data, test)};
}

}  // namespace

int64_t Dataset::size() const { return x.sizes().empty() ? 0 : x.sizes()[0]; }

int64_t Dataset::features() const { return size() == 0 ? 0 : x.count() / size(); }

int64_t Dataset::targets() const { return y.sizes().size() == 2 ? y.sizes()[1] : 1; }

Batches Dataset::batches(int64_t size, const BatchOptions& options) const {
  if (classes > 0) expect_labels(*this);
  return {x, y, size, options};
}

void validate(const Dataset& data) {
  expect_shapes(data);
  expect_finite(data, data.x, "feature", data.feature_names);
  if (data.classes > 0) {
    expect_labels(data);
  } else {
    expect_finite(data, data.y, "target", {});
  }
}

void validate_samples(const Dataset& data) {
  expect_sample_shapes(data);
  expect_finite(data, data.x, "feature", data.feature_names);
}

Dataset select(const Dataset& data, std::span<const int64_t> rows) {
  Dataset part = data;
  part.x = gather_rows(data.x, rows);
  part.y = gather_rows(data.y, rows);
  return part;
}

Split split(const Dataset& data, double test_share, uint64_t seed) {
  return in_two(data, test_share, seed, "test");
}

Split with_validation(const Split& data, double share, uint64_t seed) {
  Split parts = in_two(data.train, share, seed, "validate");
  return {.train = std::move(parts.train), .test = data.test, .validation = std::move(parts.test)};
}

std::vector<Split> folds(const Dataset& data, int64_t k, uint64_t seed) {
  expect_shapes(data);
  if (data.classes > 0) expect_labels(data);
  expect(k >= 2 && k <= data.size(), "[folds] {} folds of {} samples: want at least 2, at most one a sample",
         k, data.size());
  std::vector<int64_t> fold_of(static_cast<size_t>(data.size()));
  int64_t dealt = 0;  // goes on over the classes, so that small ones do not all end in the first fold
  for (const auto& group : groups_of(data))
    for (const int64_t i :
         permutation(static_cast<int64_t>(group.size()), seed, static_cast<uint64_t>(dealt)))
      fold_of[static_cast<size_t>(group[static_cast<size_t>(i)])] = dealt++ % k;
  std::vector<Split> result;
  for (int64_t fold = 0; fold < k; ++fold) {
    std::vector<int64_t> train, test;
    for (int64_t row = 0; row < data.size(); ++row)
      (fold_of[static_cast<size_t>(row)] == fold ? test : train).push_back(row);
    result.push_back({.train = select(data, train), .test = select(data, test)});
  }
  return result;
}

}  // namespace crease
