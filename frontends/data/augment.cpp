#include "frontends/data/augment.h"

#include <algorithm>

#include "frontends/data/batches.h"
#include "graph/error.h"

namespace crease {
namespace {

/// What is done to one image.
struct Move {
  int64_t down = 0, right = 0;
  bool mirrored = false;
};

void copy_image(std::span<const float> from, std::span<float> to, const AugmentOptions& options,
                const Move& move) {
  for (int64_t c = 0; c < options.channels; ++c)
    for (int64_t row = 0; row < options.height; ++row)
      for (int64_t column = 0; column < options.width; ++column) {
        const int64_t y = row - move.down;
        const int64_t seen = move.mirrored ? options.width - 1 - column : column;
        const int64_t x = seen - move.right;
        const bool inside = y >= 0 && y < options.height && x >= 0 && x < options.width;
        const auto at = static_cast<size_t>((c * options.height + row) * options.width + column);
        to[at] = inside ? from[static_cast<size_t>((c * options.height + y) * options.width + x)] : 0;
      }
}

Move draw(const AugmentOptions& options, uint64_t seed, int64_t epoch, int64_t position) {
  const auto numbers = static_cast<uint64_t>(2 * options.shift + 1);
  const uint64_t bits = random_bits(seed + static_cast<uint64_t>(epoch), static_cast<uint64_t>(position));
  return {.down = static_cast<int64_t>((bits & 0xffffffffu) % numbers) - options.shift,
          .right = static_cast<int64_t>((bits >> 32 & 0x7fffffffu) % numbers) - options.shift,
          .mirrored = options.flip && bits >> 63 != 0};
}

}  // namespace

Tensor augment(const Tensor& images, const AugmentOptions& options, uint64_t seed, int64_t epoch,
               int64_t first) {
  const int64_t n = images.sizes().empty() ? 0 : images.sizes()[0];
  const int64_t size = options.channels * options.height * options.width;
  expect(n > 0 && images.type() == Type::f32 && images.count() == n * size,
         "[augment] images {} {}: want f32 [n, {} x {} x {}]", to_string(images.type()),
         to_string(images.sizes()), options.channels, options.height, options.width);
  expect(options.shift >= 0 && options.shift < std::min(options.height, options.width),
         "[augment] shift of {} pixels: want at least 0 and less than the image's {} x {}", options.shift,
         options.height, options.width);
  Tensor result(Type::f32, images.sizes());
  const auto from = images.read<float>();
  const auto to = result.write<float>();
  for (int64_t i = 0; i < n; ++i) {
    const auto at = static_cast<size_t>(i * size), count = static_cast<size_t>(size);
    copy_image(from.subspan(at, count), to.subspan(at, count), options,
               draw(options, seed, epoch, first + i));
  }
  return result;
}

}  // namespace crease
