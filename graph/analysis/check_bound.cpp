#include "graph/analysis/check_bound.h"

#include <set>

namespace crease::checker {

namespace {

Rational positive_part(const Rational& value) { return value.sign() > 0 ? value : Rational(0); }

/// Interval of an atom itself: [max(l, 0), max(u, 0)] for relu.
Interval range_of(const Atom& atom, const Known& known) {
  const auto found = known.relus.find(atom);
  if (found == known.relus.end()) return known.range(atom);
  const Interval& argument = found->second.range;
  Interval range{.low = Rational(0)};
  if (argument.low) range.low = positive_part(*argument.low);
  if (argument.high) range.high = positive_part(*argument.high);
  return range;
}

/// The line above relu that the proof gives for an atom, which must hold on the interval of its argument.
Form line_above(const std::string& name, const ReluAtom& relu, const BoundProof& proof) {
  const auto found = proof.upper.find(name);
  if (found == proof.upper.end()) throw Refused("no upper line for " + name);
  const auto& [slope, offset] = found->second;
  if (!relu.range.low || !relu.range.high) throw Refused("no interval for the upper line of " + name);
  for (const Rational& z : {*relu.range.low, *relu.range.high})
    if (slope * z + offset < positive_part(z))
      throw Refused("the upper line of " + name + " lies below relu at " + to_string(z));
  Form above = scaled(relu.argument, slope);
  above.constant += offset;
  return above;
}

Form line_below(const std::string& name, const ReluAtom& relu, const BoundProof& proof) {
  const auto found = proof.lower.find(name);
  if (found == proof.lower.end()) throw Refused("no lower slope for " + name);
  const Rational& slope = found->second;
  if (slope < 0 || slope > 1) throw Refused("the lower slope of " + name + " is not between 0 and 1");
  return scaled(relu.argument, slope);
}

}  // namespace

std::optional<Rational> plain_end(const Form& form, End end, const Known& known) {
  Rational sum = form.constant;
  for (const auto& [atom, coefficient] : form.terms) {
    const Interval range = range_of(atom, known);
    const auto& side = (coefficient.sign() > 0) == (end == End::High) ? range.high : range.low;
    if (!side) return {};
    sum += coefficient * *side;
  }
  return sum;
}

std::optional<Rational> proved_end(const Graph& graph, Form form, End end, const BoundProof& proof,
                                   const Known& known) {
  std::set<std::string> named;
  for (const std::string& name : proof.eliminate) {
    if (!named.insert(name).second) throw Refused(name + " is eliminated twice");
    const Atom atom = parse_atom(graph, name);
    const auto found = form.terms.find(atom);
    if (found == form.terms.end()) continue;
    const auto relu = known.relus.find(atom);
    if (relu == known.relus.end()) throw Refused(name + " is no relu whose argument is known");
    const Rational coefficient = found->second;
    form.terms.erase(found);
    const bool above = (coefficient.sign() > 0) == (end == End::High);
    add(form, above ? line_above(name, relu->second, proof) : line_below(name, relu->second, proof),
        coefficient);
  }
  const auto require_named = [&](const std::string& name) {
    if (!named.contains(name)) throw Refused("a line for " + name + ", which is not eliminated");
  };
  for (const auto& line : proof.upper) require_named(line.first);
  for (const auto& line : proof.lower) require_named(line.first);
  return plain_end(form, end, known);
}

}  // namespace crease::checker
