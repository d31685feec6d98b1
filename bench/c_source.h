// A graph of f64 scalars as one C function, what people write by hand: the measure for large scalar graphs.
#pragma once

#include <algorithm>
#include <string>

#include "graph/error.h"
#include "graph/graph.h"

namespace crease::bench {

/// `body` with these names for its arguments, as a C expression.
inline std::string c_expression(const Scalar& body, const std::vector<std::string>& arguments) {
  const auto term = [&](size_t i) { return c_expression(body.terms()[i], arguments); };
  switch (body.kind()) {
    case ScalarKind::Constant: return fmt::format("{:.17g}", body.constant());
    case ScalarKind::Argument: return arguments[static_cast<size_t>(body.position())];
    case ScalarKind::Add: return fmt::format("({} + {})", term(0), term(1));
    case ScalarKind::Subtract: return fmt::format("({} - {})", term(0), term(1));
    case ScalarKind::Multiply: return fmt::format("({} * {})", term(0), term(1));
    case ScalarKind::Divide: return fmt::format("({} / {})", term(0), term(1));
    case ScalarKind::Negate: return fmt::format("(-{})", term(0));
    case ScalarKind::Sin: return fmt::format("sin({})", term(0));
    case ScalarKind::Cos: return fmt::format("cos({})", term(0));
    case ScalarKind::Tanh: return fmt::format("tanh({})", term(0));
    default: fail("[bench] no C for scalar kind {}", static_cast<int>(body.kind()));
  }
}

/// void f(const double* in, double* out), inputs and outputs in the graph's order.
/// Errors: Error for anything but scalars, and for functions that this does not write.
inline std::string c_source(const Graph& graph) {
  std::string text = "#include <math.h>\nvoid f(const double* in, double* out) {\n";
  const std::vector<NodeId> inputs = graph.inputs();
  for (NodeId id = 0; id < graph.size(); ++id) {
    const Node& node = graph.node(id);
    std::string value;
    if (node.role == Role::Input) {
      value = fmt::format("in[{}]", std::ranges::find(inputs, id) - inputs.begin());
    } else if (node.role == Role::Constant) {
      value = fmt::format("{:.17g}", node.value.item());
    } else {
      expect(node.shape.empty() && node.role == Role::Apply, "[bench] node {} is no scalar operation", id);
      std::vector<std::string> arguments;
      for (const NodeId operand : node.operands) arguments.push_back(fmt::format("v{}", operand));
      value = c_expression(node.op->body.expression, arguments);
    }
    text += fmt::format("  const double v{} = {};\n", id, value);
  }
  for (size_t i = 0; i < graph.outputs().size(); ++i)
    text += fmt::format("  out[{}] = v{};\n", i, graph.outputs()[i].node);
  return text + "}\n";
}

}  // namespace crease::bench
