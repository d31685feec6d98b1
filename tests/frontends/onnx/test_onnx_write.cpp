#include <doctest/doctest.h>

#include <cmath>

#include "frontends/onnx.h"
#include "graph/text.h"
#include "tests/frontends/onnx/networks.h"
#include "tests/frontends/thrown.h"

namespace crease {
namespace {

/// In units of the greatest element: roundings differ where an expression is written as others.
double difference(const Tensor& a, const Tensor& b) {
  double most = 1, worst = 0;
  for (int64_t i = 0; i < a.count(); ++i) {
    const double x = a.at(i), y = b.at(i);
    if (std::isfinite(x)) most = std::max(most, std::abs(x));
    if (x == y || (std::isnan(x) && std::isnan(y))) continue;
    worst = std::max(worst, std::isfinite(x - y) ? std::abs(x - y) : INFINITY);
  }
  return worst / most;
}

void check_round_trip(const test::Network& network) {
  CAPTURE(network.name);
  CAPTURE(to_string(network.graph));
  Graph again;
  const std::string problem =
      test::thrown_by([&] { again = parse_onnx(format_onnx(network.graph), network.name); });
  CHECK(problem == "nothing thrown");
  if (problem != "nothing thrown") return;
  CAPTURE(to_string(again));
  const auto want = evaluate(network.graph, network.inputs), got = evaluate(again, network.inputs);
  REQUIRE(got.size() == want.size());
  for (const auto& [name, tensor] : want) {
    REQUIRE(got.contains(name));
    REQUIRE(got.at(name).sizes() == tensor.sizes());
    CHECK(got.at(name).type() == tensor.type());
    const double eps = tensor.type() == Type::f64 ? 0x1p-52 : 0x1p-23;
    CHECK(difference(tensor, got.at(name)) <= 16 * eps);
  }
}

TEST_CASE("every operation of the catalogue is written and read back as the same function") {
  for (const test::Network& network : test::written_operations()) check_round_trip(network);
}

TEST_CASE("movements, reductions, windows and lookups are written and read back as the same function") {
  for (const test::Network& network : test::written_movements()) check_round_trip(network);
}

TEST_CASE("layers and networks of them are written and read back as the same function") {
  for (const test::Network& network : test::written_layers()) check_round_trip(network);
}

}  // namespace
}  // namespace crease
