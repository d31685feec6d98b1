// Integers: what their types hold, how they wrap around, and where operations compute with them.
#pragma once

#include <cstdint>
#include <span>

#include "graph/op.h"
#include "graph/tensor.h"
#include "graph/type.h"

namespace crease {

/// Limits of an integer type (boolean: 0 and 1).
int64_t lowest_of(Type type);
int64_t highest_of(Type type);

/// A number as i64: cut off towards 0, at the limits where it is beyond them, 0 for NaN. What compiled code
/// gives too.
int64_t to_integer(double number);
/// What an integer type keeps of a number: its lowest bits (boolean: whether it is not 0).
int64_t wrapped(Type type, int64_t number);

/// In two's complement, where what is beyond 64 bits wraps around.
constexpr int64_t wrapped_sum(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
constexpr int64_t wrapped_difference(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
constexpr int64_t wrapped_product(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

/// An element of an integer type, exact (Tensor::at is not, beyond 2^53).
int64_t integer_at(const Tensor& tensor, int64_t index);
/// What `wrapped` keeps.
void set_integer(Tensor& tensor, int64_t index, int64_t value);

/// The arithmetic of a body: compute_type, but f64 in place of i64 for a body that has steps without an
/// integer form. That of i64 wraps around.
Type body_type(const Op& op, std::span<const Type> operands, Type result);

}  // namespace crease
