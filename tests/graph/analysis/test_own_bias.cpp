#include "graph/analysis/own_bias.h"

#include <doctest/doctest.h>

#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/lookup.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"

using namespace crease;

TEST_CASE("what the own-bias theorem does not cover is told with the reason") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 4}, Type::f64);
  const Value b = graph.parameter("b", Tensor(Type::f64, {4})),
              c = graph.parameter("c", Tensor(Type::f64, {4}));
  const auto problem = [&](const Value& output, std::vector<NodeId> wrt) {
    const std::vector<NodeId> outputs{output.id()};
    const OwnBiasReport report = own_bias(graph, outputs, wrt);
    std::string all;
    for (const OwnBias& fact : report.operations) all += fact.problem + ";";
    return all;
  };
  const std::vector<NodeId> both{b.id(), c.id()};
  CHECK_EQ(problem(relu(x + b), both), ";");
  CHECK_EQ(problem(relu(x - b), both), ";");
  CHECK_EQ(problem(relu6(2.0 * -(x + b)), both), ";");
  CHECK_EQ(problem(relu(c + relu(x + b)), both), ";;");
  CHECK_EQ(problem(relu(x + b) + relu(x + b + c), both).find("no parameter") != std::string::npos,
           true);  // b is read twice
  const Value z = x + b;
  CHECK(problem(relu(z) - relu(-z), both).find("the other way") != std::string::npos);
  CHECK_EQ(problem(relu(z) + abs(z), both), ";;");
  CHECK_EQ(problem(relu(z) + c * x, {c.id()}), "");  // relu does not change with c
  CHECK_EQ(problem(relu(x * b), both), "no parameter that nothing else reads is added to what decides it;");
  CHECK_EQ(problem(max(x + b, x + c), both), "several operands decide it together;");
  CHECK_EQ(problem(reduce_max(x + b, {-1}), both), "ties between its points have no bias of their own;");
  CHECK_EQ(problem(step(x + b), both), "it may jump;");
  const Op whole{
      .name = "whole", .doc = "Cut.", .body = [](Scalar s) { return s; }, .type = ResultType::Index};
  CHECK_EQ(problem(whole(x + b), both), "what it cuts to an integer may jump;");
  CHECK_EQ(problem(elu(x + b), both), ";");
  CHECK_EQ(problem(tanh_op(x * b), both), "");
}

TEST_CASE("a bias that misses some elements is no bias of their own") {
  Graph graph;
  const Value x = graph.input("x", {3}, Type::f64), b = graph.parameter("b", Tensor(Type::f64, {1})),
              c = graph.parameter("c", Tensor(Type::f64, {3})),
              mask = graph.constant(Tensor::f64({3}, {0, 0, 1}));
  const std::vector<NodeId> wrt{b.id(), c.id()};
  const auto covers = [&](const Value& bias) {
    const std::vector<NodeId> outputs{sum(relu(x + bias)).id()};
    return own_bias(graph, outputs, wrt).certified();
  };
  const auto shifted = [&](const Value& bias) {  // the element before the first is skipped
    static const Op shift{.name = "shift",
                          .doc = "",
                          .loops = "i-1 -> i",
                          .body = [](Scalar s) { return s; },
                          .extents = {{"i", 3}}};
    return shift(bias);
  };
  static const Op add_shifted{
      .name = "add_shifted", .doc = "", .loops = "i, i-1 -> i", .body = [](Scalar s, Scalar bias) {
        return s + bias;
      }};
  const std::vector<Value> whole{b,
                                 c,
                                 reverse(c, 0),
                                 slice(c, 0, 0, 1),
                                 reshape(reshape(c, {1, 3}), {3}),
                                 broadcast_to(b, {3}),
                                 pad(c, 0, 0, 0)};
  const std::vector<Value> part{pad(b, 0, 2, 0),
                                pad(b, 0, 0, 2),
                                pad(b, 0, 1, 1),
                                reverse(pad(b, 0, 2, 0), 0),
                                reshape(pad(reshape(b, {1, 1}), 1, 2, 0), {3}),
                                concat({b, graph.constant(Tensor(Type::f64, {2}))}, 0),
                                shifted(c),
                                where(mask > 0, c, 0),
                                where(c < 100, c, 0),
                                c * 0,
                                c * mask,
                                c - c,
                                c - reverse(c, 0),
                                c * c,
                                max(c, -1),
                                gather(c, graph.constant(Tensor::i32({3}, {2, 5, 7})))};
  for (size_t k = 0; k < whole.size(); ++k) {
    CAPTURE(k);
    CHECK(covers(whole[k]));
  }
  for (size_t k = 0; k < part.size(); ++k) {
    CAPTURE(k);
    CHECK_FALSE(covers(part[k]));
  }
  const std::vector<NodeId> outputs{sum(relu(add_shifted(x, c))).id()};
  CHECK_FALSE(own_bias(graph, outputs, wrt).certified());
  CHECK(covers(pad(b, 0, 2, 0) + c));  // every element has one of c
}

TEST_CASE("a slope that the arithmetic of its node rounds to 0 moves nothing") {
  const Op hardly{.name = "hardly", .doc = "", .body = [](Scalar x, Scalar b) { return x + b * 1e-60; }};
  for (const Type type : {Type::f32, Type::f64}) {
    Graph graph;
    const Value x = graph.input("x", {2}, type), b = graph.parameter("b", Tensor(type, {2}));
    const std::vector<NodeId> outputs{sum(relu(hardly(x, b))).id()}, wrt{b.id()};
    CHECK_EQ(own_bias(graph, outputs, wrt).certified(), type == Type::f64);
    const std::vector<NodeId> twice{sum(relu(1e-30 * (1e-30 * (x + b)))).id()};
    CHECK_EQ(own_bias(graph, twice, wrt).certified(), type == Type::f64);
    const std::vector<NodeId> back{sum(relu(1e30 * (1e-30 * (x + b)))).id()};
    CHECK(own_bias(graph, back, wrt).certified());
  }
}

TEST_CASE("the shift of a softmax is no kink, but a shift that shows is") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 4}, Type::f64);
  const Value b = graph.parameter("b", Tensor(Type::f64, {4}));
  const std::vector<NodeId> wrt{b.id()};
  const Value z = x + b;
  const Value shifted = z - floor_op(reduce_max(z, {-1}, true));
  const Value exponential = exp_op(shifted);
  const std::vector<NodeId> softmax{(exponential / sum(exponential, {-1}, true)).id()};
  CHECK(own_bias(graph, softmax, wrt).operations.empty());
  const std::vector<NodeId> bare{sum(shifted).id()};
  CHECK_FALSE(own_bias(graph, bare, wrt).certified());
}
