#include "graph/type.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "graph/error.h"

namespace crease {
namespace {

struct TypeRow {
  std::string_view name;
  int64_t size;
  bool floating;
  int rank;  // order of promotion
};

// Indexed by Type.
constexpr std::array<TypeRow, 6> types{{{"f64", 8, true, 6},
                                        {"f32", 4, true, 5},
                                        {"i64", 8, false, 4},
                                        {"i32", 4, false, 3},
                                        {"u8", 1, false, 2},
                                        {"bool", 1, false, 1}}};

const TypeRow& row(Type type) { return types[static_cast<size_t>(type)]; }

bool is_identifier(std::string_view text) {
  const auto word = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  return !text.empty() && std::isdigit(static_cast<unsigned char>(text[0])) == 0 &&
         std::all_of(text.begin(), text.end(), word);
}

template <class Range>
std::string bracketed(const Range& items) {
  std::string text = "[";
  for (const auto& item : items) {
    if (text.size() > 1) text += ", ";
    if constexpr (std::is_same_v<std::decay_t<decltype(item)>, Dim>)
      text += to_string(item);
    else
      text += std::to_string(item);
  }
  return text + "]";
}

}  // namespace

int64_t size_of(Type type) { return row(type).size; }
std::string_view to_string(Type type) { return row(type).name; }
bool is_floating(Type type) { return row(type).floating; }
Type promote(Type a, Type b) { return row(a).rank >= row(b).rank ? a : b; }

Type parse_type(std::string_view name) {
  for (size_t i = 0; i < types.size(); ++i)
    if (types[i].name == name) return static_cast<Type>(i);
  fail("unknown element type '{}': want one of f64, f32, i64, i32, u8, bool", name);
}

Dim::Dim(const char* symbol) : Dim(std::string(symbol)) {}
Dim::Dim(std::string symbol) : symbol_(std::move(symbol)) {
  expect(is_identifier(symbol_), "dimension name '{}' is not an identifier: want letters, digits and _",
         symbol_);
}

void Dim::refuse(const std::string& size) {
  fail("a dimension cannot have size {}: want 0 to 2^63 - 1, and every size written out", size);
}

int64_t Dim::size() const {
  expect(!is_symbol(), "dimension '{}' has no size before a program runs", symbol_);
  return size_;
}

std::string to_string(const Dim& dim) { return dim.is_symbol() ? dim.symbol() : std::to_string(dim.size()); }
std::string to_string(const Shape& shape) { return bracketed(shape); }
std::string to_string(const std::vector<int64_t>& sizes) { return bracketed(sizes); }

bool has_symbol(const Shape& shape) {
  return std::any_of(shape.begin(), shape.end(), [](const Dim& dim) { return dim.is_symbol(); });
}

std::vector<int64_t> sizes_of(const Shape& shape) {
  std::vector<int64_t> sizes;
  for (const Dim& dim : shape) sizes.push_back(dim.size());
  return sizes;
}

int64_t element_count(const std::vector<int64_t>& sizes) {
  int64_t count = 1;
  if (std::find(sizes.begin(), sizes.end(), 0) != sizes.end()) return 0;
  for (const int64_t size : sizes)
    expect(!__builtin_mul_overflow(count, size, &count) && count < (int64_t{1} << 62),
           "shape {} has more elements than 2^62", to_string(sizes));
  return count;
}

}  // namespace crease
