// Every rule at kinks through the public header: for a call, a graph and a node, interpreted and compiled.
#include <doctest/doctest.h>

#include "frontends/crease.h"

using namespace crease;
using List = std::vector<double>;

namespace {

/// A function of a vector with a kink at `at`, and its gradient there under each rule, by hand.
struct Kink {
  std::string name;
  std::function<Value(const Value&)> apply;
  List at;
  List left, right, mid, quarter, min_norm;
};

/// Slopes 0 and 1, a and 1, -1 and 1; ties of two and of three arguments.
std::vector<Kink> kinks() {
  const double third = 1.0 / 3;
  const auto part = [](const Value& x, int64_t i) { return slice(x, 0, i, i + 1); };
  return {
      {"relu", [](const Value& x) { return relu(x); }, {0}, {0}, {1}, {0.5}, {0.25}, {0}},
      {"leaky_relu",
       [](const Value& x) { return leaky_relu(0.5)(x); },
       {0},
       {0.5},
       {1},
       {0.75},
       {0.625},
       {0.5}},
      {"abs", [](const Value& x) { return abs(x); }, {0}, {-1}, {1}, {0}, {-0.5}, {0}},
      {"relu6 at 6", [](const Value& x) { return relu6(x); }, {6}, {1}, {0}, {0.5}, {0.75}, {0}},
      {"step", [](const Value& x) { return step(x); }, {0}, {0}, {0}, {0}, {0}, {0}},
      {"max",
       [=](const Value& x) { return max(part(x, 0), part(x, 1)); },
       {2, 2},
       {0, 1},
       {1, 0},
       {0.5, 0.5},
       {0.25, 0.75},
       {0.5, 0.5}},
      {"min",
       [=](const Value& x) { return min(part(x, 0), part(x, 1)); },
       {2, 2},
       {1, 0},
       {0, 1},
       {0.5, 0.5},
       {0.75, 0.25},
       {0.5, 0.5}},
      {"reduce_max",
       [](const Value& x) { return reduce_max(x); },
       {1, 1, 0, 1},
       {0, 0, 0, 1},
       {1, 0, 0, 0},
       {third, third, 0, third},
       {0.0625, 0.1875, 0, 0.75},
       {third, third, 0, third}},
      {"maxout",
       [](const Value& x) { return maxout(x, 2); },
       {3, 3},
       {0, 1},
       {1, 0},
       {0.5, 0.5},
       {0.25, 0.75},
       {0.5, 0.5}},
  };
}

const std::vector<std::pair<Tie, List Kink::*>> rules{{Tie::left, &Kink::left},
                                                      {Tie::right, &Kink::right},
                                                      {Tie::mid, &Kink::mid},
                                                      {Tie::value(0.25), &Kink::quarter},
                                                      {Tie::min_norm, &Kink::min_norm}};

enum class Where { Call, Graph, Node };

/// The gradient of sum(kink) with the rule set in one place and, in the places that it goes before, another.
List gradient(const Kink& kink, const Tie& tie, Where where, bool compiled) {
  Graph graph;
  const auto size = static_cast<int64_t>(kink.at.size());
  const Value x = graph.input("x", {size}, Type::f64), y = kink.apply(x);
  const Tie other = tie == Tie::right ? Tie::left : Tie::right;
  GradOptions options;
  graph.set_tie(where == Where::Graph ? tie : other);
  if (where == Where::Node) graph.set_tie(y, tie);
  if (where != Where::Graph) options.tie = where == Where::Call ? tie : other;
  const Value slope = grad(sum(y), x, options);
  const Bindings at{{"x", Tensor::f64({size}, kink.at)}};
  const Tensor found =
      compiled ? compile(extract({{"slope", slope}, {"same", x}}))(at).at("slope") : evaluate(slope, at);
  List numbers;
  for (int64_t i = 0; i < size; ++i) numbers.push_back(found.at(i));
  return numbers;
}

/// relu and |x| at 0, and the two arguments of a tied maximum, by the step of sgd with rate 1.
List trained(const TrainStepOptions& options) {
  Graph graph;
  const Value x = graph.parameter("x", Tensor::f64({4}, {0, 0, 2, 2}));
  const auto part = [&](int64_t i) { return slice(x, 0, i, i + 1); };
  const Value loss = sum(relu(part(0)) + abs(part(1)) + max(part(2), part(3)));
  Program step = compile(train_step(loss, sgd({.learning_rate = 1}), options));
  step({});
  const Tensor after = step.parameter("x");
  return {0 - after.at(0), 0 - after.at(1), 2 - after.at(2), 2 - after.at(3)};
}

}  // namespace

TEST_CASE("every rule selects its slopes for a call, a graph and a node, interpreted and compiled") {
  for (const Kink& kink : kinks())
    for (const auto& [tie, wanted] : rules)
      for (const Where where : {Where::Call, Where::Graph, Where::Node})
        for (const bool compiled : {false, true}) {
          CAPTURE(kink.name);
          CAPTURE(to_string(tie));
          CAPTURE(static_cast<int>(where));
          const List found = gradient(kink, tie, where, compiled);
          for (size_t i = 0; i < found.size(); ++i)
            CHECK(found[i] == doctest::Approx((kink.*wanted)[i]).epsilon(0x1p-52));
        }
}

TEST_CASE("a training step follows the rule, or the table of another system") {
  CHECK(trained({}) == List{0, -1, 0, 1});
  CHECK(trained({.tie = Tie::right}) == List{1, 1, 1, 0});
  CHECK(trained({.table = ties::pytorch()}) == List{0, 0, 0.5, 0.5});
  CHECK(trained({.table = ties::jax()}) == List{0, 1, 0.5, 0.5});
  CHECK(trained({.table = ties::tensorflow()}) == List{0, 0, 1, 0});
  CHECK(trained({.table = ties::tinygrad()}) == List{0, 0, 0.5, 0.5});
  CHECK(trained({.table = ties::mlx()}) == List{0, 0, 0, 1});
  CHECK(trained({.tie = Tie::left, .table = ties::jax()}) == List{0, -1, 0, 1});
}

TEST_CASE("tables are found by the names of their systems") {
  for (const auto& [name, table] : {std::pair{"pytorch", ties::pytorch()},
                                    {"jax", ties::jax()},
                                    {"tensorflow", ties::tensorflow()},
                                    {"tinygrad", ties::tinygrad()},
                                    {"mlx", ties::mlx()}}) {
    REQUIRE(ties::named(name));
    CHECK(ties::named(name)->by_operation == table.by_operation);
  }
  CHECK_FALSE(ties::named("left"));
}

TEST_CASE("the Hessian of relu squared is that of one side, compiled too") {
  Graph graph;
  const Value x = graph.input("x", {3}, Type::f64), d = graph.input("d", {3}, Type::f64);
  const Value loss = sum(square(relu(x))), v = graph.constant(Tensor::f64({3}, {1, 1, 1}));
  const std::vector<std::vector<Value>> directions{{d}};
  Program program =
      compile(extract({{"left", hessian(loss, x, {.tie = Tie::left})},
                       {"right", hessian(loss, x, {.tie = Tie::right})},
                       {"mid", hessian(loss, x, {.tie = Tie::mid})},
                       {"product", hvp(loss, {&x, 1}, {&v, 1}, {.tie = Tie::right})[0]},
                       {"locked", locked_hessian(loss, x, {d}).products[0]},
                       {"locked_product", locked_hvp(loss, {&x, 1}, directions, {&v, 1}).products[0]}}));
  const auto found = program({{"x", Tensor::f64({3}, {0, 0, 1})}, {"d", Tensor::f64({3}, {1, -1, 1})}});
  CHECK(found.at("left") == Tensor::f64({3, 3}, {0, 0, 0, 0, 0, 0, 0, 0, 2}));
  CHECK(found.at("right") == Tensor::f64({3, 3}, {2, 0, 0, 0, 2, 0, 0, 0, 2}));
  CHECK(found.at("mid") == found.at("left"));
  CHECK(found.at("product") == Tensor::f64({3}, {2, 2, 2}));
  CHECK(found.at("locked") == Tensor::f64({3, 3}, {2, 0, 0, 0, 0, 0, 0, 0, 2}));
  CHECK(found.at("locked_product") == Tensor::f64({3}, {2, 0, 2}));
}

TEST_CASE("order statistics, checks and locked gradients are in the public header") {
  Graph graph;
  const Value x = graph.input("x", {3}, Type::f64), d = graph.constant(Tensor::f64({3}, {1, -2, 3}));
  const Value median = sum(kth_smallest(x, 1));
  const Bindings tied{{"x", Tensor::f64({3}, {2, 2, 2})}};
  CHECK(evaluate(directional_derivative(median, x, d), tied).item() == 1);
  CHECK(evaluate(locked_grad(median, {&x, 1}, {{d}}).gradient[0], tied) == Tensor::f64({3}, {1, 0, 0}));
  CHECK(check_gradients(median, {&x, 1}, tied).worst < 1e-9);
  CHECK(certified_gradient(median, {&x, 1}, tied).claim == GradientClaim::BDirectional);
}
