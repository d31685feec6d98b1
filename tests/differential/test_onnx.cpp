// Random graphs and their gradients: written as ONNX and read back they are the same function.
#include <doctest/doctest.h>

#include <cmath>

#include "autodiff/reverse.h"
#include "frontends/onnx.h"
#include "graph/error.h"
#include "graph/text.h"
#include "tests/differential/random_graph.h"

using namespace crease;
using namespace crease::differential;

namespace {

constexpr uint64_t seeds = 120;

/// Halves and piecewise-linear operations leave a few roundings of sums whose order is not the same.
double difference(const Tensor& a, const Tensor& b) {
  double worst = 0;
  for (int64_t i = 0; i < a.count(); ++i) {
    const double x = a.at(i), y = b.at(i);
    if (x == y || (std::isnan(x) && std::isnan(y))) continue;
    worst = std::max(worst, std::isfinite(x - y) ? std::abs(x - y) / std::max(1.0, std::abs(x)) : INFINITY);
  }
  return worst;
}

void check_round_trip(const Graph& graph, const Bindings& inputs, double tolerance) {
  CAPTURE(to_string(graph));
  const Graph again = parse_onnx(format_onnx(graph), "random");
  CAPTURE(to_string(again));
  Bindings wanted;
  for (const NodeId id : again.inputs()) wanted.emplace(again.node(id).name, inputs.at(again.node(id).name));
  const auto want = evaluate(graph, inputs), got = evaluate(again, wanted);
  for (const auto& [name, tensor] : want) {
    CAPTURE(name);
    REQUIRE(got.contains(name));
    REQUIRE(got.at(name).sizes() == tensor.sizes());
    CHECK(got.at(name).type() == tensor.type());
    CHECK(difference(tensor, got.at(name)) <= tolerance);
  }
}

/// Indices lie inside of every table: the format has no others.
Bindings inside(Bindings inputs) {
  for (auto& [name, tensor] : inputs)
    if (!is_floating(tensor.type())) tensor = Tensor(tensor.type(), tensor.sizes());
  return inputs;
}

/// Whether it was read back; if not, for a reason that stands in the documentation.
bool round_trip(const Graph& graph, const Bindings& inputs) {
  try {
    check_round_trip(graph, inputs, 1e-10);
    return true;
  } catch (const Error& error) {
    const std::string message = error.what();
    CAPTURE(message);
    const auto says = [&](const char* reason) { return message.find(reason) != std::string::npos; };
    CHECK((says("random numbers") || says("(Scan)") || says("a sum at places that are looked up") ||
           says("sums at places that overlap")));
    return false;
  }
}

TEST_CASE("random graphs are written as ONNX and read back as the same function") {
  int written = 0;
  for (uint64_t seed = 0; seed < seeds; ++seed) {
    CAPTURE(seed);
    const bool exact = seed % 2 == 0;
    const RandomOptions options{.type = Type::f64, .piecewise_linear = exact, .casts = seed % 3 == 0};
    const RandomGraph random = random_graph(seed, options);
    written += round_trip(random.graph, inside(halves(random.graph, seed))) ? 1 : 0;
  }
  CHECK(written > static_cast<int>(seeds) / 2);
}

TEST_CASE("gradients of random graphs are written as ONNX and read back, or refused by what they are") {
  int written = 0;
  for (uint64_t seed = 0; seed < seeds; ++seed) {
    CAPTURE(seed);
    RandomGraph random = random_graph(seed, {.type = Type::f64, .piecewise_linear = true});
    const std::vector<Value> gradients = grad(random.loss, random.variables);
    for (size_t k = 0; k < gradients.size(); ++k)
      random.graph.output("gradient" + std::to_string(k), gradients[k]);
    written += round_trip(random.graph, inside(halves(random.graph, seed))) ? 1 : 0;
  }
  CHECK(written > static_cast<int>(seeds) / 4);
}

}  // namespace
