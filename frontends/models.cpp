#include "frontends/models.h"

#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/catalog.h"

namespace crease {

Layer mlp(const std::vector<int64_t>& sizes, const Layer& activation, const LinearOptions& options,
          std::source_location where) {
  expect(sizes.size() >= 2, "[mlp] wants at least an input and an output size: got {} ({})", sizes.size(),
         to_string(where));
  std::vector<Layer> layers;
  for (size_t i = 0; i + 1 < sizes.size(); ++i) {
    if (i > 0) layers.push_back(activation);
    layers.push_back(linear(sizes[i], sizes[i + 1], options, where));
  }
  return sequential(layers);
}

Graph network(const Layer& layer, int64_t features, Type type, Mode mode, std::source_location where) {
  return network(layer, features, "logits", type, mode, where);
}

Graph network(const Layer& layer, int64_t features, const std::string& output, Type type, Mode mode,
              std::source_location where) {
  Graph graph;
  const Value x = graph.input("x", {"batch", features}, type, where);
  graph.output(output, layer(x, mode, where));
  return graph;
}

Op activation_named(const std::string& name) {
  // Ramachandran et al. 2017 found it again and named it anew.
  if (name == "swish") return silu;
  std::string known;
  for (const CatalogRow& row : catalog()) {
    if (row.op.body.arity != 1 || !row.op.loops.empty() || row.op.type != ResultType::Promoted) continue;
    if (row.name == name) return row.op;
    known += (known.empty() ? "" : ", ") + row.name;
  }
  fail("[activation] unknown name '{}': the catalogue has {}", name, known);
}

}  // namespace crease
