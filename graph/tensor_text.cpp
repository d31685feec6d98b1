#include <fmt/format.h>

#include <algorithm>

#include "graph/tensor.h"

namespace crease {
namespace {

constexpr int64_t most_elements_shown = 1000;
constexpr int64_t at_each_end = 3;

std::string element(const Tensor& tensor, int64_t index) {
  if (tensor.type() == Type::i64)
    return fmt::format("{}", tensor.read<int64_t>()[static_cast<size_t>(index)]);
  const double value = tensor.at(index);
  return tensor.type() == Type::f32 ? fmt::format("{}", static_cast<float>(value)) : fmt::format("{}", value);
}

/// The part of a tensor from dimension d on that begins with element `first`.
std::string part(const Tensor& tensor, size_t d, int64_t first) {
  const std::vector<int64_t>& sizes = tensor.sizes();
  if (d == sizes.size()) return element(tensor, first);
  int64_t stride = 1;
  for (size_t inner = d + 1; inner < sizes.size(); ++inner) stride *= sizes[inner];
  const bool cut = tensor.count() > most_elements_shown && sizes[d] > 2 * at_each_end;
  std::string text = "{";
  for (int64_t i = 0; i < sizes[d]; ++i) {
    if (i > 0) text += ", ";
    if (cut && i == at_each_end) {
      text += "..., ";
      i = sizes[d] - at_each_end;
    }
    text += part(tensor, d + 1, first + i * stride);
  }
  return text + "}";
}

}  // namespace

std::string to_string(const Tensor& tensor) {
  return fmt::format("{}{} {}", to_string(tensor.type()), to_string(tensor.sizes()), part(tensor, 0, 0));
}

}  // namespace crease
