// An activation of your own: a record with a body. It has three kinks and a slope that is learned; slopes,
// code and documentation are read from the body, so it is used, differentiated, checked and trained like a
// built-in one.
#include <crease/crease.h>
using namespace crease;

namespace {

/// A hat of height 1 over [0, 2] with slope a to the left of it and -a to the right: kinks at 0, 1 and 2.
const Op hat{.name = "hat",
             .doc = "A hat of height 1 over [0, 2], slope a left of it, -a right of it. Kinks at 0, 1, 2.",
             .body = [](Scalar x, Scalar a) {
               const Scalar inside = min(x, 2 - x);
               return max(inside, 0) + a * min(inside, 0);
             }};

/// Its derivatives in x and in a under a rule, and the exact limits to both sides, for a = 1/8.
struct Slopes {
  double left, right, in_a, along_minus, along_plus;
};

Slopes slopes_at(double at) {
  Graph graph;
  const Value x = graph.input("x", {}, Type::f64), a = graph.constant(0.125, Type::f64);
  const Value plus = graph.constant(1.0, Type::f64), minus = graph.constant(-1.0, Type::f64), y = hat(x, a);
  const std::vector<Value> wanted{grad(y, x, {.tie = Tie::left}), grad(y, x, {.tie = Tie::right}), grad(y, a),
                                  directional_derivative(y, x, minus), directional_derivative(y, x, plus)};
  const std::vector<Tensor> found = evaluate(graph, {{"x", Tensor::scalar(Type::f64, at)}}, wanted);
  return {found[0].item(), found[1].item(), found[2].item(), found[3].item(), found[4].item()};
}

/// Compares all derivatives with differences, on the kinks and beside them, under a rule.
GradientCheck check(const Tie& tie) {
  Graph graph;
  const Value x = graph.input("x", {6}, Type::f64), a = graph.input("a", {6}, Type::f64);
  const std::vector<Value> variables{x, a};
  return check_gradients(sum(square(hat(x, a) + 1.0)), variables,
                         {{"x", Tensor::f64({6}, {-1, 0, 0.5, 1, 2, 3})},
                          {"a", Tensor::f64({6}, {0.125, 0.125, 0.125, 0.5, 0, -1})}},
                         {.gradient = {.tie = tie}});
}

/// One learned slope for each of `units`.
Layer hats(int64_t units) {
  return Layer("hats", [=](const Value& x, LayerScope& scope) {
    return hat(x, scope.parameter("slope", {units}, x.type(), filled(0.125)));
  });
}

/// Learns exclusive or with hats; a single rectifier cannot.
void train_exclusive_or() {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2}), y = graph.input("y", {"batch", 1});
  const Layer net = sequential(linear(2, 4, {.init = uniform(-1, 1)}), hats(4), linear(4, 1)).seeded(1);
  const Value loss = mean(mse(net(x), y));
  Program step = compile(train_step(loss, adam({.learning_rate = 0.02})));
  const Bindings corners{{"x", Tensor::f32({4, 2}, {0, 0, 0, 1, 1, 0, 1, 1})},
                         {"y", Tensor::f32({4, 1}, {0, 1, 1, 0})}};
  double last = 0;
  for (int i = 0; i < 2000; ++i) last = step(corners).at("loss").item();
  const bool moved = step.parameter("1.slope") != Tensor::f32({4}, {0.125F, 0.125F, 0.125F, 0.125F});
  fmt::print("exclusive or learned: {}; slopes learned: {}\n",
             last < 1e-4 ? "yes" : fmt::format("no, loss {}", last), moved ? "yes" : "no");
}

}  // namespace

int main() {
  fmt::print("{}: {}\n", hat.name, hat.doc);
  fmt::print("body: {}\n", to_string(hat.body.expression));
  fmt::print("{:>6}{:>8}{:>8}{:>8}{:>10}{:>10}\n", "x", "left", "right", "in a", "along -1", "along +1");
  for (const double at : {-1.0, 0.0, 0.5, 1.0, 2.0, 3.0}) {
    const Slopes s = slopes_at(at);
    fmt::print("{:>6}{:>8}{:>8}{:>8}{:>10}{:>10}\n", at, s.left, s.right, s.in_a, s.along_minus,
               s.along_plus);
  }
  for (const Tie& tie : {Tie::left, Tie::right, Tie::mid, Tie::min_norm, Tie::value(0.25)}) {
    const GradientCheck seen = check(tie);
    fmt::print("checked under {:<12} {} derivatives on {} kinks, errors below 1e-6: {}\n",
               to_string(tie) + ":", seen.compared, seen.kinks, seen.worst < 1e-6 ? "yes" : "no");
  }
  train_exclusive_or();
}
