#include <array>

#include "graph/evaluate.h"

namespace crease {
namespace {

using Block = std::array<uint32_t, 4>;

Block round(const Block& c, uint32_t k0, uint32_t k1) {
  const uint64_t p0 = uint64_t{0xD2511F53} * c[0], p1 = uint64_t{0xCD9E8D57} * c[2];
  return {static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ k0, static_cast<uint32_t>(p1),
          static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ k1, static_cast<uint32_t>(p0)};
}

}  // namespace

float philox_uniform(uint64_t seed, int64_t counter, int64_t index) {
  const auto block = static_cast<uint64_t>(index) / 4;
  const auto stream = static_cast<uint64_t>(counter);
  Block c{static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32), static_cast<uint32_t>(stream),
          static_cast<uint32_t>(stream >> 32)};
  auto k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
  for (int i = 0; i < 10; ++i) {
    c = round(c, k0, k1);
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return static_cast<float>(c[static_cast<size_t>(index) % 4] >> 8) * 0x1p-24F;
}

}  // namespace crease
