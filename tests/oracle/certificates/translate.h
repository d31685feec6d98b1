// The oracle's certificates name its own operations, of which some are several nodes here (a linear layer
// with bias: product and sum), and its own digest. Translation replaces names and digest, never a number.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "tests/graph/analysis/oracle_network.h"

namespace crease::oracle {

using Json = nlohmann::json;

/// SHA-256 of the oracle's description of a network: inputs, params, nodes and outputs.
std::string digest_of(const Json& network);

/// The certificate about `network.graph`. A certificate with another digest than `digest` keeps it.
Json translated(const Json& certificate, const test::OracleNetwork& network, const std::string& digest);

}  // namespace crease::oracle
