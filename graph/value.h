// Value: a handle to one node of a graph, and the arithmetic that people write with it.
#pragma once

#include <initializer_list>
#include <memory>
#include <source_location>
#include <span>

#include "graph/op.h"
#include "graph/type.h"

namespace crease {

class Graph;
struct Node;

/// The result of one node. Keeps its graph alive. A default Value belongs to no graph; using it is an Error.
class Value {
 public:
  Value() = default;
  int32_t id() const { return id_; }
  const Shape& shape() const;
  Type type() const;
  const Node& node() const;
  /// The graph (the same nodes, not a copy); appending to it is how operations are built.
  Graph graph() const;
  bool same_graph(const Value& other) const { return storage_ == other.storage_; }
  /// Tells graphs apart; a weak pointer to it expires with the graph.
  std::shared_ptr<const void> graph_identity() const { return storage_; }
  /// Whether it is the result of a node; false for a default Value. There is no conversion to bool: x > 0 is
  /// a node, true or false by element, and where(x > 0, a, b) what an `if` would be.
  bool valid() const { return storage_ != nullptr; }

 private:
  friend class Graph;
  Value(std::shared_ptr<void> storage, int32_t id) : storage_(std::move(storage)), id_(id) {}
  std::shared_ptr<void> storage_;
  int32_t id_ = -1;
};

/// A number that takes part in arithmetic with a Value, and the line it stands on.
struct Number {
  double value;
  std::source_location where;
  Number(double number, std::source_location location = std::source_location::current())  // NOLINT
      : value(number), where(location) {}
};

struct Operand;
/// The number in the type of the value that it stands beside. Errors: Error for a fraction beside integers.
double beside(const Operand& x, const Number& number);

/// A Value operand that remembers the line of the expression it stands in.
struct Operand {
  Value value;
  std::source_location where;
  Operand(const Value& operand, std::source_location location = std::source_location::current())  // NOLINT
      : value(operand), where(location) {}
};

// Elementwise with NumPy broadcasting. A number takes the other operand's type.
// Errors: Error with both shapes, both operands and their source lines.
Value operator+(const Operand& a, const Operand& b);
Value operator-(const Operand& a, const Operand& b);
Value operator*(const Operand& a, const Operand& b);
Value operator/(const Operand& a, const Operand& b);
Value operator+(const Operand& a, const Number& b);
Value operator-(const Operand& a, const Number& b);
Value operator*(const Operand& a, const Number& b);
Value operator/(const Operand& a, const Number& b);
Value operator+(const Number& a, const Operand& b);
Value operator-(const Number& a, const Operand& b);
Value operator*(const Number& a, const Operand& b);
Value operator/(const Number& a, const Operand& b);
Value operator-(const Operand& a);
Value& operator+=(Value& a, const Operand& b);
Value& operator-=(Value& a, const Operand& b);
Value& operator*=(Value& a, const Operand& b);
Value& operator/=(Value& a, const Operand& b);
Value& operator+=(Value& a, const Number& b);
Value& operator-=(Value& a, const Number& b);
Value& operator*=(Value& a, const Number& b);
Value& operator/=(Value& a, const Number& b);
// Of truth values, elementwise: both operands are always there.
Value operator!(const Operand& a);
Value operator&&(const Operand& a, const Operand& b);
Value operator||(const Operand& a, const Operand& b);

/// Values that stand somewhere, such as {x, y}: a span that braces make as well (in C++26 they do).
class ValueSpan : public std::span<const Value> {
 public:
  using std::span<const Value>::span;
  ValueSpan(std::span<const Value> values) : span(values) {}  // NOLINT(google-explicit-constructor)
  ValueSpan(std::initializer_list<Value> list)
      : span(list.begin(), list.size()) {}  // NOLINT(google-explicit-constructor)
};

}  // namespace crease
