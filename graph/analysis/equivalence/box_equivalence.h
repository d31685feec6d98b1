// How far two networks are apart on a box: a bound of the difference of their outputs for all inputs there,
// 0 where they are the same, with a certificate. For a network and a smaller one made from it: units of the
// second whose arguments are those of the first, but for rounded weights, are matched to them.
// Claim: box. Certificate: "box-equivalence", replayed by check(a, b); format:
//   {..., "kind": "box-equivalence", "graph": digest, "other": digest, "box": {"x": [["-1", "1"]]},
//    "claim": {"difference": {"y": "1/1048576"}}, "frontier": [], "steps": [...]}
// Steps as in certificate.h, about both networks side by side (joined.h); an element of a RELU step may also
// be
// ["NEAR", "a.h[2]", "1/4096"]: its argument is within that of the other's, on the box. ENCLOSE and NEARLY
// are about numbers that are not rational: see check_piecewise.cpp. Source: docs/analyses.md, simplification.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "graph/analysis/bounds/box_analysis.h"
#include "graph/analysis/finding.h"

namespace crease {

struct BoxEquivalenceOptions {
  /// Pairs of networks with more loop points are not looked at.
  int64_t point_limit = int64_t{1} << 22;
  /// Terms that lines may put in for relus where intervals do not decide a unit.
  int64_t line_limit = int64_t{1} << 24;
  /// Of the normal form of both.
  int64_t form_limit = 2 * NormalFormOptions().work_limit;
};

struct BoxEquivalence {
  std::map<std::string, Rational> difference;  // by output: a bound of it, element by element
  std::optional<Certificate> certificate;
  std::string reason;  // why there is none; else empty
};

/// Errors: those of joined() and box_of().
BoxEquivalence box_equivalence(const Graph& a, const Graph& b, const InputBox& box,
                               const BoxEquivalenceOptions& options = {});

}  // namespace crease
