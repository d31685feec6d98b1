// One function for each kind of certificate. Each returns what was proved, or throws Refused.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"
#include "graph/rational.h"

namespace crease::checker {

/// The numbers that texts stand for. Errors: Error naming a text that is none.
std::vector<Rational> numbers(const std::vector<std::string>& texts);

/// "affine-collapse" with AFFINE steps.
std::string check_affine(std::string_view json, const Graph& graph);
/// "not-affine".
std::string check_witness(std::string_view json, const Graph& graph);

/// "rescaling-invariance".
std::string check_rescaling(const nlohmann::json& certificate, const Graph& graph);

}  // namespace crease::checker
