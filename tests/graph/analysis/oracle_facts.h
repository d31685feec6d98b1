// Holds the facts of networks against the oracle's, field by field: one line for each disagreement. Used by
// the tests of each analysis and by the program that judges a whole file.
#pragma once

#include <string>
#include <vector>

#include "graph/evaluate.h"
#include "tests/graph/analysis/oracle_network.h"

namespace crease::test {

using Failures = std::vector<std::string>;

/// expected.class.nodes: poly_degree, pwl, curvature, monotone. `truth` is expected.class.truth.all_space.
Failures check_node_facts(const OracleNetwork& network, const nlohmann::json& nodes,
                          const nlohmann::json& truth);

/// expected.class.truth.all_space, or .box with the sides of the box of all inputs in order.
Failures check_region_truth(const OracleNetwork& network, const nlohmann::json& truth,
                            const nlohmann::json& box = {});
/// The samples of `data`, each the elements of all inputs in order.
std::vector<Bindings> oracle_samples(const OracleNetwork& network, const nlohmann::json& data);
/// expected.path_norm.
Failures check_path_norm(const OracleNetwork& network, const nlohmann::json& expected);
/// expected.data.
Failures check_data(const OracleNetwork& network, const nlohmann::json& data, const nlohmann::json& expected);
/// expected.lint.
Failures check_lint(const OracleNetwork& network, const nlohmann::json& expected);
/// expected.extra.labels, with the fields "input" and "hidden" beside it in `tensors`.
Failures check_separable(const OracleNetwork& network, const nlohmann::json& data,
                         const nlohmann::json& labels, const nlohmann::json& tensors);

/// expected.region_upper_bound.
Failures check_region_bound(const OracleNetwork& network, const nlohmann::json& expected);

}  // namespace crease::test
