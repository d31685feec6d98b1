// Dense row-major data in memory. A Tensor is a value; copies share their buffer until one of them is
// written.
#pragma once

#include <fmt/core.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "graph/type.h"

namespace crease {

/// Dense row-major array, 64-byte aligned. Copying is cheap; `write` makes the buffer unique first.
class Tensor {
 public:
  /// A scalar f32 zero.
  Tensor();
  /// Zeros of the given type and sizes. Errors: Error if a size is negative or there is no memory for them.
  Tensor(Type type, std::vector<int64_t> sizes);
  Tensor(const Tensor& other) = default;
  /// Leaves a scalar f32 zero behind.
  Tensor(Tensor&& other) noexcept;
  Tensor& operator=(Tensor other) noexcept;
  ~Tensor() = default;

  /// f32 values, row-major. Errors: Error if the count differs from the shape's.
  static Tensor f32(std::vector<int64_t> sizes, const std::vector<float>& values);
  static Tensor f64(std::vector<int64_t> sizes, const std::vector<double>& values);
  static Tensor i32(std::vector<int64_t> sizes, const std::vector<int32_t>& values);
  static Tensor i64(std::vector<int64_t> sizes, const std::vector<int64_t>& values);
  /// One value of `type`, shape [].
  static Tensor scalar(Type type, double value);

  Type type() const { return type_; }
  const std::vector<int64_t>& sizes() const { return sizes_; }
  int64_t count() const { return count_; }
  int64_t bytes() const { return count_ * size_of(type_); }

  /// Typed view; T must match type() (float, double, int64_t, int32_t, uint8_t; bool as uint8_t).
  /// Errors: Error naming both types.
  template <class T>
  std::span<const T> read() const;
  template <class T>
  std::span<T> write();
  const std::byte* data() const { return data_.get(); }
  std::byte* mutable_data();

  /// Element `index` in row-major order, as a double (exact for all types but large i64). Errors: Error if
  /// there is no such element.
  double at(int64_t index) const;
  void set(int64_t index, double value);
  /// The single element of a tensor of count 1. Errors: Error otherwise.
  double item() const;

  /// The same data under another shape. Errors: Error if the counts differ.
  Tensor reshaped(std::vector<int64_t> sizes) const;
  /// Element-wise conversion.
  Tensor converted(Type type) const;
  /// Rows [begin, end) of the first dimension, copied.
  Tensor rows(int64_t begin, int64_t end) const;

  /// Same type, shape and bits.
  bool operator==(const Tensor& other) const;

 private:
  void expect_element(int64_t index) const;

  Type type_ = Type::f32;
  std::vector<int64_t> sizes_;
  int64_t count_ = 1;
  std::shared_ptr<std::byte> data_;
};

/// "f32[2, 2] {{1, 2}, {3, 4}}", in full precision; of more than a thousand elements three at each end of
/// every dimension.
std::string to_string(const Tensor& tensor);

}  // namespace crease

/// A tensor is printed as to_string writes it.
template <>
struct fmt::formatter<crease::Tensor> : fmt::formatter<std::string_view> {
  template <class Context>
  auto format(const crease::Tensor& tensor, Context& context) const {
    return fmt::formatter<std::string_view>::format(crease::to_string(tensor), context);
  }
};
