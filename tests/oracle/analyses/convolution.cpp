// "extra": an affine sub-graph of images that is one convolution, or is none.
#include "graph/analysis/single_convolution.h"
#include "tests/oracle/analyses/fields.h"

namespace crease::oracle {
namespace {

/// The convolution that the output of a network is, if it is one.
std::optional<SingleConvolution> convolution_of(const Network& network) {
  const Graph& graph = network.built.graph;
  const NodeId output = graph.outputs().at(0).node;
  const FormOrReason result = affine_form(graph, network.facts, output);
  return result.form ? single_convolution(graph, *result.form) : std::nullopt;
}

void flatten(const Json& json, std::vector<Rational>& entries) {
  if (json.is_string()) return entries.push_back(number(json));
  for (const Json& part : json) flatten(part, entries);
}

void check_list(const Json& expected, const std::vector<Rational>& got, Outcome& outcome) {
  std::vector<Rational> want;
  flatten(expected, want);
  outcome.check(got == want, "has {} entries, want {}, or other values", got.size(), want.size());
}

void check_all(const Json& expected, const std::vector<int64_t>& got, Outcome& outcome) {
  for (const int64_t value : got) outcome.check(value == expected, "is {}", value);
}

}  // namespace

void check_is_convolution(const Json& expected, const Network& network, Outcome& outcome) {
  outcome.check(convolution_of(network).has_value() == expected, "want {}", expected.dump());
}
void check_kernel(const Json& expected, const Network& network, Outcome& outcome) {
  check_list(expected, convolution_of(network).value().kernel, outcome);
}
void check_kernel_bias(const Json& expected, const Network& network, Outcome& outcome) {
  check_list(expected, convolution_of(network).value().bias, outcome);
}
void check_stride(const Json& expected, const Network& network, Outcome& outcome) {
  check_all(expected, convolution_of(network).value().stride, outcome);
}
void check_padding(const Json& expected, const Network& network, Outcome& outcome) {
  check_all(expected, convolution_of(network).value().padding, outcome);
}

}  // namespace crease::oracle
