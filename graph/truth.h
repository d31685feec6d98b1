// Truth values whose bytes were written by hand.
#pragma once

#include <string_view>

#include "graph/tensor.h"

namespace crease {

/// Compiled code relies on it that a bool is 0 or 1. Errors: Error that calls the tensor by its kind and name
/// and tells the first element of a bool tensor that is neither.
void expect_truth_values(const Tensor& tensor, std::string_view kind, std::string_view name = "");

}  // namespace crease
