// The exact interpreter: values of nodes in rational arithmetic, for witnesses and for constants that proofs
// need. Real semantics: nothing is rounded. Slow; for a few points.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <vector>

#include "graph/graph.h"
#include "graph/rational.h"

namespace crease {

/// Elements of one sample (named dimensions count as 1), row-major.
using ExactValues = std::vector<Rational>;

/// The value of a body, or nothing where it has none in the rationals (exp, sqrt of a non-square, division by
/// 0).
std::optional<Rational> evaluate_exactly(const Scalar& body, std::span<const Rational> arguments,
                                         std::span<const int64_t> labels = {});

/// One step of a body: `kind` of terms with these values; nothing for leaves and where it has no rational
/// value.
std::optional<Rational> compute_exactly(ScalarKind kind, std::span<const Rational> terms);

/// Values of `wanted`, each named dimension having size 1; by node. Inputs that are needed and absent, random
/// numbers, lookups, sizes of named dimensions, irrational functions, integers that are cut or wrap around,
/// and numbers of more than 2^16 bits (2^14 in fractions, which are brought to lowest terms) give nothing:
/// x * x, again and again, doubles its digits.
std::optional<std::map<NodeId, ExactValues>> evaluate_exactly(const Graph& graph,
                                                              const std::map<NodeId, ExactValues>& inputs,
                                                              std::span<const NodeId> wanted);

/// Whether that takes about a second at most for a point: numbers grow with every layer.
bool is_exact_affordable(const Graph& graph, std::span<const NodeId> wanted);

/// The stored value of a parameter or constant; nothing if an element is not finite.
std::optional<ExactValues> exact_values(const Tensor& tensor);

}  // namespace crease
