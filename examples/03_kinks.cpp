// What is the derivative of relu(x) - relu(-x) at 0? The function is x, so the answer is 1 from either side
// and in every direction. A rule that picks one slope at each kink cannot see that; a directional derivative
// can, and so can a gradient that is locked to the piece beside the point.
// Columns named after other systems are their rules in crease (ties::pytorch() and so on, read in their
// sources); crease's tests hold these rules against what the systems are known to answer.
#include <crease/crease.h>
using namespace crease;

namespace {

/// Functions of x with a kink at 0; `zero` is an input, so that it counts as an operand of max.
struct Function {
  const char* text;
  Value (*apply)(const Value& x, const Value& zero);
};

const Function functions[] = {
    {"relu(x) - relu(-x)", [](const Value& x, const Value&) { return relu(x) - relu(-x); }},
    {"x + relu(-x) - relu(x)", [](const Value& x, const Value&) { return x + relu(-x) - relu(x); }},
    {"relu6(x) + relu6(x + 6)", [](const Value& x, const Value&) { return relu6(x) + relu6(x + 6.0); }},
    {"max(max(x, 0), 0)", [](const Value& x, const Value& zero) { return max(max(x, zero), zero); }},
    {"max(x, 0)", [](const Value& x, const Value& zero) { return max(x, zero); }},
    {"relu(x)", [](const Value& x, const Value&) { return relu(x); }},
    {"|x|", [](const Value& x, const Value&) { return abs(x); }}};

constexpr const char* systems[] = {"pytorch", "jax", "tensorflow", "tinygrad", "mlx"};

/// The derivative at 0 that a rule selects.
double selected(const Function& function, const GradOptions& options) {
  Graph graph;
  const Value x = graph.input("x", {}, Type::f64), zero = graph.input("zero", {}, Type::f64);
  const Tensor nothing = Tensor::scalar(Type::f64, 0);
  return evaluate(grad(function.apply(x, zero), x, options), {{"x", nothing}, {"zero", nothing}}).item();
}

/// The limit of (f(t d) - f(0)) / t for t -> 0 from above, and the gradient of the piece on that side.
std::pair<double, double> along(const Function& function, double direction) {
  Graph graph;
  const Value x = graph.input("x", {}, Type::f64), zero = graph.input("zero", {}, Type::f64);
  const Value y = function.apply(x, zero), d = graph.constant(direction, Type::f64);
  const std::vector<Value> wanted{directional_derivative(y, x, d),
                                  locked_grad(y, {&x, 1}, {{d}}).gradient[0]};
  const Tensor nothing = Tensor::scalar(Type::f64, 0);
  const std::vector<Tensor> found = evaluate(graph, {{"x", nothing}, {"zero", nothing}}, wanted);
  return {found[0].item(), found[1].item()};
}

}  // namespace

int main() {
  fmt::print("derivatives at x = 0\n{:<24}{:>16}{:>16}", "", "true", "crease");
  fmt::print("{:>42}\n{:<24}{:>8}{:>8}{:>8}{:>8}", "rules of other systems", "", "left", "right", "left",
             "right");
  for (const char* system : systems) fmt::print("{:>12}", system);
  fmt::print("\n");
  for (const Function& function : functions) {
    fmt::print("{:<24}{:>8}{:>8}{:>8}{:>8}", function.text, along(function, -1).second,
               along(function, 1).second, selected(function, {.tie = Tie::left}),
               selected(function, {.tie = Tie::right}));
    for (const char* system : systems)
      fmt::print("{:>12}", selected(function, {.table = ties::named(system)}));
    fmt::print("\n");
  }
  const auto [minus, gradient] = along(functions[0], -1);
  fmt::print("\n{}: directional derivative along -1 is {}, along +1 {}; locked gradient {}\n",
             functions[0].text, minus, along(functions[0], 1).first, gradient);
  fmt::print(
      "Each rule is a choice and is stated; the locked gradient is a limit of gradients and is right.\n");
}
