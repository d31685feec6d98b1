#include "graph/analysis/separability_certificate.h"

#include <nlohmann/json.hpp>

#include "graph/analysis/certificate.h"
#include "graph/analysis/digest.h"
#include "graph/error.h"

namespace crease {

Certificate separability_certificate(const Graph& graph, const std::vector<std::vector<Rational>>& points,
                                     const std::vector<int64_t>& labels,
                                     const std::vector<SeparableTensor>& tensors) {
  using Json = nlohmann::ordered_json;
  expect(points.size() == labels.size(), "[separability] {} labels for {} points", labels.size(),
         points.size());
  Json json{{"cert", "graph-cert/1"},  {"kind", "separability"},  {"graph", digest(graph)},
            {"semantics", "real"},     {"points", Json::array()}, {"labels", labels},
            {"claim", Json::object()}, {"proofs", Json::object()}};
  for (const auto& point : points) json["points"].push_back(texts(point));
  for (const SeparableTensor& tensor : tensors) {
    const std::string node = node_key(graph, tensor.node);
    for (const auto& [label, answer] : tensor.labels) {
      if (!answer.plane && !answer.multipliers) continue;
      const std::string key = std::to_string(label);
      json["claim"][node][key] = answer.plane ? "separable" : "inseparable";
      json["proofs"][node][key] = answer.plane
                                      ? Json{{"w", texts(answer.plane->w)}, {"b", to_string(answer.plane->b)}}
                                      : Json{{"multipliers", texts(*answer.multipliers)}};
    }
  }
  return {"separability", json.dump()};
}

}  // namespace crease
