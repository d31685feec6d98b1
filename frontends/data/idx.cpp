#include "frontends/data/idx.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "frontends/data/byte_stream.h"
#include "frontends/file.h"
#include "graph/error.h"

namespace crease {
namespace {

/// How the values of a file are stored and what they become.
struct Storage {
  uint8_t code;
  size_t bytes;
  Type type;
};

constexpr std::array<Storage, 6> storages{{{0x08, 1, Type::u8},
                                           {0x09, 1, Type::i32},
                                           {0x0b, 2, Type::i32},
                                           {0x0c, 4, Type::i32},
                                           {0x0d, 4, Type::f32},
                                           {0x0e, 8, Type::f64}}};

/// An unsigned number from its bytes, the highest first.
uint64_t big_endian(std::span<const std::byte> bytes) {
  uint64_t value = 0;
  for (const std::byte byte : bytes) value = value << 8 | static_cast<uint64_t>(byte);
  return value;
}

struct Magic {
  Storage storage;
  size_t rank;
};

Magic read_magic(ByteStream& stream) {
  std::array<std::byte, 4> magic{};
  stream.read_exactly(magic, "read_idx", "magic number");
  const auto code = static_cast<uint8_t>(magic[2]);
  const auto* storage =
      std::find_if(storages.begin(), storages.end(), [&](auto s) { return s.code == code; });
  expect(magic[0] == std::byte{0} && magic[1] == std::byte{0} && storage != storages.end(),
         "[read_idx] '{}' byte 0: got {:08x}, want the magic number 0000TTRR of an idx file with the type TT "
         "one of 08 "
         "(u8), 09 (i8), 0b (i16), 0c (i32), 0d (f32), 0e (f64) and RR dimensions",
         stream.name(), big_endian(magic));
  const auto rank = static_cast<size_t>(magic[3]);
  expect(rank >= 1 && rank <= 8, "[read_idx] '{}' byte 3: got {} dimensions, want 1 to 8", stream.name(),
         rank);
  return {*storage, rank};
}

/// The sizes, checked against what the rest of the file can hold.
std::vector<int64_t> read_sizes(ByteStream& stream, size_t rank, const Storage& storage) {
  std::vector<int64_t> sizes;
  for (size_t i = 0; i < rank; ++i) {
    std::array<std::byte, 4> bytes{};
    stream.read_exactly(bytes, "read_idx", "sizes");
    sizes.push_back(static_cast<int64_t>(big_endian(bytes)));
  }
  auto wanted = static_cast<int64_t>(storage.bytes);
  bool overflow = false;
  for (const int64_t size : sizes) overflow |= __builtin_mul_overflow(wanted, size, &wanted);
  expect(!overflow && wanted <= stream.most_left(),
         "[read_idx] '{}' byte 4: shape {} wants {} bytes of data, more than the file can hold ({} at most)",
         stream.name(), to_string(sizes), overflow ? "2^63 or more" : std::to_string(wanted),
         stream.most_left());
  return sizes;
}

template <class Bits, class From, class To>
void decode(std::span<const std::byte> bytes, std::span<To> to) {
  for (size_t i = 0; i < to.size(); ++i) {
    const auto bits = static_cast<Bits>(big_endian(bytes.subspan(i * sizeof(Bits), sizeof(Bits))));
    From value{};
    std::memcpy(&value, &bits, sizeof value);
    to[i] = static_cast<To>(value);
  }
}

/// Values of more than one byte, a piece at a time: the encoded file is never in memory as a whole.
template <class Bits, class From, class To>
void read_values(ByteStream& stream, std::span<To> to) {
  constexpr size_t piece = 1 << 16;
  std::vector<std::byte> bytes;
  for (size_t begin = 0; begin < to.size(); begin += piece) {
    const std::span<To> part = to.subspan(begin, std::min(piece, to.size() - begin));
    bytes.resize(part.size() * sizeof(Bits));
    stream.read_exactly(bytes, "read_idx", "data");
    decode<Bits, From>(bytes, part);
  }
}

}  // namespace

Tensor parse_idx(std::string_view bytes, const std::string& name) {
  ByteStream stream(bytes, name);
  const auto [storage, rank] = read_magic(stream);
  Tensor tensor(storage.type, read_sizes(stream, rank, storage));
  switch (storage.code) {
    case 0x08:
      stream.read_exactly(std::as_writable_bytes(tensor.write<uint8_t>()), "read_idx", "data");
      break;
    case 0x09: read_values<uint8_t, int8_t>(stream, tensor.write<int32_t>()); break;
    case 0x0b: read_values<uint16_t, int16_t>(stream, tensor.write<int32_t>()); break;
    case 0x0c: read_values<uint32_t, int32_t>(stream, tensor.write<int32_t>()); break;
    case 0x0d: read_values<uint32_t, float>(stream, tensor.write<float>()); break;
    case 0x0e: read_values<uint64_t, double>(stream, tensor.write<double>()); break;
  }
  expect(stream.at_end(), "[read_idx] '{}' goes on after byte {}, where its data of shape {} ends", name,
         stream.position(), to_string(tensor.sizes()));
  return tensor;
}

Tensor read_idx(const std::filesystem::path& path) { return parse_idx(read_file(path), path.string()); }

}  // namespace crease
