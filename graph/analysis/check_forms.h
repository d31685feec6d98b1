// The checker's affine forms: every element of a node as an exact affine map of atoms, which are elements of
// inputs, of frontier nodes, and results of relu that a step leaves open. Written apart from the analyses.
#pragma once

#include <compare>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "graph/analysis/check_replay.h"

namespace crease::checker {

/// One number that a form may contain. `part` counts the relus inside one element of a node: 0 for the one of
/// a relu, 0 and 1 for those of a clip.
struct Atom {
  NodeId node = -1;
  int64_t element = 0;
  int part = 0;
  auto operator<=>(const Atom&) const = default;
};

/// "a1[0]"; "a1[0].1" for a further part.
std::string to_string(const Graph& graph, const Atom& atom);
/// The inverse. Errors: Refused naming the text.
Atom parse_atom(const Graph& graph, const std::string& text);

/// sum of coefficient * atom, plus a constant. No coefficient is 0.
struct Form {
  std::map<Atom, Rational> terms = {};
  Rational constant = 0;

  bool is_constant() const { return terms.empty(); }
  bool operator==(const Form&) const = default;
};
void add(Form& to, const Form& other, const Rational& factor);
Form scaled(const Form& form, const Rational& factor);

/// What relus and other functions are, met at an element of the result; called in the order in which they
/// occur.
struct Units {
  std::function<Form(const Form& argument, int64_t element)> relu;
  /// body(arguments...), constants and labels being part of the body.
  std::function<Form(const Scalar& body, const std::vector<Form>& arguments, int64_t element)> call;
};

/// Whether body(-x) = -body(x) follows from its shape.
bool is_odd(const Scalar& body);

/// The forms of a node from those of its operands. Piecewise linear bodies become sums of relu: one operand
/// by the table of the body, f(x) = f_0(x) + sum over knots k of (slope_k - slope_k-1) relu(x - knot_k);
/// else max(a, b) = b + relu(a - b) and min(a, b) = a - relu(a - b); max over points is
/// next + relu(m - next), min is next - relu(next - m). Any other body is a call. Operands in `varies` are
/// data even where their forms are constant. Errors: Refused for products over points and arg max.
std::vector<Form> forms_of(const Graph& graph, NodeId id,
                           const std::function<Form(NodeId operand, int64_t element)>& operand,
                           const std::function<bool(NodeId operand)>& varies, const Units& units);

}  // namespace crease::checker
