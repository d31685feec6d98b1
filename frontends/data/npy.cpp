#include "frontends/data/npy.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <optional>
#include <vector>

#include "frontends/data/byte_stream.h"
#include "frontends/file.h"
#include "graph/error.h"

namespace crease {
namespace {

static_assert(std::endian::native == std::endian::little, "arrays are written in the machine's byte order");

constexpr std::string_view magic = "\x93NUMPY";

/// How NumPy calls an element type, and what its elements become.
struct Storage {
  std::string_view code;
  size_t bytes;
  Type type;
};
constexpr std::array<Storage, 11> storages{{{"f4", 4, Type::f32},
                                            {"f8", 8, Type::f64},
                                            {"i4", 4, Type::i32},
                                            {"i8", 8, Type::i64},
                                            {"u1", 1, Type::u8},
                                            {"b1", 1, Type::boolean},
                                            {"f2", 2, Type::f32},
                                            {"i1", 1, Type::i32},
                                            {"i2", 2, Type::i32},
                                            {"u2", 2, Type::i32},
                                            {"u4", 4, Type::i64}}};

/// What the header says.
struct Header {
  Storage storage;
  bool big_endian = false;
  bool fortran_order = false;
  std::vector<int64_t> sizes;
};

/// Reads the header's Python dictionary, of which NumPy writes only this much: {'descr': '<f4',
/// 'fortran_order': False, 'shape': (3, 4), }.
class HeaderReader {
 public:
  HeaderReader(std::string_view text, std::string name, size_t begin)
      : text_(text), name_(std::move(name)), begin_(begin) {}

  Header read() {
    Header header{.storage = {}, .sizes = {}};
    require("{");
    while (!accept("}")) {
      const std::string_view key = quoted();
      require(":");
      if (key == "descr")
        read_type(header);
      else if (key == "fortran_order")
        header.fortran_order = read_truth();
      else if (key == "shape")
        header.sizes = read_shape();
      else
        error("the keys 'descr', 'fortran_order' and 'shape'");
      seen_ += key.size();
      if (!accept(",") && text_.substr(at_, 1) != "}") error("',' or '}'");
    }
    constexpr size_t all_keys = std::string_view("descrfortran_ordershape").size();
    blanks();
    if (seen_ != all_keys || at_ != text_.size()) error("each of 'descr', 'fortran_order' and 'shape' once");
    return header;
  }

 private:
  [[noreturn]] void error(std::string_view wanted) const {
    fail("[read_npy] '{}' byte {}: the header is not as NumPy writes it, want {}", name_, begin_ + at_,
         wanted);
  }
  void blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool accept(std::string_view word) {
    blanks();
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    blanks();
    return true;
  }
  void require(std::string_view word) {
    if (!accept(word)) error(word);
  }
  std::string_view quoted() {
    require("'");
    const size_t end = text_.find('\'', at_);
    if (end == std::string_view::npos) error("a closing quote");
    const std::string_view word = text_.substr(at_, end - at_);
    at_ = end + 1;
    blanks();
    return word;
  }
  void read_type(Header& header) {
    const std::string_view code = quoted();
    const auto* found = std::ranges::find_if(
        storages, [&](const Storage& s) { return code.substr(code.empty() ? 0 : 1) == s.code; });
    if (found == storages.end() || std::string_view("<>|=").find(code[0]) == std::string_view::npos)
      fail("[read_npy] '{}' has elements of type '{}': want f2, f4, f8, i1, i2, i4, i8, u1, u2, u4 or b1",
           name_, code);
    header.storage = *found;
    header.big_endian = code[0] == '>';
  }
  bool read_truth() {
    if (accept("True")) return true;
    require("False");
    return false;
  }
  std::vector<int64_t> read_shape() {
    std::vector<int64_t> sizes;
    require("(");
    while (!accept(")")) {
      int64_t size = -1;
      const auto [end, problem] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), size);
      if (problem != std::errc{} || size < 0) error("a size");
      at_ = static_cast<size_t>(end - text_.data());
      sizes.push_back(size);
      if (!accept(",") && text_.substr(at_, 1) != ")") error("',' or ')'");
    }
    return sizes;
  }

  std::string_view text_;
  std::string name_;
  size_t begin_, at_ = 0, seen_ = 0;
};

Header read_header(ByteStream& stream) {
  std::array<std::byte, 8> start{};
  stream.read_exactly(start, "read_npy", "magic number");
  const auto major = static_cast<int>(start[6]);
  expect(std::memcmp(start.data(), magic.data(), magic.size()) == 0 && major >= 1 && major <= 3,
         "[read_npy] '{}' byte 0: want \\x93NUMPY and a version from 1 to 3 of a .npy file", stream.name());
  std::array<std::byte, 4> length_bytes{};
  stream.read_exactly(std::span(length_bytes).first(major == 1 ? 2 : 4), "read_npy", "header length");
  uint32_t length = 0;
  std::memcpy(&length, length_bytes.data(), sizeof length);
  constexpr uint32_t longest = 1 << 20;
  expect(length <= longest, "[read_npy] '{}' has a header of {} bytes: want at most {}", stream.name(),
         length, longest);
  std::string text(length, '\0');
  const auto begin = static_cast<size_t>(stream.position());
  stream.read_exactly(std::as_writable_bytes(std::span(text)), "read_npy", "header");
  return HeaderReader(text, stream.name(), begin).read();
}

void check_size(const Header& header, const ByteStream& stream) {
  auto wanted = static_cast<int64_t>(header.storage.bytes);
  bool overflow = false;
  for (const int64_t size : header.sizes) overflow |= __builtin_mul_overflow(wanted, size, &wanted);
  expect(!overflow && wanted <= stream.most_left(),
         "[read_npy] '{}': shape {} wants {} bytes of data, more than the file can hold ({} at most)",
         stream.name(), to_string(header.sizes), overflow ? "2^63 or more" : std::to_string(wanted),
         stream.most_left());
}

/// IEEE 754 binary16 as a number.
double half(uint16_t bits) {
  const int exponent = (bits >> 10) & 31, fraction = bits & 1023;
  const double sign = (bits & 0x8000) != 0 ? -1 : 1;
  if (exponent == 31) return fraction == 0 ? sign * INFINITY : NAN;
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(fraction + 1024, exponent - 25);
}

template <class From>
From element(const std::byte* bytes) {
  From value{};
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

double number(std::string_view code, const std::byte* bytes) {
  if (code == "f2") return half(element<uint16_t>(bytes));
  if (code == "i1") return element<int8_t>(bytes);
  if (code == "i2") return element<int16_t>(bytes);
  if (code == "u2") return element<uint16_t>(bytes);
  return element<uint32_t>(bytes);  // u4
}

/// Elements in the order of the file, in the machine's byte order.
Tensor elements(const Header& header, std::vector<std::byte> bytes) {
  const size_t width = header.storage.bytes;
  if (header.big_endian)
    for (size_t at = 0; at < bytes.size(); at += width)
      std::reverse(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                   bytes.begin() + static_cast<std::ptrdiff_t>(at + width));
  Tensor tensor(header.storage.type, header.sizes);
  if (header.storage.type == Type::boolean)
    for (std::byte& byte : bytes) byte = byte == std::byte{0} ? byte : std::byte{1};
  const bool converts = header.storage.code == "f2" || header.storage.code == "i1" ||
                        header.storage.code == "i2" || header.storage.code == "u2" ||
                        header.storage.code == "u4";
  if (!converts) {
    if (!bytes.empty()) std::memcpy(tensor.mutable_data(), bytes.data(), bytes.size());
    return tensor;
  }
  for (int64_t i = 0; i < tensor.count(); ++i)
    tensor.set(i, number(header.storage.code, bytes.data() + static_cast<size_t>(i) * width));
  return tensor;
}

/// Column-major elements made row-major.
Tensor transposed(const Tensor& from) {
  const auto& sizes = from.sizes();
  Tensor to(from.type(), sizes);
  const auto width = static_cast<size_t>(size_of(from.type()));
  std::vector<int64_t> point(sizes.size());
  for (int64_t i = 0; i < from.count(); ++i) {
    int64_t rest = i, place = 0;
    for (size_t d = 0; d < sizes.size(); ++d) {  // the first index runs fastest
      point[d] = rest % sizes[d];
      rest /= sizes[d];
    }
    for (size_t d = 0; d < sizes.size(); ++d) place = place * sizes[d] + point[d];
    std::memcpy(to.mutable_data() + static_cast<size_t>(place) * width,
                from.data() + static_cast<size_t>(i) * width, width);
  }
  return to;
}

std::string_view code_of(Type type) {
  switch (type) {
    case Type::f64: return "<f8";
    case Type::f32: return "<f4";
    case Type::i64: return "<i8";
    case Type::i32: return "<i4";
    case Type::u8: return "|u1";
    case Type::boolean: return "|b1";
  }
  return "";
}

}  // namespace

Tensor parse_npy(std::string_view bytes, const std::string& name) {
  ByteStream stream(bytes, name);
  const Header header = read_header(stream);
  check_size(header, stream);
  std::vector<std::byte> data(static_cast<size_t>(element_count(header.sizes)) * header.storage.bytes);
  stream.read_exactly(data, "read_npy", "data");
  expect(stream.at_end(), "[read_npy] '{}' goes on after byte {}, where its data of shape {} ends", name,
         stream.position(), to_string(header.sizes));
  const Tensor tensor = elements(header, std::move(data));
  return header.fortran_order && header.sizes.size() > 1 ? transposed(tensor) : tensor;
}

Tensor read_npy(const std::filesystem::path& path) { return parse_npy(read_file(path), path.string()); }

void write_npy(const std::filesystem::path& path, const Tensor& tensor) {
  std::string shape;
  for (const int64_t size : tensor.sizes()) shape += fmt::format("{}, ", size);
  if (tensor.sizes().size() > 1) shape.resize(shape.size() - 2);
  if (tensor.sizes().size() == 1) shape.resize(shape.size() - 1);  // (3,)
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}",
                                   code_of(tensor.type()), shape);
  constexpr size_t before = 10, alignment = 64;  // bytes before the header; what the data is aligned to
  header.append(alignment - (before + header.size() + 1) % alignment, ' ');
  header += '\n';
  std::string start(magic);
  start += {'\1', '\0', static_cast<char>(header.size() & 255), static_cast<char>(header.size() >> 8)};
  const std::string_view data(reinterpret_cast<const char*>(tensor.data()),  // NOLINT: bytes as they are
                              static_cast<size_t>(tensor.bytes()));
  const std::array<std::string_view, 3> parts{start, header, data};
  write_file_atomically(path, parts);
}

}  // namespace crease
