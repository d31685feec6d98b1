// What each operator of ONNX is in crease: one row each. To read a new one, write its function and its row in
// the file of its kind.
#pragma once

#include <span>
#include <string>

#include "frontends/onnx/node_reader.h"

namespace crease::onnx {

using Results = std::vector<Item>;

/// An operator of the default domain and the node that it becomes. Errors: those of NodeReader and of the
/// operations.
struct OperatorRow {
  const char* name;
  Results (*read)(NodeReader& node);
};

std::span<const OperatorRow> elementwise_operators();
std::span<const OperatorRow> shape_operators();
std::span<const OperatorRow> movement_operators();
std::span<const OperatorRow> resize_operators();
std::span<const OperatorRow> product_operators();
std::span<const OperatorRow> reduction_operators();
std::span<const OperatorRow> normalisation_operators();
std::span<const OperatorRow> recurrent_operators();

/// The row of that name, or none.
const OperatorRow* find_operator(const std::string& name);
/// All names, ascending.
std::vector<std::string> operator_names();

}  // namespace crease::onnx
