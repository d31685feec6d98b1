// oracle_piecewise COUNT SEED: random piecewise-linear programs placed on kinks. Direction mode is held
// against exact rational arithmetic that knows nothing of it: at y = x + t d, where no kink is left, the
// program has an ordinary gradient; if every comparison that is decided at x is decided the same at y, the
// whole ray from x to y lies in one piece, so that this gradient is a limit of gradients at x (an element of
// the B-subdifferential) and f'(x; d) is (f(y) - f(x)) / t. Both must be what crease gives, to the bit. Ends
// with "N passed, M failed".
#include <charconv>
#include <random>

#include "autodiff/directional.h"
#include "autodiff/lock.h"
#include "graph/evaluate.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/rational.h"
#include "jit/program.h"
#include "tests/oracle/piecewise/exact.h"

using namespace crease;
using namespace crease::piecewise;

namespace {

/// The program as a graph, with its derivatives along one direction, then along e1, e2, ...
struct Derivatives {
  Graph graph;
  Bindings at;
};

Value step_value(const Step& step, const std::vector<Value>& values) {
  const auto term = [&](int i) { return values[static_cast<size_t>(step.terms[i])]; };
  switch (step.kind) {
    case Kind::Variable: break;
    case Kind::Add: return term(0) + term(1);
    case Kind::Subtract: return term(0) - term(1);
    case Kind::Scale: return term(0) * step.number.to_double();
    case Kind::Shift: return term(0) + step.number.to_double();
    case Kind::Relu: return relu(term(0));
    case Kind::Abs: return abs(term(0));
    case Kind::Leaky: return leaky_relu(0.5)(term(0));
    case Kind::Max: return max(term(0), term(1));
    case Kind::Min: return min(term(0), term(1));
    case Kind::Where: {
      const Value zero = term(0).graph().constant(0.0, Type::f64);
      return where(term(0) > zero, term(1), term(2));
    }
  }
  throw Bug("a step without a value");
}

Derivatives differentiate(const Case& made) {
  Derivatives result;
  Graph& graph = result.graph;
  std::vector<Value> values;
  std::vector<std::vector<Value>> directions(1);
  for (const Step& step : made.program) {
    if (step.kind != Kind::Variable) {
      values.push_back(step_value(step, values));
      continue;
    }
    const std::string number = std::to_string(values.size());
    values.push_back(graph.input("x" + number, {}, Type::f64));
    directions[0].push_back(graph.input("d" + number, {}, Type::f64));
    result.at["x" + number] = Tensor::scalar(Type::f64, made.point[directions[0].size() - 1].to_double());
    result.at["d" + number] = Tensor::scalar(Type::f64, made.direction[directions[0].size() - 1].to_double());
  }
  const size_t count = directions[0].size();
  const std::vector<Value> variables(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(count));
  for (size_t i = 0; i < count; ++i) {
    directions.emplace_back();
    for (size_t j = 0; j < count; ++j)
      directions.back().push_back(graph.constant(i == j ? 1.0 : 0.0, Type::f64));
  }
  const LockedGradient locked = locked_grad(values.back(), variables, directions);
  for (size_t i = 0; i < count; ++i) graph.output("g" + std::to_string(i), locked.gradient[i]);
  graph.output("hits", locked.hits);
  graph.output("one_sided", jvp({&values.back(), 1}, variables, directions[0])[0]);
  return result;
}

/// What disagrees, or nothing.
std::string disagreement(const Case& made, const std::map<std::string, Tensor>& got) {
  const Piece piece = piece_along(made);
  Rational along = 0;
  for (size_t i = 0; i < made.point.size(); ++i) {
    const double g = got.at("g" + std::to_string(i)).item();
    if (g != piece.gradient[i].to_double())
      return fmt::format("g[{}] = {}, the piece has {}", i, g, to_string(piece.gradient[i]));
    along += Rational::of(g) * made.direction[i];
  }
  const double one_sided = got.at("one_sided").item();
  if (one_sided != piece.slope.to_double())
    return fmt::format("f'(x; d) = {}, the quotient is {}", one_sided, to_string(piece.slope));
  if (along != piece.slope)
    return fmt::format("g.d = {}, f'(x; d) = {}", to_string(along), to_string(piece.slope));
  return {};
}

uint64_t number(const char* text) {
  uint64_t value = 0;
  const std::string_view view = text;
  const auto [end, code] = std::from_chars(view.data(), view.data() + view.size(), value);
  expect(code == std::errc() && end == view.data() + view.size(), "not a number: '{}'", view);
  return value;
}

}  // namespace

int main(int count, char** arguments) try {
  if (count != 3) {
    fmt::print(stderr, "usage: oracle_piecewise COUNT SEED\n");
    return 2;
  }
  const uint64_t programs = number(arguments[1]), seed = number(arguments[2]);
  uint64_t failed = 0, kinks = 0, on_kinks = 0;
  for (uint64_t i = 0; i < programs; ++i) {
    const Case made = random_case(seed + i);
    const Derivatives derivatives = differentiate(made);
    auto got = evaluate(derivatives.graph, derivatives.at);
    const auto hits = static_cast<uint64_t>(got.at("hits").item());
    kinks += hits;
    on_kinks += hits > 0 ? 1 : 0;
    std::string what = disagreement(made, got);
    if (what.empty() && i % 250 == 0) what = disagreement(made, compile(derivatives.graph)(derivatives.at));
    if (what.empty()) continue;
    ++failed;
    fmt::print("seed {}: {}\n", seed + i, what);
  }
  fmt::print("seeds {} to {}: {} programs on a kink, {} kinks\n", seed, seed + programs - 1, on_kinks, kinks);
  fmt::print("{} passed, {} failed\n", programs - failed, failed);
  return failed == 0 && 2 * on_kinks > programs ? 0 : 1;
} catch (const std::exception& error) {
  fmt::print(stderr, "oracle_piecewise: {}\n", error.what());
  return 2;
}
