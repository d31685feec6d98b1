// One function for each kind of certificate. Each returns what was proved, or throws Refused. Include
// <nlohmann/json.hpp> before this file, which is no public header.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "graph/rational.h"

namespace crease::checker {

/// The numbers that texts stand for. Errors: Error naming a text that is none.
std::vector<Rational> numbers(const std::vector<std::string>& texts);
/// The nodes that a claim names as its frontier. Errors: Refused if it names one twice.
std::set<NodeId> frontier_of(const nlohmann::json& claim, const Graph& graph);

/// "affine-collapse" with AFFINE steps alone.
std::string check_affine(const nlohmann::json& certificate, const Graph& graph);
/// "affine-collapse" with steps about relus, over a box or all inputs.
std::string check_piecewise_collapse(const nlohmann::json& certificate, const Graph& graph);
/// "unit-verdicts".
std::string check_units(const nlohmann::json& certificate, const Graph& graph);
/// "not-affine".
std::string check_witness(const nlohmann::json& certificate, const Graph& graph);

/// "gradient": that of a smooth piece next to a point, or between those of the two sides of one kink.
std::string check_gradient(const nlohmann::json& certificate, const Graph& graph);

/// "rescaling-invariance".
std::string check_rescaling(const nlohmann::json& certificate, const Graph& graph);

}  // namespace crease::checker
