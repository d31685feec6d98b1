#include "graph/integers.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "graph/error.h"
#include "graph/scalar/forms.h"
#include "graph/scalar/tape.h"

namespace crease {

int64_t lowest_of(Type type) {
  switch (type) {
    case Type::i64: return std::numeric_limits<int64_t>::lowest();
    case Type::i32: return std::numeric_limits<int32_t>::lowest();
    case Type::u8:
    case Type::boolean: return 0;
    case Type::f64:
    case Type::f32: break;
  }
  ensure(false, "{} has no lowest integer", to_string(type));
  return 0;
}

int64_t highest_of(Type type) {
  switch (type) {
    case Type::i64: return std::numeric_limits<int64_t>::max();
    case Type::i32: return std::numeric_limits<int32_t>::max();
    case Type::u8: return 255;
    case Type::boolean: return 1;
    case Type::f64:
    case Type::f32: break;
  }
  ensure(false, "{} has no highest integer", to_string(type));
  return 0;
}

int64_t to_integer(double number) {
  if (std::isnan(number)) return 0;
  if (number >= 0x1p63) return std::numeric_limits<int64_t>::max();
  if (number < -0x1p63) return std::numeric_limits<int64_t>::lowest();
  return static_cast<int64_t>(number);
}

int64_t wrapped(Type type, int64_t number) {
  switch (type) {
    case Type::i32: return static_cast<int32_t>(number);
    case Type::u8: return static_cast<uint8_t>(number);
    case Type::boolean: return number != 0 ? 1 : 0;
    case Type::i64:
    case Type::f64:
    case Type::f32: break;
  }
  return number;
}

int64_t integer_at(const Tensor& tensor, int64_t index) {
  const auto i = static_cast<size_t>(index);
  switch (tensor.type()) {
    case Type::i64: return tensor.read<int64_t>()[i];
    case Type::i32: return tensor.read<int32_t>()[i];
    case Type::u8:
    case Type::boolean: return tensor.read<uint8_t>()[i];
    case Type::f64:
    case Type::f32: break;
  }
  return to_integer(tensor.at(index));
}

void set_integer(Tensor& tensor, int64_t index, int64_t value) {
  const auto i = static_cast<size_t>(index);
  const int64_t kept = wrapped(tensor.type(), value);
  switch (tensor.type()) {
    case Type::i64: tensor.write<int64_t>()[i] = kept; return;
    case Type::i32: tensor.write<int32_t>()[i] = static_cast<int32_t>(kept); return;
    case Type::u8:
    case Type::boolean: tensor.write<uint8_t>()[i] = static_cast<uint8_t>(kept); return;
    case Type::f64: tensor.write<double>()[i] = static_cast<double>(value); return;
    case Type::f32: tensor.write<float>()[i] = static_cast<float>(value); return;  // rounded once
  }
}

Type body_type(const Op& op, std::span<const Type> operands, Type result) {
  const Type type = compute_type(operands, result);
  const bool integers = std::ranges::all_of(topological(op.body.expression), keeps_integers);
  return is_floating(type) || integers ? type : Type::f64;
}

}  // namespace crease
