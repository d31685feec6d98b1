// Builds the networks of the analyses oracle with the operations of the library.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace crease::test {

/// One network of oracles/analyses.json as a graph without a batch axis.
struct OracleNetwork {
  Graph graph;
  std::map<std::string, Value> values;               // by the oracle's names
  std::map<std::string, std::vector<NodeId>> parts;  // nodes that one of the oracle's operations became
  std::vector<std::string> parameters;               // those free in the symmetry, in order
  std::set<std::string> state;                       // those that are running statistics
  std::map<std::string, std::set<int64_t>> inert;    // entries that are structurally absent
};

/// The networks of the file.
nlohmann::json read_oracle(const std::string& path);
OracleNetwork build_network(const nlohmann::json& network);

}  // namespace crease::test
