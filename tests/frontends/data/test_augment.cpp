#include "frontends/data/augment.h"

#include <doctest/doctest.h>

#include <set>

#include "frontends/data/prefetch.h"
#include "tests/frontends/thrown.h"

namespace crease {
namespace {

using test::holds;
using test::thrown_by;

Tensor counting(int64_t images, int64_t size) {
  Tensor tensor(Type::f32, {images, size});
  for (int64_t i = 0; i < tensor.count(); ++i) tensor.set(i, static_cast<double>(i % size + 1));
  return tensor;
}

std::vector<float> image(const Tensor& images, int64_t i, int64_t size) {
  const auto values = images.read<float>().subspan(static_cast<size_t>(i * size), static_cast<size_t>(size));
  return {values.begin(), values.end()};
}

}  // namespace

TEST_CASE("without shift and flip an image stays") {
  const Tensor images = counting(3, 12);
  const Tensor same = augment(images, {.channels = 2, .height = 2, .width = 3}, 1, 2, 0);
  for (int64_t i = 0; i < 3; ++i) CHECK_EQ(image(same, i, 12), image(images, i, 12));
}

TEST_CASE("flips give the image or its mirror, both of them") {
  const Tensor images = counting(32, 6);
  const Tensor changed = augment(images, {.height = 2, .width = 3, .flip = true}, 1, 0, 0);
  std::set<std::vector<float>> seen;
  for (int64_t i = 0; i < 32; ++i) seen.insert(image(changed, i, 6));
  CHECK_EQ(seen, std::set<std::vector<float>>{{1, 2, 3, 4, 5, 6}, {3, 2, 1, 6, 5, 4}});
}

TEST_CASE("shifts reach every offset, and what comes in is 0") {
  const Tensor images = counting(256, 4);
  const Tensor changed = augment(images, {.height = 2, .width = 2, .shift = 1}, 1, 0, 0);
  std::set<std::vector<float>> seen;
  for (int64_t i = 0; i < 256; ++i) seen.insert(image(changed, i, 4));
  CHECK_EQ(seen.size(), 9U);
  CHECK(seen.contains({0, 0, 0, 1}));  // down and right
  CHECK(seen.contains({4, 0, 0, 0}));  // up and left
}

TEST_CASE("an image's change depends on its place in the epoch, not on the batch") {
  const Tensor images = counting(8, 9);
  const AugmentOptions options{.height = 3, .width = 3, .shift = 2, .flip = true};
  const Tensor whole = augment(images, options, 5, 3, 0);
  const Tensor half = augment(images.rows(4, 8), options, 5, 3, 4);
  for (int64_t i = 0; i < 4; ++i) CHECK_EQ(image(half, i, 9), image(whole, 4 + i, 9));
  const Tensor later = augment(images, options, 5, 4, 0);
  bool differs = false;
  for (int64_t i = 0; i < 8; ++i) differs |= image(later, i, 9) != image(whole, i, 9);
  CHECK(differs);
}

TEST_CASE("images of another size and shifts out of the image are refused") {
  const Tensor images = counting(2, 6);
  CHECK(holds(thrown_by([&] { augment(images, {.height = 2, .width = 2}, 0, 0, 0); }),
              "want f32 [n, 1 x 2 x 2]"));
  CHECK(holds(thrown_by([&] { augment(images, {.height = 2, .width = 3, .shift = 2}, 0, 0, 0); }),
              "shift of 2 pixels"));
}

TEST_CASE("batches made ahead are those made in turn, each changed once") {
  const Tensor x = counting(10, 1), y = counting(10, 1);
  const Batches batches(x, y, 3, {.seed = 4});
  std::vector<int64_t> firsts;
  Prefetch ahead(batches, [&](Batch batch, int64_t first) {
    firsts.push_back(first);
    return batch;
  });
  auto expected = batches.begin();
  int64_t count = 0;
  for (const Batch& batch : ahead) {
    CHECK_EQ(batch.size(), expected->size());
    for (int64_t i = 0; i < batch.size(); ++i) CHECK_EQ(batch.x.at(i), expected->x.at(i));
    ++expected;
    ++count;
  }
  CHECK_EQ(count, 4);
  CHECK_EQ(firsts, std::vector<int64_t>{0, 3, 6, 9});
}

TEST_CASE("what goes wrong ahead is thrown in the loop, and a loop may end early") {
  const Batches batches(counting(10, 1), counting(10, 1), 2);
  Prefetch failing(batches, [](Batch batch, int64_t first) {
    expect(first < 4, "sample {} is bad", first);
    return batch;
  });
  int64_t count = 0;
  CHECK_EQ(thrown_by([&] {
             for (const Batch& batch : failing) count += batch.size();
           }),
           "sample 4 is bad");
  CHECK_EQ(count, 4);
  Prefetch left(batches);
  for (const Batch& batch : left) {
    CHECK_EQ(batch.size(), 2);
    break;
  }
}

}  // namespace crease
