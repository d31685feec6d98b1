// Random graphs: text round-trips, and no pass changes a value, or a gradient at a kink.
#include <doctest/doctest.h>

#include <cmath>

#include "autodiff/directional.h"
#include "graph/rewrite/fold.h"
#include "graph/rewrite/rewrite.h"
#include "graph/rewrite/share.h"
#include "graph/rewrite/simplify.h"
#include "graph/text.h"
#include "graph/verify.h"
#include "tests/differential/random_graph.h"

using namespace crease;
using namespace crease::differential;

namespace {

constexpr uint64_t seeds = 60;

using Pass = Rewrite (*)(const Graph&);
struct NamedPass {
  const char* name;
  Pass run;
};

const std::vector<NamedPass>& passes() {
  static const std::vector<NamedPass> list{
      {"remove_dead", remove_dead},
      {"fold", fold},
      {"share", share},
      {"simplify", [](const Graph& graph) { return simplify(graph); }},
      {"all",
       [](const Graph& graph) {
         const Rewrite folded = fold(graph);
         const Rewrite simpler = then(folded, simplify(folded.graph));
         const Rewrite again = then(simpler, fold(simpler.graph));
         return then(again, share(again.graph));
       }},
  };
  return list;
}

/// Equal numbers, or both NaN; the sign of a zero does not count. `ulps`: relative error allowed, in 2^-52.
bool same_values(const Tensor& a, const Tensor& b, double ulps = 0) {
  if (a.type() != b.type() || a.sizes() != b.sizes()) return false;
  for (int64_t i = 0; i < a.count(); ++i)
    if (!(std::abs(a.at(i) - b.at(i)) <= ulps * 0x1p-52 * std::abs(b.at(i))) && a.at(i) != b.at(i) &&
        !(std::isnan(a.at(i)) && std::isnan(b.at(i))))
      return false;
  return true;
}

/// The graph with outputs "gradient of ..." of its loss.
Graph with_gradients(const Graph& graph, const Tie& tie) {
  Graph copy = graph;
  std::vector<Value> wrt;
  for (NodeId id = 0; id < copy.size(); ++id) {
    const Node& node = copy.node(id);
    const bool variable = node.role == Role::Input || node.role == Role::Parameter;
    if (variable && is_floating(node.type)) wrt.push_back(copy.value(id));
  }
  const std::vector<Value> gradients = grad(copy.result("loss"), wrt, {.tie = tie});
  for (size_t k = 0; k < wrt.size(); ++k) copy.output("gradient." + wrt[k].node().name, gradients[k]);
  return copy;
}

}  // namespace

TEST_CASE("random graphs and their gradients are sound, and read back from their text") {
  for (uint64_t seed = 0; seed < 2 * seeds; ++seed) {
    CAPTURE(seed);
    const RandomGraph made = random_graph(seed, {.type = seed % 2 == 0 ? Type::f32 : Type::f64,
                                                 .own_ties = true,
                                                 .holds = seed % 4 == 2,
                                                 .casts = seed % 4 == 3});
    const Graph graph = with_gradients(made.graph, Tie::mid);
    CHECK(problems(graph) == std::vector<std::string>{});
    const std::string text = to_string(graph);
    const Graph back = parse(text);
    CHECK(equal(back, graph));
    CHECK(to_string(back) == text);
  }
}

TEST_CASE("no pass changes a value") {
  for (uint64_t seed = 0; seed < seeds; ++seed) {
    const RandomGraph made =
        random_graph(seed, {.own_ties = true, .holds = seed % 4 == 2, .casts = seed % 4 == 3});
    const Graph graph = with_gradients(made.graph, Tie::left);
    const Bindings inputs = halves(graph, seed);
    const auto before = evaluate(graph, inputs);
    for (const NamedPass& pass : passes()) {
      CAPTURE(seed);
      CAPTURE(std::string(pass.name));
      const Rewrite result = pass.run(graph);
      CHECK_NOTHROW(verify_pass(graph, result, pass.name));
      CHECK(problems(result.graph) == std::vector<std::string>{});
      CHECK(result.graph.size() <= graph.size());
      const auto after = evaluate(result.graph, inputs);
      REQUIRE(after.size() == before.size());
      for (const auto& [name, value] : before) {
        CAPTURE(name);
        CHECK(same_values(after.at(name), value));
      }
    }
  }
}

TEST_CASE("no pass changes a gradient, on kinks and under any tie") {
  for (uint64_t seed = 0; seed < seeds / 2; ++seed) {
    const RandomGraph made = random_graph(seed, {.type = Type::f64,
                                                 .piecewise_linear = true,
                                                 .own_ties = seed % 2 == 0,
                                                 .holds = seed % 3 == 1,
                                                 .casts = seed % 3 == 2});
    const Bindings inputs = halves(made.graph, seed);
    for (const Tie& tie : {Tie::left, Tie::right, Tie::mid, Tie::value(0.25), Tie::min_norm}) {
      const auto before = evaluate(with_gradients(made.graph, tie), inputs);
      // Weights of one half and one quarter are exact, those of 1/k for k tied elements are rounded: at most
      // 2^6 of them are added.
      const double ulps = tie == Tie::mid || tie == Tie::min_norm ? 64 : 0;
      for (const NamedPass& pass : passes()) {
        CAPTURE(seed);
        CAPTURE(std::string(pass.name));
        CAPTURE(to_string(tie));
        const auto after = evaluate(with_gradients(pass.run(made.graph).graph, tie), inputs);
        for (const auto& [name, value] : before) {
          CAPTURE(name);
          CHECK(same_values(after.at(name), value, ulps));
        }
      }
    }
  }
}
