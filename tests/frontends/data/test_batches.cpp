#include "frontends/data/batches.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <numeric>
#include <set>

#include "tests/frontends/thrown.h"

namespace crease {
namespace {

using test::thrown_by;

/// Row i holds (i, -i), its label is i.
struct Rows {
  Tensor x, y;
};

Rows rows(int64_t n) {
  Rows data{Tensor(Type::f32, {n, 2}), Tensor(Type::i32, {n})};
  for (int64_t i = 0; i < n; ++i) {
    data.x.set(2 * i, static_cast<double>(i));
    data.x.set(2 * i + 1, -static_cast<double>(i));
    data.y.set(i, static_cast<double>(i));
  }
  return data;
}

/// The labels in the order of an epoch.
std::vector<int64_t> order(int64_t n, int64_t size, const BatchOptions& options = {}) {
  const Rows data = rows(n);
  std::vector<int64_t> labels;
  for (const Batch& batch : Batches(data.x, data.y, size, options))
    for (const int32_t label : batch.y.read<int32_t>()) labels.push_back(label);
  return labels;
}

TEST_CASE("a permutation is the same on every machine") {
  // Computed apart from this code, in Python: a change here changes every training run.
  CHECK(permutation(8, 1) == std::vector<int64_t>{1, 3, 5, 2, 0, 6, 7, 4});
  CHECK(permutation(8, 1, 2) == std::vector<int64_t>{2, 0, 5, 4, 3, 7, 6, 1});
  CHECK(permutation(0, 1).empty());
  CHECK(permutation(1, 1) == std::vector<int64_t>{0});
}

TEST_CASE("a permutation holds each number once") {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    std::vector<int64_t> sorted = permutation(1000, seed), wanted(1000);
    std::iota(wanted.begin(), wanted.end(), 0);
    CHECK(sorted != wanted);
    std::sort(sorted.begin(), sorted.end());
    REQUIRE(sorted == wanted);
  }
}

TEST_CASE("all orders of three are equally likely") {
  std::map<std::vector<int64_t>, int> counts;
  constexpr int draws = 60'000;
  for (int i = 0; i < draws; ++i) ++counts[permutation(3, 7, static_cast<uint64_t>(i))];
  CHECK(counts.size() == 6);
  // Binomial(60000, 1/6): deviation 91. Six of them cover all but 1e-8 of the cases.
  for (const auto& [numbers, count] : counts) CHECK(std::abs(count - draws / 6) < 6 * 91);
}

TEST_CASE("an epoch gives each sample once, its x beside its y") {
  const Rows data = rows(10);
  std::multiset<int64_t> seen;
  std::vector<int64_t> sizes;
  for (const Batch& batch : Batches(data.x, data.y, 4)) {
    sizes.push_back(batch.size());
    CHECK(batch.x.sizes() == std::vector<int64_t>{batch.size(), 2});
    for (int64_t i = 0; i < batch.size(); ++i) {
      CHECK(batch.x.at(2 * i) == batch.y.at(i));
      CHECK(batch.x.at(2 * i + 1) == -batch.y.at(i));
      seen.insert(static_cast<int64_t>(batch.y.at(i)));
    }
  }
  CHECK(sizes == std::vector<int64_t>{4, 4, 2});
  CHECK(seen == std::multiset<int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
}

TEST_CASE("seed and epoch decide the order, the size of a batch does not") {
  CHECK(order(100, 7) == order(100, 7));
  CHECK(order(100, 7) == order(100, 100));
  CHECK(order(100, 7) != order(100, 7, {.seed = 1}));
  CHECK(order(100, 7) != order(100, 7, {.epoch = 1}));
  CHECK(order(100, 7, {.seed = 1}) != order(100, 7, {.epoch = 1}));
}

TEST_CASE("without shuffling the order is that of the rows") {
  CHECK(order(5, 2, {.shuffle = false}) == std::vector<int64_t>{0, 1, 2, 3, 4});
}

TEST_CASE("the partial batch can be left out") {
  CHECK(order(5, 2, {.shuffle = false, .keep_partial = false}) == std::vector<int64_t>{0, 1, 2, 3});
  const Rows data = rows(5);
  CHECK(Batches(data.x, data.y, 2).count() == 3);
  CHECK(Batches(data.x, data.y, 2, {.keep_partial = false}).count() == 2);
  CHECK(Batches(data.x, data.y, 5, {.keep_partial = false}).count() == 1);
}

TEST_CASE("a batch that was kept does not change when the next one is made") {
  const Rows data = rows(8);
  std::vector<Batch> kept;
  for (const Batch& batch : Batches(data.x, data.y, 2, {.shuffle = false})) kept.push_back(batch);
  REQUIRE(kept.size() == 4);
  for (size_t i = 0; i < kept.size(); ++i)
    CHECK(kept[i].y == Tensor::i32({2}, {static_cast<int32_t>(2 * i), static_cast<int32_t>(2 * i + 1)}));
}

TEST_CASE("memory of a batch is used again, also when the reader holds one back") {
  const Rows data = rows(12);
  std::set<const std::byte*> addresses;
  Tensor held;
  for (const Batch& batch : Batches(data.x, data.y, 2)) {
    addresses.insert(batch.x.data());
    held = batch.x;
  }
  CHECK(addresses.size() == 2);
}

TEST_CASE("batches that cannot be made are errors") {
  const Rows data = rows(5);
  const auto complaint = [&](int64_t size, const BatchOptions& options = {}) {
    return thrown_by([&] { Batches(data.x, data.y, size, options); });
  };
  CHECK(complaint(0) == "[batches] batch of 0 samples: want at least 1");
  CHECK(complaint(-3) == "[batches] batch of -3 samples: want at least 1");
  CHECK(complaint(6) == "[batches] batch of 6 samples is larger than the data: want at most 5");
  CHECK(complaint(1, {.epoch = -1}) == "[batches] epoch -1 is negative");
  CHECK(thrown_by([&] { Batches(data.x, rows(4).y, 1); }) ==
        "[batches] x of shape [5, 2] and y of shape [4] differ in their number of rows");
}

}  // namespace
}  // namespace crease
