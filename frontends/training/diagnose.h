// Finding where numbers went wrong.
#pragma once

#include <optional>
#include <string>

#include "graph/evaluate.h"

namespace crease {

/// The first node, in the order of the graph, with an element that is not finite.
struct NonFinite {
  NodeId node;
  int64_t element;  // row-major
  double value;     // nan, inf or -inf
  /// One line: node, source line, element, and the greatest magnitude in each operand.
  std::string text;
};

/// Runs the graph once in the interpreter and looks at every node that its outputs and updates need.
/// Errors: those of bind. Cost: an interpreted run; all values are held at once.
std::optional<NonFinite> find_non_finite(const Graph& graph, const Bindings& inputs);

/// The first element that is not finite, row-major; none in integers.
std::optional<int64_t> first_non_finite(const Tensor& tensor);

}  // namespace crease
