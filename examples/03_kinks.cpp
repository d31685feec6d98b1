// What is the derivative of relu(x) - relu(-x) at 0? The function is x, so the answer is 1 from either side
// and in every direction. A rule that picks one slope at each kink cannot see that; a directional derivative
// can.
#include <crease/crease.h>
using namespace crease;

namespace {

/// relu(x) - relu(-x), which is x.
Value twice_folded(const Value& x) { return relu(x) - relu(-x); }

double slope_by(const Tie& tie, double at) {
  Graph graph;
  const Value x = graph.input("x", {}, Type::f64);
  const Value slope = grad(twice_folded(x), x, {.tie = tie});
  return evaluate(slope, {{"x", Tensor::scalar(Type::f64, at)}}).item();
}

double slope_along(double direction, double at) {
  Graph graph;
  const Value x = graph.input("x", {}, Type::f64);
  const Value tangent = graph.input("direction", {}, Type::f64);
  const Value derivative = directional_derivative(twice_folded(x), x, tangent);
  return evaluate(derivative,
                  {{"x", Tensor::scalar(Type::f64, at)}, {"direction", Tensor::scalar(Type::f64, direction)}})
      .item();
}

}  // namespace

int main() {
  fmt::print("f(x) = relu(x) - relu(-x) = x\n\n");
  fmt::print("{:<34}{:>6}{:>6}{:>6}\n", "", "x = -1", "x = 0", "x = 1");
  for (const Tie& tie : {Tie::left, Tie::right, Tie::mid}) {
    fmt::print("{:<34}{:>6}{:>6}{:>6}\n", "gradient, ties to " + to_string(tie), slope_by(tie, -1),
               slope_by(tie, 0), slope_by(tie, 1));
  }
  for (const double direction : {1.0, -1.0}) {
    fmt::print("{:<34}{:>6}{:>6}{:>6}\n", fmt::format("directional derivative along {:+}", direction),
               slope_along(direction, -1), slope_along(direction, 0), slope_along(direction, 1));
  }
  fmt::print(
      "\nEach tie rule is a choice and is stated; the directional derivative is a limit and is right.\n");
}
