#include "graph/truth.h"

#include <algorithm>

#include "graph/error.h"

namespace crease {

void expect_truth_values(const Tensor& tensor, std::string_view kind, std::string_view name) {
  if (tensor.type() != Type::boolean) return;
  const auto values = tensor.read<uint8_t>();
  const auto wrong = std::ranges::find_if(values, [](uint8_t value) { return value > 1; });
  if (wrong != values.end())
    fail("{}{} holds bool: got {} at element {}, want 0 or 1", kind, name, *wrong, wrong - values.begin());
}

}  // namespace crease
