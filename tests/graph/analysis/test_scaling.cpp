#include "graph/analysis/scaling.h"

#include <doctest/doctest.h>

#include <random>

#include "graph/error.h"
#include "graph/evaluate.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/lookup.h"
#include "graph/ops/reduction.h"
#include "tests/files.h"
#include "tests/graph/analysis/oracle_network.h"

using namespace crease;
using crease::test::build_network;
using crease::test::OracleNetwork;
using nlohmann::json;

namespace {

using Row = std::map<int64_t, Rational>;  // by flat position over all parameters, then outputs

/// Rank of rows, by elimination: shares nothing with the library's solver.
int rank(std::vector<Row> rows) {
  int result = 0;
  std::vector<std::pair<int64_t, Row>> pivots;
  for (Row row : rows) {
    for (const auto& [pivot, other] : pivots)
      if (row.contains(pivot)) {
        const Rational factor = row[pivot] / other.at(pivot);
        for (const auto& [column, value] : other) row[column] -= factor * value;
        std::erase_if(row, [](const auto& entry) { return entry.second.is_zero(); });
      }
    if (row.empty()) continue;
    pivots.emplace_back(row.begin()->first, row);
    ++result;
  }
  return result;
}

/// Positions of the parameters' entries in one flat order, then those of the outputs.
struct Flat {
  std::map<std::string, int64_t> base;
  int64_t count = 0;
};

Flat flat_order(const json& source) {
  Flat flat;
  for (const auto& parameter : source.at("params")) {
    flat.base[parameter.at("name")] = flat.count;
    flat.count += static_cast<int64_t>(parameter.at("data").size());
  }
  return flat;
}

/// The library's basis: one row a coordinate. Structurally absent entries are left out.
std::vector<Row> basis_of(const OracleNetwork& network, const ScalingGroup& group, const Flat& flat,
                          bool outputs) {
  std::vector<Row> rows(static_cast<size_t>(group.dimension()));
  const auto add = [&](const std::vector<LinearForm<Rational>>& exponents, int64_t base,
                       const std::set<int64_t>& without) {
    for (size_t i = 0; i < exponents.size(); ++i)
      for (const auto& [coordinate, coefficient] : exponents[i])
        if (!without.contains(static_cast<int64_t>(i)))
          rows[static_cast<size_t>(coordinate)][base + static_cast<int64_t>(i)] = coefficient;
  };
  for (const auto& name : network.parameters)
    add(group.exponents(network.graph.find(name).id()), flat.base.at(name),
        network.inert.contains(name) ? network.inert.at(name) : std::set<int64_t>{});
  int64_t base = flat.count;
  if (outputs)
    for (const Output& output : network.graph.outputs()) {
      const auto exponents = group.exponents(output.node);
      add(exponents, base, {});
      base += static_cast<int64_t>(exponents.size());
    }
  return rows;
}

std::vector<Row> expected_basis(const json& basis, const Flat& flat) {
  std::vector<Row> rows;
  for (const auto& vector : basis) {
    Row row;
    for (const auto& [name, entries] : vector.at("params").items())
      for (const auto& [entry, exponent] : entries.items())
        row[flat.base.at(name) + std::stoll(entry)] = Rational(exponent.get<int64_t>());
    rows.push_back(row);
  }
  return rows;
}

void check_basis(const OracleNetwork& network, const json& source, ScalingMode mode, const char* key) {
  CAPTURE(key);
  const json& expected = source.at("expected").at("symmetry").at(key);
  const ScalingGroup group = scaling_group(network.graph, {.mode = mode});
  const Flat flat = flat_order(source);
  const std::vector<Row> rows = basis_of(network, group, flat, false);
  const int dimension = expected.at("dim").get<int>();
  CHECK_EQ(rank(rows), dimension);
  if (network.inert.empty()) CHECK_EQ(group.dimension(), dimension);
  std::vector<Row> together = rows;
  for (const Row& row : expected_basis(expected.at("basis"), flat)) together.push_back(row);
  CHECK_EQ(rank(together), dimension);
}

Tensor noise(std::vector<int64_t> sizes, unsigned seed) {
  Tensor tensor(Type::f32, std::move(sizes));
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  for (float& value : tensor.write<float>()) value = normal(engine);
  return tensor;
}

/// y = W_n relu(... relu(W_1 x + b_1) ...) + b_n with weights [out, in].
Graph perceptron(const std::vector<int64_t>& widths, bool activate = true) {
  Graph graph;
  Value y = graph.input("x", {"batch", widths[0]});
  for (size_t layer = 1; layer < widths.size(); ++layer) {
    const auto name = std::to_string(layer);
    const Value w = graph.parameter(
        "w" + name, noise({widths[layer], widths[layer - 1]}, 2 * static_cast<unsigned>(layer)));
    const Value b = graph.parameter("b" + name, noise({widths[layer]}, 2 * static_cast<unsigned>(layer) + 1));
    y = matmul_transposed(y, w) + b;
    if (activate && layer + 1 < widths.size()) y = relu(y);
  }
  graph.output("y", y);
  return graph;
}

std::vector<double> random_integers(int count, unsigned seed) {
  std::mt19937 engine(seed);
  std::uniform_int_distribution<int> exponent(-10, 10);
  std::vector<double> t;
  for (int k = 0; k < count; ++k) t.push_back(exponent(engine));
  return t;
}

/// Exponent of the first entry of a parameter.
LinearForm<Rational> first_exponent(const Graph& graph, const ScalingGroup& group, const char* name) {
  return group.exponents(graph.find(name).id()).front();
}

}  // namespace

TEST_CASE("scaling groups of all oracle networks have the exact dimension and row space") {
  const auto file = test::shared_file("oracles/analyses.json");
  if (!file) return;
  const json oracle = test::read_oracle(file->string());
  for (const auto& source : oracle.at("networks")) {
    CAPTURE(source.at("id").get<std::string>());
    const OracleNetwork network = build_network(source);
    check_basis(network, source, ScalingMode::Invariance, "invariance");
    check_basis(network, source, ScalingMode::CommonOutputScale, "common_output_scale");
    check_basis(network, source, ScalingMode::OutputEquivariance, "output_equivariance");
    const json& symmetry = source.at("expected").at("symmetry");
    if (network.inert.empty())
      CHECK_EQ(sign_group(network.graph).dimension(), symmetry.at("sign_dim").get<int>());
    for (const auto& [mode, key] : {std::pair{ScalingMode::Invariance, "per_tensor_invariance"},
                                    {ScalingMode::OutputEquivariance, "per_tensor_output_equivariance"}})
      CHECK_EQ(scaling_group(network.graph, {mode, ScalingUnit::Tensor}).dimension(),
               symmetry.at(key).at("dim").get<int>());
  }
}

TEST_CASE("the seed's formula: w_i / a_i, b_i / (a_1 ... a_i) divides the output by a_1 a_2 a_3") {
  const Graph graph = perceptron({2, 3, 2, 1});
  const ScalingGroup group =
      scaling_group(graph, {.mode = ScalingMode::OutputEquivariance, .unit = ScalingUnit::Tensor});
  REQUIRE_EQ(group.dimension(), 3);
  // -log a_i is the exponent of w_i; in those coordinates the others follow.
  LinearForm<Rational> prefix;
  for (const char* layer : {"1", "2", "3"}) {
    add_to(prefix, first_exponent(graph, group, (std::string("w") + layer).c_str()), Rational(1));
    CHECK_EQ(first_exponent(graph, group, (std::string("b") + layer).c_str()), prefix);
  }
  CHECK_EQ(group.exponents(graph.result("y").id()).front(), prefix);
  CHECK_EQ(scaling_group(graph, {.unit = ScalingUnit::Tensor}).dimension(), 2);
}

TEST_CASE("a random power-of-two element of the group leaves outputs equal bit for bit") {
  for (const bool activate : {true, false}) {
    const Graph graph = perceptron({7, 9, 8, 5}, activate);
    const ScalingGroup group = scaling_group(graph);
    CHECK_EQ(group.dimension(), 17);
    const Graph other = rescaled(graph, group, random_integers(17, 3));
    CHECK_FALSE(other.find("w1").node().value == graph.find("w1").node().value);
    const Bindings inputs{{"x", noise({11, 7}, 99)}};
    CHECK(evaluate(graph, inputs).at("y") == evaluate(other, inputs).at("y"));
  }
}

TEST_CASE("random group elements leave the outputs of all oracle networks equal") {
  const auto file = test::shared_file("oracles/analyses.json");
  if (!file) return;
  const json oracle = test::read_oracle(file->string());
  for (const auto& source : oracle.at("networks")) {
    CAPTURE(source.at("id").get<std::string>());
    const OracleNetwork network = build_network(source);
    const ScalingGroup group = scaling_group(network.graph);
    const Graph other = rescaled(network.graph, group, random_integers(group.dimension(), 5));
    Bindings inputs;
    for (const auto& input : source.at("inputs"))
      inputs[input.at("name")] = noise(input.at("shape").get<std::vector<int64_t>>(), 6);
    const auto before = evaluate(network.graph, inputs), after = evaluate(other, inputs);
    for (const auto& [name, value] : before)
      for (int64_t i = 0; i < value.count(); ++i)
        if (!std::isnan(value.at(i)))
          CHECK_EQ(after.at(name).at(i), doctest::Approx(value.at(i)).epsilon(1e-6));
  }
}

TEST_CASE("common output scale multiplies every logit by the same power of two") {
  const Graph graph = perceptron({4, 6, 3});
  const ScalingGroup group = scaling_group(graph, {.mode = ScalingMode::CommonOutputScale});
  CHECK_EQ(group.dimension(), 7);
  const std::vector<double> t = random_integers(7, 8);
  const auto form = group.exponents(graph.result("y").id()).front();
  double exponent = 0;
  for (const auto& [k, coefficient] : form) exponent += coefficient.to_double() * t[static_cast<size_t>(k)];
  const Bindings inputs{{"x", noise({5, 4}, 1)}};
  const Tensor before = evaluate(graph, inputs).at("y"),
               after = evaluate(rescaled(graph, group, t), inputs).at("y");
  for (int64_t i = 0; i < before.count(); ++i) CHECK_EQ(after.at(i), before.at(i) * std::exp2(exponent));
}

TEST_CASE("with free inputs the first layer's columns can be rescaled too") {
  const Graph graph = perceptron({4, 6, 3});
  CHECK_EQ(scaling_group(graph, {.mode = ScalingMode::InputFree}).dimension(), 10);
}

TEST_CASE("a user's own activation has the law of its body") {
  const Op twice{.name = "cubed_relu", .doc = "max(x, 0)^3.", .body = [](Scalar x) {
                   return max(x, 0) * max(x, 0) * max(x, 0);
                 }};
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  const Value h = twice(matmul(x, graph.parameter("w", noise({2, 3}, 1))));
  graph.output("y", matmul(h, graph.parameter("v", noise({3, 1}, 2))));
  const ScalingGroup group = scaling_group(graph);
  REQUIRE_EQ(group.dimension(), 3);
  for (int k = 0; k < 3; ++k) {
    const std::vector<int64_t> in{0, k}, out{k, 0};
    LinearForm<Rational> balance = group.exponent(graph.find("v").id(), out);
    add_to(balance, group.exponent(graph.find("w").id(), in), Rational(3));
    CHECK(balance.empty());
  }
}

TEST_CASE("rows of a looked-up table share their column factors") {
  Graph graph;
  const Value index = graph.input("index", {"batch"}, Type::i32);
  const Value rows = gather(graph.parameter("table", noise({50, 4}, 1)), index);
  graph.output("y", matmul(relu(rows), graph.parameter("w", noise({4, 2}, 2))));
  const ScalingGroup group = scaling_group(graph);
  CHECK_EQ(group.dimension(), 4);
  const Bindings inputs{{"index", Tensor::i32({3}, {0, 49, 7})}};
  CHECK(evaluate(graph, inputs).at("y") ==
        evaluate(rescaled(graph, group, random_integers(4, 2)), inputs).at("y"));
}

TEST_CASE("the winner of an argmax does not change when all candidates share a factor") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 3});
  graph.output("class", argmax(matmul(x, graph.parameter("w", noise({3, 5}, 1))), 1));
  const ScalingGroup group = scaling_group(graph);
  CHECK_EQ(group.dimension(), 1);
  CHECK_EQ(group.exponents(graph.find("w").id()).front(), group.exponents(graph.find("w").id()).back());
}

TEST_CASE("the group of an MNIST-sized network of 270,000 weights has one factor a hidden unit") {
  const Graph graph = perceptron({784, 256, 256, 10});
  const ScalingGroup group = scaling_group(graph);
  CHECK_EQ(group.dimension(), 512);
  CHECK_EQ(sign_group(graph).dimension(), 0);
}

TEST_CASE("scaling of a graph without outputs, and coordinates of the wrong number, are errors") {
  CHECK_THROWS_WITH_AS(scaling_group(Graph()), doctest::Contains("no outputs"), Error);
  const Graph graph = perceptron({2, 3, 1});
  CHECK_THROWS_WITH_AS(rescaled(graph, scaling_group(graph), std::vector<double>{1}),
                       doctest::Contains("got 1 coordinates, want 3"), Error);
}
