// Element types, dimensions and shapes.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace crease {

/// Element type of a value. Reductions of f32 accumulate at least in f32.
enum class Type : uint8_t { f64, f32, i64, i32, u8, boolean };

/// Bytes of one element; boolean takes one.
int64_t size_of(Type type);
/// "f32", "i64", "bool".
std::string_view to_string(Type type);
/// The inverse of to_string. Errors: Error for an unknown name, listing the known ones.
Type parse_type(std::string_view name);
bool is_floating(Type type);
/// The type that a binary operation computes in: the wider floating type, else the wider integer.
Type promote(Type a, Type b);

/// One dimension: a size (>= 0) or a named symbol such as "batch", bound when a program runs.
class Dim {
 public:
  Dim() = default;
  /// Errors: Error unless 0 <= size < 2^63.
  template <std::integral Size>
    requires(!std::same_as<Size, bool>)
  Dim(Size size)  // NOLINT(google-explicit-constructor): {"batch", 784} is a Shape
      : size_(static_cast<int64_t>(size)) {
    // What does not fit 63 bits has become negative.
    if (size_ < 0) refuse(std::to_string(size));
  }
  /// Errors: Error if `symbol` is not an identifier.
  Dim(const char* symbol);  // NOLINT(google-explicit-constructor)
  Dim(std::string symbol);  // NOLINT(google-explicit-constructor)

  bool is_symbol() const { return !symbol_.empty(); }
  /// Errors: Error if this is a symbol.
  int64_t size() const;
  const std::string& symbol() const { return symbol_; }
  bool operator==(const Dim&) const = default;

 private:
  [[noreturn]] static void refuse(const std::string& size);
  int64_t size_ = 1;
  std::string symbol_;
};

using Shape = std::vector<Dim>;

/// "784" or "batch".
std::string to_string(const Dim& dim);
/// "[batch, 784]".
std::string to_string(const Shape& shape);
/// "[3, 4]".
std::string to_string(const std::vector<int64_t>& sizes);
bool has_symbol(const Shape& shape);
/// Sizes of a shape without symbols. Errors: Error naming the first symbol.
std::vector<int64_t> sizes_of(const Shape& shape);
/// Product of sizes. Errors: Error on overflow past 2^62.
int64_t element_count(const std::vector<int64_t>& sizes);

}  // namespace crease
