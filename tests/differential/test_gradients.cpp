// Random graphs: gradients are differences, directional derivatives one-sided ones.
#include <doctest/doctest.h>

#include <cmath>

#include "autodiff/directional.h"
#include "autodiff/lock.h"
#include "jit/program.h"
#include "tests/differential/random_graph.h"
#include "tests/level.h"

using namespace crease;
using namespace crease::differential;

namespace {

Tensor moved(const Tensor& x, const Tensor& direction, double t) {
  Tensor result = x;
  for (int64_t i = 0; i < x.count(); ++i) result.set(i, x.at(i) + t * direction.at(i));
  return result;
}

Tensor direction_like(const Tensor& x, uint64_t seed) {
  Tensor result(x.type(), x.sizes());
  for (int64_t i = 0; i < x.count(); ++i)
    result.set(i, static_cast<double>((static_cast<uint64_t>(i) * 7 + seed * 5) % 9) / 2 - 2);
  return result;
}

/// The loss with every input moved along `directions`.
double moved_loss(const RandomGraph& made, const Bindings& inputs, const Bindings& directions, double t) {
  Bindings there = inputs;
  for (const auto& [name, direction] : directions) there[name] = moved(inputs.at(name), direction, t);
  return evaluate(made.loss, there).item();
}

struct Along {
  std::vector<Value> wrt, tangents;
  Bindings directions;
};

/// All floating inputs, each with a direction.
Along along(RandomGraph& made, const Bindings& inputs, uint64_t seed) {
  Along result;
  for (const Value& x : made.variables) {
    if (x.node().role != Role::Input) continue;
    const Tensor direction =
        direction_like(inputs.at(x.node().name), seed + 3 * static_cast<uint64_t>(x.id()));
    result.wrt.push_back(x);
    result.directions.emplace(x.node().name, direction);
  }
  return result;
}

double dot(const Tensor& a, const Tensor& b) {
  double total = 0;
  for (int64_t i = 0; i < a.count(); ++i) total += a.at(i) * b.at(i);
  return total;
}

}  // namespace

TEST_CASE("gradients of random graphs are central differences") {
  int compared = 0;
  for (uint64_t seed = 0; seed < 120; ++seed) {
    CAPTURE(seed);
    RandomGraph made = random_graph(seed, {.type = Type::f64, .continuous = true, .operations = 10});
    const Bindings inputs = irregular(made.graph, seed);
    const Along line = along(made, inputs, seed);
    const std::vector<Value> gradients = grad(made.loss, line.wrt);
    const std::vector<Tensor> found = evaluate(made.loss.graph(), inputs, gradients);
    double claimed = 0;
    for (size_t k = 0; k < line.wrt.size(); ++k)
      claimed += dot(found[k], line.directions.at(line.wrt[k].node().name));
    constexpr double t = 0x1p-20;
    const double fine =
        (moved_loss(made, inputs, line.directions, t) - moved_loss(made, inputs, line.directions, -t)) /
        (2 * t);
    const double coarse = (moved_loss(made, inputs, line.directions, 2 * t) -
                           moved_loss(made, inputs, line.directions, -2 * t)) /
                          (4 * t);
    const double size = std::abs(evaluate(made.loss, inputs).item());
    // The two differences agree up to 3 t^2 f'''/6 where no kink lies between; rounding is eps |loss| / t.
    const double noise = 64 * 0x1p-52 * (1 + size) / t;
    if (std::abs(fine - coarse) > noise + 1e-6 * std::abs(fine)) continue;
    CHECK(std::abs(claimed - fine) <= noise + 4e-6 * (1 + std::abs(fine)));
    ++compared;
  }
  CHECK(compared > 100);
}

TEST_CASE("directional derivatives of piecewise-linear graphs are exact one-sided limits on kinks") {
  int decided = 0;
  for (uint64_t seed = 0; seed < 120; ++seed) {
    CAPTURE(seed);
    RandomGraph made = random_graph(
        seed, {.type = Type::f64, .piecewise_linear = true, .continuous = true, .operations = 10});
    const Bindings inputs = halves(made.graph, seed);
    Along line = along(made, inputs, seed);
    std::vector<Value> tangents;
    Graph graph = made.loss.graph();
    for (const Value& x : line.wrt) {
      const auto name = "d." + x.node().name;
      tangents.push_back(graph.input(name, x.shape(), x.type()));
    }
    Bindings all = inputs;
    for (const auto& [name, direction] : line.directions) all.emplace("d." + name, direction);
    const Value derivative = jvp({&made.loss, 1}, line.wrt, tangents)[0];
    const double claimed = evaluate(derivative, all).item();
    // Values are multiples of 2^-12 at most, so no other kink is within t of a point on a kink, and
    // differences are exact.
    constexpr double t = 0x1p-26;
    const double here = evaluate(made.loss, all).item();
    Bindings there = all;
    for (const auto& [name, direction] : line.directions) there[name] = moved(inputs.at(name), direction, t);
    CHECK(claimed == (evaluate(made.loss, there).item() - here) / t);
    const std::vector<Value> gradients = grad(made.loss, line.wrt);
    const std::vector<Tensor> found = evaluate(graph, all, gradients);
    double selected = 0;
    for (size_t k = 0; k < line.wrt.size(); ++k)
      selected += dot(found[k], line.directions.at(line.wrt[k].node().name));
    decided += selected != claimed ? 1 : 0;
  }
  CHECK(decided > 20);  // else no kink was hit and nothing was tested
}

TEST_CASE("compiled locked gradients of random tensor graphs give the directional derivative, to the bit") {
  int hit = 0;
  for (uint64_t seed = 0; seed < 32; ++seed) {
    CAPTURE(seed);
    RandomGraph made = random_graph(seed, {.type = Type::f64,
                                           .piecewise_linear = true,
                                           .continuous = true,
                                           .holds = seed >= 24,
                                           .casts = seed >= 24,
                                           .operations = 10});
    Bindings all = halves(made.graph, seed);
    const Along line = along(made, all, seed);
    Graph graph = made.loss.graph();
    std::vector<Value> tangents;
    for (const Value& x : line.wrt)
      tangents.push_back(graph.input("d." + x.node().name, x.shape(), x.type()));
    for (const auto& [name, direction] : line.directions) all.emplace("d." + name, direction);
    const LockedGradient locked = locked_grad(made.loss, line.wrt, {tangents});
    const Value directional = jvp({&made.loss, 1}, line.wrt, tangents)[0];
    Graph wanted = graph;
    wanted.output("along", wanted.value(locked.derivatives[0].id()));
    wanted.output("directional", wanted.value(directional.id()));
    for (size_t k = 0; k < line.wrt.size(); ++k)
      wanted.output("g." + line.wrt[k].node().name, wanted.value(locked.gradient[k].id()));
    wanted.output("hits", wanted.value(locked.hits.id()));
    for (const int optimisation : {0, 2}) {
      const auto found = compile(wanted, test::at_test_level({.optimisation = optimisation}))(all);
      double sum = 0;
      for (const Value& x : line.wrt)
        sum += dot(found.at("g." + x.node().name), line.directions.at(x.node().name));
      CHECK(sum == found.at("directional").item());
      CHECK(sum == found.at("along").item());
      hit += found.at("hits").item() > 0 ? 1 : 0;
    }
  }
  CHECK(hit > 20);
}
