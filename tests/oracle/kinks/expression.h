// Expressions of the oracle as graphs: nested prefix lists over x0, x1, ...; numbers are inputs, so that they
// count as operands; equal subexpressions are built once.
#pragma once

#include <map>

#include "graph/evaluate.h"
#include "graph/graph.h"
#include "tests/oracle/kinks/numbers.h"

namespace crease::oracle {

/// How a case is read.
struct Setting {
  Type type = Type::f64;
  Subnormals subnormals = Subnormals::Keep;
  /// Constants of the graph instead of inputs, and 0 * x = 0 before differentiation.
  bool fold = false;
};

/// A graph over vectors of a named length, and what its inputs are bound to.
class Expression {
 public:
  explicit Expression(size_t variables, const Setting& setting = {});

  /// Errors: Error for an operation that is not known.
  Value build(const Json& expression);
  /// A constant of an expression: an input, or a constant of the graph if the setting says so.
  Value constant(double number);
  /// A new input that has `number` in every lane.
  Value filled(double number);
  /// Simplifies the graph if the setting says so: `value` again.
  Value simplified(const Value& value);
  const std::vector<Value>& variables() const { return variables_; }
  const std::vector<Value>& direction() const { return direction_; }
  const Graph& graph() const { return graph_; }
  Graph& graph() { return graph_; }
  /// Whether every step is exact on dyadic numbers.
  bool is_dyadic() const { return dyadic_; }

  Bindings bind(int64_t lanes, const Point& at, const Point& direction) const;

 private:
  Value apply(const std::string& op, const Json& expression);
  Value chain(const Json& expression, Value (*step)(const Operand&, const Operand&));
  Value stacked(const Json& expression, size_t first = 1);
  double parameter(const Json& expression, size_t position);

  Setting setting_;
  Graph graph_;
  std::vector<Value> variables_, direction_;
  std::vector<double> constants_;
  std::map<std::string, Value> built_;
  bool dyadic_ = true;
};

}  // namespace crease::oracle
