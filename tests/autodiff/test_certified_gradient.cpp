#include "autodiff/certified_gradient.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>

#include "autodiff/gradient_check.h"
#include "autodiff/second_order.h"
#include "graph/analysis/check.h"
#include "graph/analysis/digest.h"
#include "graph/analysis/own_bias.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/lookup.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"
#include "graph/rational.h"
#include "graph/rewrite/unroll.h"
#include "graph/scan.h"

using namespace crease;
using Json = nlohmann::ordered_json;

namespace {

struct Net {
  Graph graph;
  Value loss;
  std::vector<Value> wrt;
};

Tensor dyadic(std::vector<int64_t> sizes, std::mt19937_64& random) {
  Tensor tensor(Type::f64, std::move(sizes));
  for (int64_t k = 0; k < tensor.count(); ++k)
    tensor.set(k, static_cast<double>(static_cast<int64_t>(random() % 5) - 2) / 2);
  return tensor;
}

/// Two layers on a batch; with `bias`, each unit has one.
Net layers(bool bias, uint64_t seed, const Op& activation = relu) {
  std::mt19937_64 random(seed);
  Net net;
  const Value x = net.graph.input("x", {"batch", 2}, Type::f64);
  const auto parameter = [&](const char* name, std::vector<int64_t> sizes) {
    net.wrt.push_back(net.graph.parameter(name, dyadic(std::move(sizes), random)));
    return net.wrt.back();
  };
  Value h = matmul(x, parameter("w1", {2, 3}));
  if (bias) h = h + parameter("b1", {3});
  Value z = matmul(activation(h), parameter("w2", {3, 2}));
  if (bias) z = z + parameter("b2", {2});
  net.loss = sum(activation(z));
  return net;
}

Bindings batch(uint64_t seed) {
  std::mt19937_64 random(seed);
  return {{"x", dyadic({3, 2}, random)}};
}

bool accepted(const Net& net, const Bindings& at, const CertifiedGradient& result) {
  const CheckResult checked = check(gradient_certificate(net.loss, net.wrt, at, result), net.graph);
  CAPTURE(checked.reason);
  CHECK(checked.accepted);
  return checked.accepted;
}

int64_t hits_at(bool bias, uint64_t seed) {
  const Net net = layers(bias, seed);
  return certified_gradient(net.loss, net.wrt, batch(seed)).hits;
}

GradientClaim claim_at(const std::vector<double>& x, const std::function<Value(const Value&)>& f,
                       const CertifyOptions& options = {}) {
  Graph graph;
  const auto size = static_cast<int64_t>(x.size());
  const Value variable = graph.input("x", {size}, Type::f64);
  return certified_gradient(f(variable), {&variable, 1}, {{"x", Tensor::f64({size}, x)}}, options).claim;
}

}  // namespace

TEST_CASE("each claim is made where it holds") {
  // x is read twice, so it is no bias of its own.
  const auto relus = [](const Value& x) { return sum(relu(x)) + sum(x); };
  CHECK_EQ(claim_at({0, 0}, [](const Value& x) { return sum(relu(x)); }), GradientClaim::BStatic);
  CHECK_EQ(claim_at({1, -1}, relus), GradientClaim::Smooth);
  CHECK_EQ(claim_at({0, 1}, relus), GradientClaim::ClarkeSingle);
  CHECK_EQ(claim_at({0, 0}, relus), GradientClaim::BDirectional);
  CHECK_EQ(claim_at({0, 0}, relus, {.kinks = Kinks::Selection}), GradientClaim::Partial);
  CHECK_EQ(claim_at({0, 1}, relus, {.kinks = Kinks::Direction}), GradientClaim::BDirectional);
  CHECK_EQ(claim_at({1, 1}, [](const Value& x) { return reduce_max(x); }), GradientClaim::ClarkeSingle);
  CHECK_EQ(claim_at({1, 1, 1}, [](const Value& x) { return reduce_max(x); }), GradientClaim::BDirectional);
  CHECK_EQ(claim_at({0}, [](const Value& x) { return sum(step(x)); }), GradientClaim::Discontinuous);
  CHECK_EQ(claim_at({0}, [](const Value& x) { return sum(x * sign(x)); }), GradientClaim::BDirectional);
  CHECK_EQ(claim_at({0}, [](const Value& x) { return sum(sqrt_op(x)); }), GradientClaim::NonLipschitz);
}

TEST_CASE("where the loss depends on an infinite slope nothing is claimed") {
  const auto root_of_fourth_power = [](const Value& x) {
    return sum(exp_op(0.25 * log_op(square(square(x)))));
  };
  const Op gate{.name = "gate", .doc = "", .body = [](Scalar x) {
                  return select(x > 0, exp(0.25 * log(x * x * x * x)), 0);
                }};
  const std::vector<std::pair<double, std::function<Value(const Value&)>>> cases{
      {0, [](const Value& x) { return sum(exp_op(0.5 * log_op(x))); }},
      {0, [](const Value& x) { return sum(exp_op(log_op(x))); }},  // x to the right of 0
      {0, [](const Value& x) { return sum(square(sqrt_op(x))); }},
      {1, [](const Value& x) { return sum(square(sqrt_op(1 - square(x)))); }},
      {0, [](const Value& x) { return sum(sqrt_op(x) * sqrt_op(x)); }},
      {0, [](const Value& x) { return sum(sqrt_op(exp_op(square(x)) - 1)); }},  // like |x|
      {0, root_of_fourth_power},                                                // |x|
      {0, [&](const Value& x) { return sum(gate(x)); }},                        // relu
      {1e-320, [](const Value& x) { return sum(1.0 / (1.0 / x)); }},            // the quotient overflows
      {0, [](const Value& x) { return sum(relu(log_op(x))); }},                 // nothing to the left of 0
      {0, [](const Value& x) { return sum(where(log_op(x) < 0, x, 2 * x)); }},
      {0, [](const Value& x) { return sum(where(x > 0, log_op(x), 0)); }}};
  for (size_t k = 0; k < cases.size(); ++k)
    for (const Kinks kinks : {Kinks::Selection, Kinks::Direction, Kinks::Automatic}) {
      CAPTURE(k);
      const GradientClaim claim = claim_at({cases[k].first, 0.5}, cases[k].second, {.kinks = kinks});
      CHECK((claim == GradientClaim::NonLipschitz || claim == GradientClaim::Discontinuous));
    }
}

TEST_CASE("an infinite slope that the loss does not depend on is harmless") {
  const auto masked = [](const Value& x, const Value& values) {
    return where(Value(x.graph().constant(Tensor::f64({2}, {0, 1}))) > 0, values, 0);
  };
  const auto smooth = [&](const Value& x) { return sum(masked(x, log_op(x)) + square(x)); };
  const auto elsewhere = [](const Value& x) {
    return sum(where(x + 1 > 0, square(x), sqrt_op(x))) + sum(where(x > 3, 1 / x, x));
  };
  const auto bent = [&](const Value& x) { return sum(masked(x, log_op(x)) + abs(x) + relu(x)); };
  for (const Kinks kinks : {Kinks::Selection, Kinks::Direction, Kinks::Automatic}) {
    CHECK_EQ(claim_at({0, 1}, smooth, {.kinks = kinks}), GradientClaim::Smooth);
    CHECK_EQ(claim_at({0, 1}, elsewhere, {.kinks = kinks}), GradientClaim::Smooth);
    if (kinks != Kinks::Selection)
      CHECK_EQ(claim_at({0, 1}, bent, {.kinks = kinks}), GradientClaim::BDirectional);
  }
}

TEST_CASE("points and losses that are no numbers have no gradient, whatever the mode") {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  for (const Kinks kinks : {Kinks::Selection, Kinks::Direction, Kinks::Automatic})
    for (const double x : {infinity, -infinity, std::nan("")})
      CHECK_EQ(claim_at({x, 1}, [](const Value& v) { return sum(relu(v)); }, {.kinks = kinks}),
               GradientClaim::NonLipschitz);
}

TEST_CASE("a direction that decides nothing leaves the gradient unclaimed") {
  const Tensor level = Tensor::f64({2}, {1, 1});
  const CertifyOptions options{.kinks = Kinks::Direction, .along = {{level}}};
  CHECK_EQ(claim_at({1, 1}, [](const Value& x) { return reduce_max(x); }, options), GradientClaim::Partial);
}

TEST_CASE("networks with biases of their own are certified without a direction, by either side") {
  for (const Tie& tie : {Tie::left, Tie::right})
    for (uint64_t seed = 1; seed <= 40; ++seed) {
      const Net net = layers(true, seed);
      const Bindings at = batch(seed + 100);
      const CertifiedGradient result = certified_gradient(net.loss, net.wrt, at, {.gradient = {.tie = tie}});
      CAPTURE(seed);
      CHECK((result.claim == GradientClaim::BStatic || result.claim == GradientClaim::Smooth));
      if (!accepted(net, at, result)) return;
    }
}

TEST_CASE("networks without biases fall back to directions, and mixtures of slopes are no side") {
  int fell_back = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    const Net bare = layers(false, seed), own = layers(true, seed);
    const Bindings at = batch(seed + 100);
    const CertifiedGradient result = certified_gradient(bare.loss, bare.wrt, at);
    CHECK_NE(result.claim, GradientClaim::BStatic);
    fell_back += result.claim == GradientClaim::BDirectional ? 1 : 0;
    CAPTURE(seed);
    if (result.claim != GradientClaim::Partial && !accepted(bare, at, result)) return;
    const CertifiedGradient middle =
        certified_gradient(own.loss, own.wrt, at, {.gradient = {.tie = Tie::mid}});
    CHECK_NE(middle.claim, GradientClaim::BStatic);
  }
  CHECK_GT(fell_back, 5);
}

TEST_CASE("certificates that were changed are refused") {
  int refused = 0, changes = 0;
  for (const bool bias : {true, false}) {
    uint64_t seed = 1;
    while (hits_at(bias, seed) < 3) ++seed;
    const Net net = layers(bias, seed);
    const Bindings at = batch(seed);
    const CertifiedGradient result = certified_gradient(net.loss, net.wrt, at);
    const Json whole = Json::parse(gradient_certificate(net.loss, net.wrt, at, result).json);
    REQUIRE(check(whole.dump(), net.graph).accepted);
    // Every number that is part of the claim, made another one; every kink removed, turned, or moved.
    std::vector<Json> changed;
    const auto with = [&](const std::string& pointer, const Json& value) {
      changed.push_back(whole);
      changed.back()[Json::json_pointer(pointer)] = value;
    };
    with("/claim/value", "77/8");
    with("/claim/unresolved", 1);
    with("/claim/name", "smooth");
    with("/claim/name", "clarke_single");
    with("/claim/name", "discontinuous");
    with("/claim/name", "certain");
    with("/smallest", "5/1048576");
    with("/directions", Json::array());
    with("/point/x/0", "977/16");
    with("/graph", std::string(64, 'a'));
    with("/extra", 1);
    for (const auto& [name, list] : whole.at("claim").at("gradient").items())
      for (size_t k = 0; k < list.size(); ++k)
        with(fmt::format("/claim/gradient/{}/{}", name, k),
             to_string(Rational::parse(list[k].get<std::string>()) + 1));
    for (size_t k = 0; k < whole.at("kinks").size(); ++k) {
      if (whole["kinks"][k][3] != 0) {
        with(fmt::format("/kinks/{}/3", k), -whole["kinks"][k][3].get<int>());
        changed.push_back(whole);
        changed.back()["kinks"].erase(k);
      }
      with(fmt::format("/kinks/{}/2", k), 1000);
    }
    for (const Json& json : changed) {
      ++changes;
      const CheckResult checked = check(json.dump(), net.graph);
      CAPTURE(json.dump().substr(0, 400));
      CHECK_FALSE(checked.accepted);
      CHECK_FALSE(checked.reason.empty());
      refused += checked.accepted ? 0 : 1;
    }
  }
  CHECK_EQ(refused, changes);
  CHECK_GT(changes, 60);
}

TEST_CASE("units without a bias of their own have no static claim") {
  Graph graph;
  const Value x = graph.input("x", {1}, Type::f64), b = graph.parameter("b", Tensor::f64({1}, {0}));
  const Value units = relu(concat({x, -x, x}, 0) + pad(b, 0, 2, 0));
  const Value loss = sum(units * Value(graph.constant(Tensor::f64({3}, {1, -1, 1}))));
  const std::vector<Value> wrt{x, b};
  const Bindings at{{"x", Tensor::f64({1}, {0})}};
  const CertifiedGradient result = certified_gradient(loss, wrt, at);
  CHECK_EQ(result.claim, GradientClaim::BDirectional);
  CHECK(check(gradient_certificate(loss, wrt, at, result), graph).accepted);
}

TEST_CASE("sides that touch without crossing are no kink of their own") {
  // Both are 3 x, but for what is written at 0.
  const Op spike{
      .name = "spike", .doc = "", .body = [](Scalar x) { return select(x * x <= 0, 5 * x, 3 * x); }};
  const Op bent{
      .name = "bent", .doc = "", .body = [](Scalar x) { return select(max(x * x, 0) <= 0, 5 * x, 3 * x); }};
  const auto apart = [](const Value& w) { return sum(where(max(w * w, 0) <= 0, 5.0 * w, 3.0 * w)); };
  const auto over_points = [](const Value& w) {
    return sum(
        where(reduce_max(abs(w) * abs(w) * Value(w.graph().constant(Tensor::f64({2, 1}, {0, 1}))), {0}) <= 0,
              5.0 * w, 3.0 * w));
  };
  const std::vector<std::function<Value(const Value&)>> losses{[&](const Value& w) { return sum(spike(w)); },
                                                               [&](const Value& w) { return sum(bent(w)); },
                                                               apart, over_points};
  for (size_t k = 0; k < losses.size(); ++k) {
    CAPTURE(k);
    Graph graph;
    const std::vector<Value> wrt{graph.parameter("w", Tensor::f64({1}, {0}))};
    const Value loss = losses[k](wrt[0]);
    const std::vector<NodeId> outputs{loss.id()}, variables{wrt[0].id()};
    CHECK_FALSE(own_bias(graph, outputs, variables).certified());
    for (const Kinks kinks : {Kinks::Selection, Kinks::Direction, Kinks::Automatic}) {
      const CertifiedGradient result = certified_gradient(loss, wrt, {}, {.kinks = kinks});
      CHECK_NE(result.claim, GradientClaim::BStatic);
      const CheckResult checked = check(gradient_certificate(loss, wrt, {}, result), graph);
      CAPTURE(checked.reason);
      CHECK((!checked.accepted || checked.reason.starts_with("nothing is claimed") ||
             result.gradient[0].at(0) == 3));
    }
  }
}

TEST_CASE("a direction moves the variables and nothing else") {
  Graph graph;
  const Value x = graph.input("x", {1}, Type::f64), w = graph.parameter("w", Tensor::f64({1}, {0}));
  Value a = max(w + x, w * 2.0), b = relu(a);
  graph.set_name(a, "a");
  graph.set_name(b, "b");
  graph.output("loss", sum(b));
  // With x moved up the gradient would be 1; with x fixed it is 0 or 2.
  const std::string certificate =
      R"({"cert":"graph-cert/1","kind":"gradient","semantics":"real","graph":")" + digest(graph) + R"(",
    "claim":{"name":"b_directional","loss":"loss","value":"0","gradient":{"w":["1"]},"unresolved":0},
    "sizes":{},"point":{"x":["0"]},"directions":[{"x":["1"]}],"kinks":[["a",0,0,1],["b",0,0,1]],"smallest":"1"})";
  const CheckResult checked = check(certificate, graph);
  CHECK_FALSE(checked.accepted);
  CHECK_EQ(checked.reason, "a direction moves others than the variables");
}

TEST_CASE("a loop over time that is written out has locked gradients and certificates") {
  Graph loop;
  const Value h = loop.input("h", {}, Type::f64), w = loop.input("w", {}, Type::f64);
  const Value x = loop.input("x", {3}, Type::f64);
  const ScanResult steps = scan({h}, {x}, {w}, [](const ScanArguments& now) {
    return ScanStep{
        .carries = {relu(now.carries[0] * now.invariants[0] + now.elements[0]) - now.elements[0]}};
  });
  loop.output("loss", steps.carries[0]);
  const Bindings at{
      {"h", Tensor::f64({}, {0})}, {"w", Tensor::f64({}, {2})}, {"x", Tensor::f64({3}, {0, 0, 0})}};
  const Value last = steps.carries[0], one = loop.constant(1.0, Type::f64);
  const auto refuses = [](const char* call) { return doctest::Contains(call); };
  CHECK_THROWS_WITH_AS(
      certified_gradient(last, {&w, 1}, at),
      refuses("[certified_gradient] kinks inside a loop over time are not locked: unroll(graph)"), Error);
  CHECK_THROWS_WITH_AS(check_gradients(last, {&w, 1}, at), refuses("[check_gradients] kinks inside"), Error);
  CHECK_THROWS_WITH_AS(locked_hvp(last, {&w, 1}, {{one}}, {&one, 1}), refuses("[locked_hvp] kinks inside"),
                       Error);
  CHECK_THROWS_WITH_AS(locked_hessian(last, w, {one}), refuses("[locked_hessian] kinks inside"), Error);
  const std::vector<NodeId> outputs{last.id()}, variables{w.id()};
  CHECK_EQ(own_bias(loop, outputs, variables).operations.at(0).problem,
           "kinks inside a loop over time are not looked at");
  const Graph graph = unroll(loop).graph;
  const Value loss = graph.result("loss");
  const std::vector<Value> wrt{graph.find("h"), graph.find("w"), graph.find("x")};
  const CertifiedGradient result = certified_gradient(loss, wrt, at);
  CHECK_EQ(result.claim, GradientClaim::BDirectional);
  CHECK_EQ(result.hits, 3);
  CHECK(check(gradient_certificate(loss, wrt, at, result), graph).accepted);
}

TEST_CASE("a loop over time without kinks takes no claim away") {
  Graph loop;
  const Value h = loop.input("h", {2}, Type::f64), w = loop.input("w", {2}, Type::f64);
  const Value x = loop.input("x", {3, 2}, Type::f64), b = loop.input("b", {2}, Type::f64);
  const ScanResult steps = scan({h}, {relu(x + b)}, {w}, [](const ScanArguments& now) {
    const Value next = tanh_op(now.carries[0] * now.invariants[0] + now.elements[0]);
    return ScanStep{.carries = {next}, .outputs = {square(next)}};
  });
  const Value smooth = sum(steps.carries[0]) + sum(steps.outputs[0]);
  loop.output("smooth", smooth);
  loop.output("bent", sum(abs(w)) + smooth);
  const Bindings at{{"h", Tensor::f64({2}, {0.5, -1})},
                    {"w", Tensor::f64({2}, {2, 0})},
                    {"b", Tensor::f64({2}, {0, 0})},
                    {"x", Tensor::f64({3, 2}, {1, 0, -1, 2, 0, 1})}};
  const Graph flat = unroll(loop).graph;
  const auto same = [&](const char* output, std::vector<const char*> names, const CertifyOptions& options) {
    const auto of = [&](const Graph& graph) {
      std::vector<Value> wrt;
      for (const char* name : names) wrt.push_back(graph.find(name));
      return certified_gradient(graph.result(output), wrt, at, options);
    };
    const CertifiedGradient got = of(loop), want = of(flat);
    CHECK_EQ(got.claim, want.claim);
    CHECK_EQ(got.hits, want.hits);
    for (size_t i = 0; i < names.size(); ++i)
      for (int64_t k = 0; k < got.gradient[i].count(); ++k)
        CHECK_EQ(got.gradient[i].at(k), doctest::Approx(want.gradient[i].at(k)).epsilon(1e-14));
    return got.claim;
  };
  for (const Kinks kinks : {Kinks::Selection, Kinks::Direction, Kinks::Automatic}) {
    CHECK_EQ(same("smooth", {"h", "w"}, {.kinks = kinks}), GradientClaim::Smooth);
    same("smooth", {"x", "b", "w"}, {.kinks = kinks});
    same("bent", {"w", "h", "x"}, {.kinks = kinks});
  }
  CHECK_EQ(same("smooth", {"b"}, {}), GradientClaim::BStatic);
  CHECK_EQ(same("bent", {"w", "x"}, {.kinks = Kinks::Direction}), GradientClaim::BDirectional);
  const std::vector<Value> wrt{h, w, b};
  CHECK_GT(check_gradients(loop.result("bent"), wrt, at).compared, 0);
}

TEST_CASE("a loop over time behind a jump is refused") {
  Graph graph;
  const Value x = graph.input("x", {2}, Type::f64), h = graph.constant(1.0, Type::f64);
  const ScanResult steps = scan({h}, {where(x > 0, x, 2 * x)}, {}, [](const ScanArguments& now) {
    return ScanStep{.carries = {now.carries[0] * now.elements[0]}};
  });
  CHECK_THROWS_WITH_AS(locked_grad(steps.carries[0], {&x, 1}, {{x}}),
                       doctest::Contains("[lock] a loop over time behind a jump is not locked"), Error);
}

TEST_CASE("a kink at a number that f32 rounds is hit where the program in f32 has it, and checked there") {
  const Op shrink{.name = "shrink", .doc = "Soft threshold.", .body = [](Scalar x) {
                    return max(x - 0.3, 0) + min(x + 0.3, 0);
                  }};
  const std::vector<std::pair<Op, float>> kinks{
      {clip(-0.1, 0.1), 0.1F}, {clip(-0.1, 0.1), -0.1F}, {clip(-0.7, 0.7), 0.7F}, {shrink, 0.3F}};
  for (const auto& [op, x] : kinks)
    for (const Tie& tie : {Tie::left, Tie::right, Tie::mid}) {
      CAPTURE(x);
      Net net;
      net.wrt.push_back(net.graph.input("x", {}));
      net.loss = op(net.wrt[0]);
      const Bindings at{{"x", Tensor::f32({}, {x})}};
      const CertifiedGradient result = certified_gradient(net.loss, net.wrt, at, {.gradient = {.tie = tie}});
      CHECK_EQ(result.hits, 1);
      CHECK(result.claim != GradientClaim::Smooth);
      accepted(net, at, result);
    }
}

TEST_CASE("products that are equal in f32 alone are tied there") {
  Graph graph;
  const Value x = graph.input("x", {2}), w = graph.constant(Tensor::f32({2}, {0.1F, 0.1F}));
  const Op best{.name = "best",
                .doc = "The greatest product.",
                .loops = "i, i -> ",
                .body = [](Scalar a, Scalar b) { return a * b; },
                .combine = Combine::Max};
  const float a = 1.25000036F, b = std::nextafter(a, 2.0F);
  REQUIRE(a * 0.1F == b * 0.1F);
  const Value loss = best(x, w);
  const CertifiedGradient result = certified_gradient(loss, {&x, 1}, {{"x", Tensor::f32({2}, {a, b})}});
  CHECK_EQ(result.hits, 1);
  CHECK_EQ(result.claim, GradientClaim::ClarkeSingle);
}

TEST_CASE("tied positions and numbers cut to integers are jumps, unless what reads them agrees") {
  const auto picked = [](const Value& from, const Value& by) {
    const auto row = [](const Value& x) { return reshape(x, {1, x.shape()[0]}); };
    return sum(pick(row(from), argmax(row(by), 1)));
  };
  const auto best = [=](const Value& x) { return picked(x, x); };
  CHECK_EQ(claim_at({0, 0}, best), GradientClaim::BDirectional);
  CHECK_EQ(claim_at({0, 1}, best), GradientClaim::Smooth);
  CHECK_EQ(claim_at({0, 0}, best, {.kinks = Kinks::Selection}), GradientClaim::Partial);
  const auto other = [=](const Value& x) {
    return picked(x + x.graph().constant(Tensor::f64({2}, {0, 1})), x);
  };
  CHECK_EQ(claim_at({0, 0}, other), GradientClaim::Discontinuous);
  const auto cut = [](const Value& x) {
    static const Op whole{
        .name = "whole", .doc = "Cut.", .body = [](Scalar s) { return s; }, .type = ResultType::Index};
    return sum(x * whole(x));
  };
  CHECK_EQ(claim_at({2}, cut), GradientClaim::Discontinuous);
  CHECK_EQ(claim_at({2.5}, cut), GradientClaim::Smooth);
}

TEST_CASE("random numbers behind a position are constants of their side") {
  Graph graph;
  const Value x = graph.input("x", {3});
  const Value loss = sum(graph.random({3}, argmax(x, 0), 7) * x);
  CHECK_EQ(certified_gradient(loss, {&x, 1}, {{"x", Tensor::f32({3}, {1, 2, 3})}}).claim,
           GradientClaim::Smooth);
  CHECK_EQ(certified_gradient(loss, {&x, 1}, {{"x", Tensor::f32({3}, {1, 3, 3})}}).claim,
           GradientClaim::Discontinuous);
}
