// Layers without activations between them are one layer: W2 (W1 x + b1) + b2 = W' x + b'. Here that is found,
// proved by a certificate that an independent checker replays, and refuted for the same layers with a
// rectifier.
#include <crease/crease.h>
using namespace crease;

namespace {

/// Two layers, 2 -> 3 -> 2, with numbers that are easy to follow.
Graph two_layers(const Layer& between) {
  Graph graph = network(sequential(linear(2, 3), between, linear(3, 2)), 2);
  graph.set_parameter("0.weight", Tensor::f32({2, 3}, {1, 2, 0, 0, 1, -1}));
  graph.set_parameter("0.bias", Tensor::f32({3}, {1, 0, 0.5F}));
  graph.set_parameter("2.weight", Tensor::f32({3, 2}, {1, 0, 0, 1, 2, 2}));
  graph.set_parameter("2.bias", Tensor::f32({2}, {0, -1}));
  return graph;
}

void show_collapse(const Graph& graph) {
  const Linearity facts = linearity(graph);
  const NodeId output = graph.result("logits").id();
  const FormOrReason found = affine_form(graph, facts, output);
  if (!found.form) return fmt::print("no affine map: {}\n", found.reason);
  const ExactMatrix& weight = found.form->weights.front();
  for (int64_t i = 0; i < weight.rows(); ++i) {
    fmt::print("W'[{}] = {} {}\n", i, to_string(weight.at(i, 0)), to_string(weight.at(i, 1)));
  }
  fmt::print("b'    = {} {}\n", to_string(found.form->offset[0]), to_string(found.form->offset[1]));
  fmt::print("rank  = {}\n", weight.rank(2));

  Certificate certificate = affine_certificate(graph, *found.form);
  fmt::print("certificate: {}\n", check(certificate, graph).accepted ? "accepted" : "refused");
  certificate.json.replace(certificate.json.find("\"W\""), 3, "\"V\"");
  fmt::print("tampered:    {}\n", check(certificate, graph).accepted ? "accepted" : "refused");
}

}  // namespace

int main() {
  fmt::print("without activation\n");
  show_collapse(two_layers(identity));
  fmt::print("with relu\n");
  const Graph graph = two_layers(relu);
  for (const Finding& finding : linearity_findings(graph)) {
    if (finding.id != "affine") continue;
    fmt::print("{}: {}\n", to_string(finding.verdict), finding.sentences.front());
    if (finding.certificate)
      fmt::print("witness: {}\n", check(*finding.certificate, graph).accepted ? "accepted" : "refused");
  }
}
