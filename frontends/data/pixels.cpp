#include "frontends/data/pixels.h"

#include <array>
#include <cstddef>

namespace crease {
namespace {

constexpr std::array<float, 256> make_shades() {
  std::array<float, 256> shades{};
  for (size_t i = 0; i < shades.size(); ++i) shades[i] = static_cast<float>(i) / 255.0F;
  return shades;
}

}  // namespace

void scale_pixels(std::span<const uint8_t> from, std::span<float> to) {
  static constexpr std::array<float, 256> shades = make_shades();
  for (size_t i = 0; i < to.size(); ++i) to[i] = shades[from[i]];
}

}  // namespace crease
