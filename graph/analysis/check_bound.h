// The checker's proof of one bound: relu atoms are replaced by lines above or below them in the order that
// the certificate gives, then the box, or the interval of an atom that is left, decides.
#pragma once

#include <functional>
#include <map>
#include <optional>

#include "graph/analysis/check_forms.h"

namespace crease::checker {

/// Absent: unbounded.
struct Interval {
  std::optional<Rational> low = {}, high = {};
};

/// An atom that is relu(argument), and what is known of the argument.
struct ReluAtom {
  Form argument;
  Interval range = {};
};

enum class End : uint8_t { Low, High };

/// What a proof may use.
struct Known {
  const std::map<Atom, ReluAtom>& relus;
  /// Interval of an atom that is no relu: of the box, or unbounded.
  std::function<Interval(const Atom&)> range;
};

/// How one end of a bound is proved.
struct BoundProof {
  std::vector<std::string> eliminate = {};                          // atoms, in order
  std::map<std::string, std::pair<Rational, Rational>> upper = {};  // slope and offset of a line, by atom
  std::map<std::string, Rational> lower = {};                       // slope of a line through 0, by atom
};

/// A bound of the form at one end, absent where it is unbounded, by replacing atoms in order:
/// relu(z) <= s z + c for a line ["s", "c"] that is not below max(z, 0) at both ends of z's interval, and
/// relu(z) >= s z for a slope in [0, 1]. Errors: Refused for a line that does not hold or is missing, and for
/// one that is not used.
std::optional<Rational> proved_end(const Graph& graph, Form form, End end, const BoundProof& proof,
                                   const Known& known);

/// The same without replacing any atom.
std::optional<Rational> plain_end(const Form& form, End end, const Known& known);

}  // namespace crease::checker
