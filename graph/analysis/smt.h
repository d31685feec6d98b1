// The claim of a certificate as a question to a solver that shares nothing with crease: an SMT-LIB 2 script
// in linear real arithmetic (QF_LRA) that describes the network, asks for a counterexample, and is
// unsatisfiable exactly if the claim holds. The steps of the certificate are not used.
#pragma once

#include <string>
#include <string_view>

#include "graph/graph.h"

namespace crease {

/// Kinds: "affine-collapse", "unit-verdicts", "not-affine", "equivalence" (`other` is the second network).
/// Errors: Error for other kinds, a certificate about another graph, and for nodes without linear encoding
/// (products of data, exp, ...), which it names; of units also where they bend elsewhere than at 0, or are
/// SAME. Cost: one term for each loop point of the nodes between the frontier and the claim.
std::string smt_claim(std::string_view certificate, const Graph& graph, const Graph* other = nullptr);

}  // namespace crease
