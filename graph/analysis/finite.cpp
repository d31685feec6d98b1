#include "graph/analysis/finite.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <span>

#include "graph/analysis/certificate.h"
#include "graph/analysis/cost.h"

namespace crease {
namespace {

using Json = nlohmann::ordered_json;

/// How many elements are not finite, and where the first one is.
struct NotFinite {
  int64_t count = 0, first = -1;
};

NotFinite not_finite(const Tensor& tensor) {
  NotFinite found;
  if (!is_floating(tensor.type())) return found;
  for (int64_t i = 0; i < tensor.count(); ++i) {
    if (std::isfinite(tensor.at(i))) continue;
    if (found.count++ == 0) found.first = i;
  }
  return found;
}

/// Without the sign of a nan, which depends on the machine.
std::string written(double number) { return std::isnan(number) ? "nan" : fmt::format("{}", number); }

}  // namespace

NodeId first_not_finite(const Graph& graph, NodeId node) {
  for (const NodeId id : ancestors(graph, std::span(&node, 1)))
    if (not_finite(graph.node(id).value).count > 0) return id;
  return -1;
}

std::vector<Finding> finite_findings(const Graph& graph) {
  Finding finding{.id = "finite-parameters",
                  .subject = "parameters",
                  .verdict = Verdict::Refuted,
                  .level = Level::Values,
                  .sentences = {},
                  .certificate = {}};
  int64_t count = 0;
  Json list = Json::array();
  for (const NodeId id : ancestors(graph, roots(graph))) {
    const Node& node = graph.node(id);
    if (node.role != Role::Parameter) continue;
    const NotFinite found = not_finite(node.value);
    if (found.count == 0) continue;
    count += found.count;
    finding.sentences.push_back(fmt::format("{}: {} of {}, the first is {} at element {}", node.name,
                                            found.count, node.value.count(),
                                            written(node.value.at(found.first)), found.first));
    list.push_back({{"parameter", node_key(graph, id)}, {"count", found.count}, {"first", found.first}});
  }
  if (count == 0) return {};
  finding.sentences.insert(
      finding.sentences.begin(),
      fmt::format("not all are finite: {} of {} {} infinite or nan, and nothing is proved at their values",
                  count, parameter_count(graph), count == 1 ? "is" : "are"));
  finding.evidence = Json{{"count", count}, {"parameters", list}}.dump();
  return {std::move(finding)};
}

}  // namespace crease
