// Numbers of a network as affine combinations of variables: elements of inputs, relu of earlier combinations,
// and values of other functions. Equal functions get one variable: relu(c g) = c relu(g),
// relu(-g) = relu(g) - g, and a relu whose argument is never of one sign is no relu.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "graph/graph.h"
#include "graph/rational.h"

namespace crease {

/// sum of coefficient * variable + constant; ascending variables, no coefficient 0.
struct Combination {
  std::vector<std::pair<int, Rational>> terms = {};
  Rational constant = 0;

  bool is_constant() const { return terms.empty(); }
  bool operator==(const Combination&) const = default;
};
Combination operator*(const Rational& factor, const Combination& form);
Combination operator+(const Combination& a, const Combination& b);

/// A relu or function met at one element of a node; `part` numbers those of one element.
struct UnitName {
  NodeId node = -1;
  int64_t element = 0;
  int part = 0;
};

/// Lines that replace relus, latest first: what proves one end of a bound.
struct LineProof {
  std::vector<int> eliminate = {};                          // variables, in order
  std::map<int, std::pair<Rational, Rational>> upper = {};  // slope and offset of the line above
  std::map<int, Rational> lower = {};                       // slope of the line through 0 below
};

/// Bounds of a combination over a box; absent: none.
struct FormRange {
  std::optional<Rational> low = {}, high = {};
  LineProof lower_proof = {}, upper_proof = {};
  int64_t work = 0;  // as work_with
};
/// How many times as long as with a short number an operation with this one takes: a greatest common divisor
/// takes a step for each bit of a denominator.
int64_t work_with(const Rational& x);

/// Leaf: an element that stands for itself. Relu: relu(arguments[0]). Call: body(arguments...). Error: by how
/// much something differs from what stands for it.
enum class VariableKind : uint8_t { Leaf, Relu, Call, Error };
struct Variable {
  VariableKind kind = VariableKind::Leaf;
  UnitName name;  // where it was first met
  std::vector<Combination> arguments = {};
  Scalar body = {};      // Call
  FormRange range = {};  // Relu, over a box: of the argument; Error: of itself
};

/// What became of one relu or call, in the order in which they occur.
struct UnitDecision {
  enum class Kind : uint8_t { Active, Dead, Atom, Same, Near };
  Kind kind = Kind::Atom;
  int variable = -1;    // Atom, Same, Near
  Rational factor = 1;  // Same: the argument is factor times the variable's
  Rational error = 0;   // Near: the argument is this close to the variable's
  /// Active, Dead: relu(z) >= slope z for these variables leaves no leaf in the argument (or its negative)
  /// and so shows its sign.
  std::vector<std::pair<int, Rational>> slopes = {};
  /// Over a box: what is known of the argument.
  std::optional<FormRange> range = {};
};

class Variables;
/// Finds bounds of a combination over a box.
using FormBounder = std::function<FormRange(const Variables&, const Combination&)>;

/// A relu whose argument is close to another.
struct NearRelu {
  int variable;
  Rational error;
};
/// Finds an earlier relu whose argument is nearly the given one on a box.
using NearFinder = std::function<std::optional<NearRelu>(const Variables&, const Combination&)>;

/// The variables met so far, each function once.
class Variables {
 public:
  /// With a bounder relus are decided over its box, without one over all inputs.
  /// With a finder a relu next to an earlier one is that one and an error.
  explicit Variables(FormBounder bounder = {}, NearFinder near = {})
      : bounder_(std::move(bounder)), near_(std::move(near)) {}

  const std::vector<Variable>& all() const { return variables_; }
  const Variable& operator[](int index) const { return variables_[static_cast<size_t>(index)]; }

  Combination leaf(NodeId node, int64_t element);
  /// A number of at most this magnitude.
  Combination error(const UnitName& name, const Rational& magnitude);
  /// relu(argument) and what it was found to be.
  std::pair<Combination, UnitDecision> relu(const Combination& argument, const UnitName& name);
  /// body(arguments): one variable for equal arguments, and for opposite ones where the body is odd.
  std::pair<Combination, UnitDecision> call(const Scalar& body, const std::vector<Combination>& arguments,
                                            const UnitName& name);
  /// Functions of a node that got no forms after all: no later one is said to be one of them.
  void forget(NodeId node) { forgotten_.insert(node); }

 private:
  int add(Variable variable);
  using Decided = std::pair<Combination, UnitDecision>;
  /// As a multiple of an earlier relu, if there is one.
  std::optional<Decided> same_relu(const Combination& argument, size_t key) const;
  /// As an earlier relu and an error, if there is one.
  std::optional<Decided> near_relu(const Combination& argument, const UnitName& name);
  /// Slopes of lines below relus that prove form >= 0; nothing if none were found.
  std::optional<std::vector<std::pair<int, Rational>>> slopes_below(const Combination& form) const;
  /// Slopes with which the arguments of these relus cancel all leaves of the form.
  std::optional<std::vector<Rational>> cancelling_slopes(
      const Combination& form, std::span<const std::pair<int, Rational>> relus) const;
  /// A variable of this kind whose arguments are a multiple of `arguments`, or -1.
  int find(size_t key, const std::vector<Combination>& arguments, const Scalar* body) const;

  FormBounder bounder_;
  NearFinder near_;
  std::vector<Variable> variables_;
  std::unordered_multimap<size_t, int> by_direction_;
  std::set<NodeId> forgotten_;
};

/// Whether body(-x) = -body(x) follows from its shape: tanh, x, 3 x, sin(x) * cos(x).
bool is_odd(const Scalar& body);

}  // namespace crease
