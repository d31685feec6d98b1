#include "graph/analysis/equivalence/equivalence.h"

#include <doctest/doctest.h>

#include <random>

#include "graph/analysis/check.h"
#include "graph/analysis/digest.h"
#include "graph/analysis/permutations/permutations.h"
#include "graph/analysis/scaling.h"
#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/reduction.h"
#include "tests/graph/analysis/mutants.h"

using namespace crease;
using nlohmann::json;

namespace {

Tensor weights(std::vector<int64_t> sizes, uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> number(1, 4000);
  Tensor tensor(Type::f32, std::move(sizes));
  for (int64_t i = 0; i < tensor.count(); ++i) tensor.set(i, (number(random) - 2000.5) / 1024);
  return tensor;
}

/// A residual network of rectifiers.
Graph layers(uint32_t seed) {
  Graph graph;
  uint32_t next = 10 * seed;
  const auto weight = [&](const std::string& name, std::vector<int64_t> sizes) {
    return graph.parameter(name, weights(std::move(sizes), ++next));
  };
  const Value x = graph.input("x", {"batch", 3});
  const Value stream = relu(matmul(x, weight("w1", {3, 4})) + weight("b1", {4}));
  const Value inner = leaky_relu(0.25)(matmul(stream, weight("w2", {4, 3})) + weight("b2", {3}));
  graph.output("y", matmul(stream + matmul(inner, weight("w3", {3, 4})), weight("w4", {4, 2})));
  return graph;
}

/// A random member of the group: factors that are powers of two, and exchanges.
Graph moved(const Graph& graph, uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> power(-3, 3);
  const ScalingGroup group = scaling_group(graph);
  std::vector<double> t;
  for (int k = 0; k < group.dimension(); ++k) t.push_back(power(random));
  Graph result = rescaled(graph, group, t);
  for (const PermutationBlock& block : permutation_group(graph).blocks)
    for (const Permutation& exchange : block.exchanges)
      if (random() % 2 == 0) result = permuted(result, exchange);
  return result;
}

void check_accepted(const Equivalence& found, const Graph& a, const Graph& b) {
  REQUIRE(found.certificate);
  const CheckResult judged = check(found.certificate->json, a, b);
  CHECK_MESSAGE(judged.accepted, judged.reason);
}

using Function = Value (*)(const Value&, const Value&, const Value&);

/// A network of three numbers.
Graph of_three(Function function) {
  Graph graph;
  const Value a = graph.input("a", {1}), b = graph.input("b", {1}), c = graph.input("c", {1});
  graph.output("y", function(a, b, c));
  return graph;
}

}  // namespace

TEST_CASE("random members of the group are equivalent, in the same orbit, and one changed weight is found") {
  for (uint32_t seed = 1; seed <= 10; ++seed) {
    CAPTURE(seed);
    const Graph a = layers(seed), b = moved(a, seed);
    const Equivalence same = equivalent(a, b);
    CHECK_EQ(same.verdict, Verdict::Proved);
    CHECK_EQ(same.relation, Relation::SameOrbit);
    check_accepted(same, a, b);
    Graph c = b;
    Tensor weight = b.find("w3").node().value;
    weight.set(1, weight.at(1) + 0x1p-12);
    c.set_parameter("w3", weight);
    const Equivalence other = equivalent(a, c);
    CHECK_EQ(other.verdict, Verdict::Refuted);
    check_accepted(other, a, c);
    CHECK_FALSE(check(same.certificate->json, a, c).accepted);
  }
}

TEST_CASE("equality that no normal form shows is proved cell by cell") {
  const std::pair<Function, Function> equal[] = {
      {[](const Value& a, const Value& b, const Value& c) { return max(max(a, b), c); },
       [](const Value& a, const Value& b, const Value& c) { return max(a, max(c, b)); }},
      {[](const Value& a, const Value& b, const Value& c) { return min(max(a, b), max(a, c)); },
       [](const Value& a, const Value& b, const Value& c) { return max(a, min(b, c)); }},
      {[](const Value& a, const Value& b, const Value& c) { return max(a + c, b + c); },
       [](const Value& a, const Value& b, const Value& c) { return relu(a - b) + b + c; }}};
  for (const auto& [first, second] : equal) {
    const Graph a = of_three(first), b = of_three(second);
    const Equivalence found = equivalent(a, b);
    CHECK_EQ(found.verdict, Verdict::Proved);
    CHECK_EQ(found.relation, Relation::DifferentArchitecture);
    check_accepted(found, a, b);
  }
}

TEST_CASE("a difference in a small corner of input space is found") {
  // They differ only where a lies within 2^-9 of 1000 and b, c are greater than 500.
  const Graph a = of_three([](const Value& x, const Value& y, const Value& z) { return x + y + z; });
  const Graph b = of_three([](const Value& x, const Value& y, const Value& z) {
    return x + y + z + relu(min(min(0x1p-9 - abs(x - 1000), y - 500), z - 500));
  });
  const Equivalence found = equivalent(a, b);
  CHECK_EQ(found.verdict, Verdict::Refuted);
  CHECK_EQ(found.reason, "in a cell that random points missed");
  check_accepted(found, a, b);
}

TEST_CASE("signs of units of odd activations do not matter, nor do those of units that are constant") {
  const auto network = [](float sign) {
    Graph graph;
    const Value x = graph.input("x", {"batch", 2});
    // The second unit reads nothing, the third not even a bias.
    const Value w = graph.parameter("w", Tensor::f32({2, 3}, {sign * 3, 0, 0, sign * 5, 0, 0}));
    const Value b = graph.parameter("b", Tensor::f32({3}, {sign * 2, sign * 7, 0}));
    const Value v = graph.parameter("v", Tensor::f32({3, 1}, {sign * 2, sign * 4, 0}));
    graph.output("y", matmul(tanh_op(matmul(x, w) + b), v));
    return graph;
  };
  const Graph a = network(1), b = network(-1);
  const Equivalence found = equivalent(a, b);
  CHECK_EQ(found.verdict, Verdict::Proved);
  check_accepted(found, a, b);
}

TEST_CASE("values that are not rational are told apart by enclosures") {
  using Activation = Value (*)(const Value&);
  const Activation activations[] = {
      [](const Value& x) { return tanh(x); },         [](const Value& x) { return sigmoid(x); },
      [](const Value& x) { return exp(x * 0.1); },    [](const Value& x) { return softplus(x); },
      [](const Value& x) { return sqrt(x * x + 1); }, [](const Value& x) { return log(x * x + 1); },
      [](const Value& x) { return gelu(x); },         [](const Value& x) { return sin(x); }};
  for (const Activation activation : activations) {
    const auto network = [&](float weight) {
      Graph graph;
      const Value x = graph.input("x", {"batch", 2});
      const Value w = graph.parameter("w", Tensor::f32({2, 2}, {1, -0.5f, weight, 0.75f}));
      graph.output("y", activation(matmul(x, w)));
      return graph;
    };
    const Graph a = network(0.5f), b = network(0.75f);
    const Equivalence found = equivalent(a, b);
    CHECK_EQ(found.verdict, Verdict::Refuted);
    check_accepted(found, a, b);
    CHECK_EQ(equivalent(a, a).verdict, Verdict::Proved);
    CHECK_FALSE(check(found.certificate->json, a, a).accepted);
    if (found.witness->bits == 0) continue;
    for (const test::Mutant& mutant : test::mutants(json::parse(found.certificate->json))) {
      CAPTURE(mutant.change);
      // Another point, number between or length may separate the values as well.
      if (mutant.change.starts_with("/witness/point/") || mutant.change.starts_with("/witness/between:") ||
          mutant.change.starts_with("/witness/bits: one"))
        continue;
      CHECK_FALSE(check(mutant.json.dump(), a, b).accepted);
    }
  }
}

namespace {

/// Layers of 12 units, too deep for exact values; one weight in the middle is `weight`.
Graph deep(int depth, float weight, const Op& activation) {
  std::mt19937 random(7);
  std::normal_distribution<float> number(0, 0.4f);
  Graph graph;
  Value x = graph.input("x", {"batch", 12});
  for (int d = 0; d < depth; ++d) {
    Tensor w(Type::f32, {12, 12}), b(Type::f32, {12});
    for (int64_t i = 0; i < w.count(); ++i) w.set(i, number(random));
    for (int64_t i = 0; i < b.count(); ++i) b.set(i, number(random));
    if (d == depth / 2) w.set(5, weight);
    x = matmul(x, graph.parameter("w" + std::to_string(d), w)) + graph.parameter("b" + std::to_string(d), b);
    if (d + 1 < depth) x = activation(x);
  }
  graph.output("y", x);
  return graph;
}

}  // namespace

TEST_CASE("one weight that differs by 2^-20 is found in networks too deep for exact values, or smooth") {
  for (const auto& [depth, activation] : {std::pair{60, relu}, {6, tanh_op}, {4, gelu}}) {
    const Graph a = deep(depth, 0.5f, activation), b = deep(depth, 0.5f + 0x1p-20f, activation);
    const Equivalence found = equivalent(a, b);
    CHECK_EQ(found.verdict, Verdict::Refuted);
    check_accepted(found, a, b);
    CHECK_GT(found.witness->bits, 0);
    CHECK_FALSE(check(found.certificate->json, a, a).accepted);
  }
}

TEST_CASE("differences of 2^-50 are found behind logarithms") {
  using Activation = Value (*)(const Value&);
  const Activation activations[] = {[](const Value& x) { return log(x * x + 1); },
                                    [](const Value& x) { return softplus(x); }};
  for (const Activation activation : activations) {
    const auto network = [&](double factor) {
      Graph graph;
      graph.output("y", activation(graph.input("x", {1}, Type::f64)) * factor);
      return graph;
    };
    const Graph a = network(1), b = network(1 + 0x1p-50);
    const Equivalence found = equivalent(a, b);
    CHECK_EQ(found.verdict, Verdict::Refuted);
    check_accepted(found, a, b);
  }
}

TEST_CASE("what is not decided is unknown, with the reason") {
  const auto network = [](double factor) {
    Graph graph;
    const Value x = graph.input("x", {2});
    graph.output("y", sin(x * (1000 * factor)) * tanh(x));
    return graph;
  };
  const Equivalence found = equivalent(network(1), network(1 + 0x1p-20));
  CHECK_EQ(found.verdict, Verdict::Unknown);
  CHECK_FALSE(found.reason.empty());
  const auto doubled = [](const Value& a, const Value& b, const Value& c) { return max(max(a, b), c); };
  const auto turned = [](const Value& a, const Value& b, const Value& c) { return max(a, max(b, c)); };
  const Equivalence limited = equivalent(of_three(doubled), of_three(turned), {.cell_limit = 2});
  CHECK_EQ(limited.verdict, Verdict::Unknown);
  CHECK_NE(limited.reason.find("more than 2 cells"), std::string::npos);
  const Equivalence hasty = equivalent(of_three(doubled), of_three(turned), {.work_limit = 40});
  CHECK_EQ(hasty.verdict, Verdict::Unknown);
  CHECK_NE(hasty.reason.find("cells of input space take more than 40 operations on rational numbers; in a "
                             "program EquivalenceOptions::work_limit allows more"),
           std::string::npos);
  const Equivalence formless = equivalent(of_three(doubled), of_three(turned), {.form_limit = 3});
  CHECK_EQ(formless.verdict, Verdict::Unknown);
  CHECK_NE(formless.reason.find("more than 3 operations on rational numbers"), std::string::npos);
  CHECK_EQ(EquivalenceOptions().form_limit, 2 * NormalFormOptions().work_limit);
}

/// Rectifiers behind a division by a root that is not rational: no normal form, but a group of rescalings.
Graph normalised(float last) {
  Graph graph;
  const auto parameter = [&](const std::string& name, const Tensor& value) {
    return graph.parameter(name, value);
  };
  const Value x = graph.input("x", {"batch", 3});
  const Value deviation = sqrt(parameter("variance", Tensor::f32({4}, {2, 3, 5, 7})));
  const Value hidden =
      relu((matmul(x, parameter("w1", weights({3, 4}, 1))) + parameter("b1", weights({4}, 2))) / deviation);
  graph.output("y", matmul(sin(hidden - hidden), parameter("v", weights({4, 1}, 3))) +
                        matmul(hidden, parameter("w2", Tensor::f32({4, 1}, {1, 2, 3, last}))));
  return graph;
}

TEST_CASE("powers of two are found where no normal form can be made, and a copy of any network") {
  const Graph a = normalised(4), c = normalised(5);
  const ScalingGroup group = scaling_group(a);
  REQUIRE(group.dimension() > 0);
  std::vector<double> t;
  for (int k = 0; k < group.dimension(); ++k) t.push_back(k % 3 - 1);
  const Graph b = rescaled(a, group, t);
  CHECK_NE(equivalent(a, c).verdict, Verdict::Proved);
  CHECK_NE(equivalent(b, c).verdict, Verdict::Proved);
  for (const Graph* other : {&a, &b}) {
    const Equivalence found = equivalent(a, *other);
    CHECK_EQ(found.verdict, Verdict::Proved);
    CHECK_EQ(found.relation, Relation::SameOrbit);
    check_accepted(found, a, *other);
    CHECK_EQ(found.certificate->kind, "same-orbit");
    CHECK_FALSE(check(found.certificate->json, a, c).accepted);
    for (const test::Mutant& mutant : test::mutants(json::parse(found.certificate->json))) {
      CAPTURE(mutant.change);
      CHECK_FALSE(check(mutant.json.dump(), a, *other).accepted);
    }
  }
  json forged = json::parse(equivalent(a, b).certificate->json);
  forged["other"] = digest(c);
  CHECK_FALSE(check(forged.dump(), a, c).accepted);
  forged["graph"] = digest(c);
  CHECK_FALSE(check(forged.dump(), c, c).accepted);
}

TEST_CASE("a copy is told by its digest, and not by a search that takes as long as the network is large") {
  const Equivalence found = equivalent(normalised(4), normalised(4));
  CHECK_EQ(found.verdict, Verdict::Proved);
  CHECK_EQ(found.reason, "they are one network");
  check_accepted(found, normalised(4), normalised(4));
}

TEST_CASE("networks that cannot be compared are refused with both sides") {
  const auto sized = [](int64_t size) {
    Graph graph;
    graph.output("y", relu(graph.input("x", {size})));
    return graph;
  };
  CHECK_THROWS_WITH_AS(equivalent(sized(2), sized(3)),
                       doctest::Contains("do not fit: got f32 [2] and f32 [3]"), Error);
  Graph more = sized(2);
  more.output("z", more.find("x"));
  CHECK_THROWS_WITH_AS(equivalent(sized(2), more), doctest::Contains("different numbers of outputs"), Error);
  Graph index;
  index.output("y", argmax(index.input("x", {2})));
  CHECK_THROWS_WITH_AS(equivalent(index, index), doctest::Contains("is not of a floating type"), Error);
  CHECK_THROWS_WITH_AS(equivalent(Graph(), Graph()), doctest::Contains("no outputs"), Error);
}

TEST_CASE("every changed certificate about two networks is refused") {
  const Graph a = layers(3), b = moved(a, 3), c = layers(4);
  const Graph first =
      of_three([](const Value& x, const Value& y, const Value& z) { return max(max(x, y), z); });
  const Graph second =
      of_three([](const Value& x, const Value& y, const Value& z) { return max(x, max(y, z)); });
  const std::pair<const Graph*, const Graph*> pairs[] = {{&a, &b}, {&a, &c}, {&first, &second}};
  for (const auto& [one, other] : pairs) {
    const Equivalence found = equivalent(*one, *other);
    check_accepted(found, *one, *other);
    for (const test::Mutant& mutant : test::mutants(json::parse(found.certificate->json))) {
      CAPTURE(mutant.change);
      CHECK_FALSE(check(mutant.json.dump(), *one, *other).accepted);
    }
  }
}

TEST_CASE("a witness gives truth values and integers to inputs that hold nothing else") {
  const auto masked = [](bool by_product) {
    Graph graph;
    const Value x = graph.input("x", {"batch", 2}), m = graph.input("m", {"batch", 2}, Type::boolean);
    graph.output("y", by_product ? x * m : where(m, x, 0.0));
    return graph;
  };
  const Graph chosen = masked(false), product = masked(true);
  CHECK(equivalent(chosen, product).verdict != Verdict::Refuted);

  const auto power = [](int exponent) {
    Graph graph;
    const Value x = graph.input("x", {"batch", 2}), m = graph.input("m", {"batch", 2}, Type::i32);
    graph.output("y", exponent == 1 ? x * m : x * m * m);
    return graph;
  };
  const Graph a = power(1), b = power(2);
  const Equivalence found = equivalent(a, b);
  REQUIRE(found.verdict == Verdict::Refuted);
  for (size_t i = 2; i < 4; ++i) CHECK(found.witness->point[i] == found.witness->point[i].floor());
  CHECK(check(found.certificate->json, a, b).accepted);

  json forged = json::parse(found.certificate->json);
  forged["witness"]["point"][2] = "-3/8";
  const CheckResult refused = check(forged.dump(), a, b);
  CHECK_FALSE(refused.accepted);
  CHECK_EQ(refused.reason, "input 'm' is i32, which cannot be -3/8");
}

TEST_CASE("networks whose inputs are called as the parameters of the pair are compared") {
  const auto network = [](float weight) {
    Graph graph;
    graph.output(
        "y", matmul(graph.input("a.w", {"batch", 1}), graph.parameter("w", Tensor::f32({1, 1}, {weight}))));
    return graph;
  };
  const Equivalence same = equivalent(network(2), network(2));
  CHECK_EQ(same.verdict, Verdict::Proved);
  CHECK(check(same.certificate->json, network(2), network(2)).accepted);
  CHECK_EQ(equivalent(network(2), network(3)).verdict, Verdict::Refuted);
}

TEST_CASE("a difference at a single sample refutes networks that mix samples") {
  const auto network = [](double factor) {
    Graph graph;
    const Value x = graph.input("x", {"batch", 2});
    graph.output("y", x - reduce_max(x, {0}, true) + x * factor);
    return graph;
  };
  const Graph a = network(0.5), b = network(0.25);
  const Equivalence result = equivalent(a, b);
  CHECK_EQ(result.verdict, Verdict::Refuted);
  const CheckResult checked = check(result.certificate->json, a, b);
  CHECK_MESSAGE(checked.accepted, checked.reason);
}
