// Witnesses of networks that are too deep, or not rational, for exact values: every value is enclosed by long
// numbers, as many bits as it takes to tell.
#pragma once

#include <functional>
#include <optional>

#include "graph/analysis/certificate.h"
#include "graph/graph.h"

namespace crease {

/// A number for an element of an input: `integer * unit` for floating types, else one that the type holds,
/// from the integer (small).
Rational drawn(Type type, int64_t integer, const Rational& unit);

/// What numbers of one length say.
struct Look {
  bool tells = false;
  double widest = 0;  // how far a value may be off at most, in units of 2^-bits
};

/// Looks with as many bits behind the point as the depth of what leads to a node suggests, 128 and 3 more for
/// each layer, then with as many as rounding was seen to take. Whether any told. Nothing a checker refuses is
/// an error: then none tells.
bool with_enough_bits(const Graph& graph, NodeId node, const std::function<Look(int64_t)>& look);

/// Whether enclosed values of a node are affordable: no lookups, at most 2^27 loop points.
bool is_enclosable(const Graph& graph, NodeId node);

/// Three points on a line, apart only in `input`, at which an element of the output is not affine. Nothing
/// if a few do not tell, or where a value on the way has no enclosure. The certificate of it is as easy to
/// check as to find.
/// Cost: loop points of the network * 3 points * bits / 64 products, once for each length that is tried
/// (a second time where rounding takes more than usual); networks of more than 2^27 loop points are not
/// looked at.
std::optional<NotAffineWitness> enclosed_witness(const Graph& graph, NodeId output, NodeId input);

}  // namespace crease
