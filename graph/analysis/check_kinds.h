// One function for each kind of certificate. Each returns what was proved, or throws Refused. Include
// <nlohmann/json.hpp> before this file, which is no public header.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "graph/analysis/check_enclosure.h"
#include "graph/analysis/check_forms.h"
#include "graph/graph.h"
#include "graph/rational.h"

namespace crease::checker {

/// The numbers that texts stand for. Errors: Error naming a text that is none.
std::vector<Rational> numbers(const std::vector<std::string>& texts);
/// The nodes that a claim names as its frontier. Errors: Refused if it names one twice.
std::set<NodeId> frontier_of(const nlohmann::json& claim, const Graph& graph);

/// The elements of a node at a point, the elements of all inputs in order, whatever other samples there are.
/// Errors: Refused for what has no exact value, a point of another size, and a node that mixes samples.
std::vector<Rational> values_at(const Graph& graph, NodeId node, const std::vector<Rational>& point);
/// Element `index` of a node where the point is the only sample. Errors: Refused if it has none.
Rational value_at(const Graph& graph, NodeId node, size_t index, const std::vector<Rational>& point);

/// Element `index` of a node at each point, enclosed by numbers of some bits. Errors: as ball_values.
std::vector<Enclosure> enclosed_at(const Graph& graph, NodeId node, size_t index,
                                   const std::vector<std::vector<Rational>>& points, int64_t bits);

/// Forms of nodes that "steps" prove, all elements in a row, and the arguments of relus that they leave open.
struct Replayed {
  std::vector<Form> sinks;
  std::map<Atom, Form> relus;
};
/// `certificate` has "steps" and "frontier": nodes whose elements may be anything.
Replayed replayed_forms(const nlohmann::json& certificate, const Graph& graph,
                        const std::vector<NodeId>& sinks);

/// A bound of the magnitude of each element of the sinks on the box of a certificate with "box", "steps",
/// where units may be NEAR others and numbers irrational, and "frontier".
std::vector<std::vector<Rational>> replayed_magnitudes(const nlohmann::json& certificate, const Graph& graph,
                                                       const std::vector<NodeId>& sinks);

/// Compares a sink's forms with "W" and "b" of a claim, and finds no other atom in them.
void compare_forms(const Graph& graph, const std::vector<Form>& forms, const nlohmann::json& claim);

/// "affine-collapse" with AFFINE steps alone.
std::string check_affine(const nlohmann::json& certificate, const Graph& graph);
/// "affine-enclosure": an affine map of irrational numbers, each within an error.
std::string check_affine_enclosure(const nlohmann::json& certificate, const Graph& graph);
/// "affine-collapse" with steps about relus, over a box or all inputs.
std::string check_piecewise_collapse(const nlohmann::json& certificate, const Graph& graph);
/// "unit-verdicts".
std::string check_units(const nlohmann::json& certificate, const Graph& graph);
/// "not-affine".
std::string check_witness(const nlohmann::json& certificate, const Graph& graph);

/// "gradient": that of a smooth piece next to a point, or between those of the two sides of one kink.
std::string check_gradient(const nlohmann::json& certificate, const Graph& graph);

/// "separability": hyperplanes and multipliers for labelled points at nodes.
std::string check_separability(const nlohmann::json& certificate, const Graph& graph);

/// "rescaling-invariance".
std::string check_rescaling(const nlohmann::json& certificate, const Graph& graph);
/// The graph with its parameters multiplied as such a certificate says, at log2 of the factor of each
/// coordinate. Errors: Refused unless every factor is a power of two and every result a number of its type.
Graph moved_by(const nlohmann::json& certificate, const Graph& graph, const std::vector<Rational>& factors);

/// "equivalence", "difference": of two graphs.
std::string check_equivalence(const nlohmann::json& certificate, const Graph& a, const Graph& b);
std::string check_difference(const nlohmann::json& certificate, const Graph& a, const Graph& b);
/// "same-orbit": two graphs, equal or one a rescaling of the other by powers of two.
std::string check_same_orbit(const nlohmann::json& certificate, const Graph& a, const Graph& b);
/// "box-equivalence": a bound of the difference of two graphs on a box.
std::string check_box_equivalence(const nlohmann::json& certificate, const Graph& a, const Graph& b);

}  // namespace crease::checker
