// An activation of your own: a record with a body. It has three kinks; slopes, code and documentation are
// read from the body, so it is used, differentiated and trained like a built-in one.
#include <crease/crease.h>
using namespace crease;

namespace {

/// A hat of height 1 over [0, 2] with a slope of 1/8 outside: kinks at 0, 1 and 2.
const Op hat{
    .name = "hat",
    .doc = "A hat of height 1 over [0, 2], slope 1/8 left of it, -1/8 right of it. Kinks at 0, 1, 2.",
    .body = [](Scalar x) {
      const Scalar inside = min(x, 2 - x);
      return max(inside, inside * 0.125);
    }};

double slope_at(double at, const Tie& tie) {
  Graph graph;
  const Value x = graph.input("x", {}, Type::f64);
  return evaluate(grad(hat(x), x, {.tie = tie}), {{"x", Tensor::scalar(Type::f64, at)}}).item();
}

/// Learns exclusive or with two hats; a single hat could, too; a single rectifier cannot.
double train_exclusive_or() {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  const Value y = graph.input("y", {"batch", 1});
  const Layer net = sequential(linear(2, 4, {.init = uniform(-1, 1)}), hat, linear(4, 1)).seeded(1);
  const Value loss = mean(mse(net(x), y));
  Program step = compile(train_step(loss, adam({.learning_rate = 0.02})));
  const Bindings corners{{"x", Tensor::f32({4, 2}, {0, 0, 0, 1, 1, 0, 1, 1})},
                         {"y", Tensor::f32({4, 1}, {0, 1, 1, 0})}};
  double last = 0;
  for (int i = 0; i < 2000; ++i) last = step(corners).at("loss").item();
  return last;
}

}  // namespace

int main() {
  fmt::print("{}: {}\n", hat.name, hat.doc);
  fmt::print("body: {}\n", to_string(hat.body.expression));
  fmt::print("{:>6}{:>8}{:>8}\n", "x", "left", "right");
  for (const double at : {-1.0, 0.0, 0.5, 1.0, 2.0, 3.0}) {
    fmt::print("{:>6}{:>8}{:>8}\n", at, slope_at(at, Tie::left), slope_at(at, Tie::right));
  }
  const double loss = train_exclusive_or();
  fmt::print("exclusive or learned: {}\n", loss < 1e-4 ? "yes" : fmt::format("no, loss {}", loss));
}
