// Certificates of gradients as text, kind "gradient":
//
//   {..., "kind": "gradient", "claim": {"name": "b_directional", "loss": "loss", "value": "0",
//    "gradient": {"w": ["1/2", "0"]}, "unresolved": 0}, "sizes": {"batch": 4}, "point": {"x": ["1", ...]},
//    "directions": [{"w": ["3/1024", "-5/1024"]}], "kinks": [["h", 0, 3, 1]], "smallest": "3/1024"}
//
// Tensors are row-major. A kink is [node, comparison within its body or -1, loop point, sign of the
// derivative of its difference along the first direction]; "smallest" is the least size of these derivatives,
// those that are 0 left out. Inputs are given by "point"; parameters that it does not name have their value
// in the graph.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "autodiff/certified_gradient.h"
#include "graph/analysis/certificate.h"
#include "graph/analysis/digest.h"
#include "graph/error.h"
#include "graph/evaluate.h"
#include "graph/rational.h"

namespace crease {
namespace {

using Json = nlohmann::ordered_json;

Json exact(double value) { return to_string(Rational::of(value)); }

Json exact(const Tensor& tensor) {
  Json list = Json::array();
  for (int64_t k = 0; k < tensor.count(); ++k) list.push_back(exact(tensor.at(k)));
  return list;
}

Json by_variable(ValueSpan wrt, const std::vector<Tensor>& tensors) {
  Json object = Json::object();
  for (size_t i = 0; i < wrt.size(); ++i) object[wrt[i].node().name] = exact(tensors[i]);
  return object;
}

}  // namespace

Certificate gradient_certificate(const Value& loss, ValueSpan wrt, const Bindings& at,
                                 const CertifiedGradient& result) {
  const Graph& graph = loss.graph();
  Json point = Json::object(), directions = Json::array(), kinks = Json::array(), sizes = Json::object();
  Bindings inputs;
  for (const NodeId id : graph.inputs()) inputs.emplace(graph.node(id).name, at.at(graph.node(id).name));
  for (const auto& [name, size] : crease::bind(graph, inputs)) sizes[name] = size;
  for (const auto& [name, tensor] : at) point[name] = exact(tensor);
  for (const auto& direction : result.directions) directions.push_back(by_variable(wrt, direction));
  std::optional<double> smallest;
  for (const KinkHit& kink : result.kinks) {
    const bool signless = result.directions.empty() || kink.tangent == 0;
    const int sign = signless ? 0 : kink.tangent > 0 ? 1 : -1;
    kinks.push_back({node_key(graph, kink.node), kink.comparison, kink.point, sign});
    if (sign != 0) smallest = std::min(std::abs(kink.tangent), smallest.value_or(INFINITY));
  }
  Json json{{"cert", "graph-cert/1"},
            {"kind", "gradient"},
            {"graph", digest(graph)},
            {"semantics", "real"},
            {"claim",
             {{"name", std::string(to_string(result.claim))},
              {"loss", node_key(graph, loss.id())},
              {"value", exact(result.value)},
              {"gradient", by_variable(wrt, result.gradient)},
              {"unresolved", result.unresolved}}},
            {"sizes", sizes},
            {"point", point},
            {"directions", directions},
            {"kinks", kinks}};
  if (smallest) json["smallest"] = exact(*smallest);
  return {.kind = "gradient", .json = json.dump()};
}

}  // namespace crease
