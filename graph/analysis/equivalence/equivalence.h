// Whether two networks compute the same function, for all inputs, in exact arithmetic.
//
// Method, in this order: a witness at random points; the normal form of the difference of the outputs, which
// is 0 for networks that differ by permutations, positive scalings, sign flips of odd activations, merged or
// unused neurons, collapsed layers; for piecewise linear networks of few inputs, cells of input space on
// which the difference is affine, exactly (each cell has a proof, or gives a witness); powers of two that
// carry one into the other (same_orbit.h). Level: values. Certificates: "equivalence", "difference" and
// "same-orbit", judged by check() with both graphs. Not claimed: that
// networks of which nothing is proved differ. Deciding it is coNP-hard.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "graph/analysis/finding.h"
#include "graph/analysis/normal_form/normal_form.h"
#include "graph/graph.h"
#include "graph/rational.h"

namespace crease {

/// A hidden layer of b in terms of a: unit i of b = scale[i] * unit permutation[i] of a.
struct LayerMatch {
  NodeId a, b;  // the activation, in each graph
  std::vector<int64_t> permutation;
  std::vector<Rational> scale;
};

/// How equal networks are related, as far as it was found.
enum class Relation : uint8_t {
  SameOrbit,   // one architecture; every hidden unit of b is a multiple of its own unit of a, with a
               // positive factor, or 1 or -1 for odd activations
  OtherOrbit,  // one architecture; no such matching of units was found
  DifferentArchitecture,  // of another shape
};
std::string_view to_string(Relation relation);

/// Inputs at which an output differs.
struct DifferenceWitness {
  std::vector<Rational> point;  // elements of all inputs, in the order of a
  std::string output;
  int64_t index = 0;
  Rational a, b;  // the values
  int64_t bits =
      0;  // a and b are near them: numbers of so many bits show that (a + b) / 2 is between; 0: exact
};

/// The answer. Proved: equal. Refuted: different. Unknown: `reason` says what would decide it.
struct Equivalence {
  Verdict verdict = Verdict::Unknown;
  Relation relation = Relation::DifferentArchitecture;  // of equal networks
  std::vector<LayerMatch> layers = {};                  // SameOrbit
  std::optional<DifferenceWitness> witness = {};        // of different ones
  std::string reason = {};                              // how it was decided, in words
  std::optional<Certificate> certificate = {};
};

struct EquivalenceOptions {
  uint64_t seed = 1;
  int tries = 24;                   // random points; 4 where exact values take too long
  int64_t cell_limit = 600;         // cells of input space
  int64_t work_limit = 30'000'000;  // operations on rational numbers that these take: some five seconds
  int64_t point_limit = int64_t{1} << 21;                   // loop points of both networks
  int64_t form_limit = 2 * NormalFormOptions().work_limit;  // of the normal form of both
};

/// Errors: those of joined().
Equivalence equivalent(const Graph& a, const Graph& b, const EquivalenceOptions& options = {});

}  // namespace crease
