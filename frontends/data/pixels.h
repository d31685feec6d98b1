// Bytes of images as numbers.
#pragma once

#include <cstdint>
#include <span>

namespace crease {

/// to[i] = from[i] / 255, in [0, 1]. The spans have one length.
void scale_pixels(std::span<const uint8_t> from, std::span<float> to);

}  // namespace crease
