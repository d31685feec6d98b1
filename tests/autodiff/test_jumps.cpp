// Jumps that no drawn direction need show: certified_gradient looks for them.
#include <doctest/doctest.h>

#include <functional>

#include "autodiff/certified_gradient.h"
#include "graph/analysis/check.h"
#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/cast.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"

using namespace crease;

TEST_CASE("a jump that vanishes at the point and not beside it is a jump") {
  const auto at = [](const Value& x, int64_t k) { return slice(x, 0, k, k + 1); };
  const std::vector<std::function<Value(const Value&)>> jumps{
      [&](const Value& x) { return sum(where(at(x, 0) > 0, at(x, 1), 0)); },
      [&](const Value& x) { return sum(step(at(x, 0)) * at(x, 1)); },
      [](const Value& x) { return sum(sign(x) + x); },  // and at the point
      [&](const Value& x) { return sum(where(at(x, 0) - at(x, 1) > 0, at(x, 1), relu(at(x, 0)))); }};
  const std::vector<std::function<Value(const Value&)>> none{
      [](const Value& x) { return sum(where(x > 0, x, 2 * x)); },
      [](const Value& x) { return sum(where(x > 0, square(x), -x)); },
      [](const Value& x) { return sum(x * sign(x)) + reduce_max(x); },
      [&](const Value& x) { return sum(where(at(x, 0) > at(x, 1), at(x, 0), at(x, 1))); }};
  const auto checked = [](const std::function<Value(const Value&)>& f, const CertifyOptions& options) {
    Graph graph;
    const Value x = graph.input("x", {2}, Type::f64);
    const Bindings here{{"x", Tensor::f64({2}, {0, 0})}};
    const Value loss = f(x);
    const CertifiedGradient result = certified_gradient(loss, {&x, 1}, here, options);
    const CheckResult answer = check(gradient_certificate(loss, {&x, 1}, here, result), graph);
    CAPTURE(answer.reason);
    CHECK(answer.accepted);
    return result.claim;
  };
  for (const Kinks kinks : {Kinks::Selection, Kinks::Direction, Kinks::Automatic}) {
    for (size_t k = 0; k < jumps.size(); ++k) {
      CAPTURE(k);
      CHECK_EQ(checked(jumps[k], {.kinks = kinks}), GradientClaim::Discontinuous);
    }
    for (size_t k = 0; k < none.size() && kinks != Kinks::Selection; ++k) {
      CAPTURE(k);
      CHECK_EQ(checked(none[k], {.kinks = kinks}), GradientClaim::BDirectional);
    }
  }
}

TEST_CASE("a jump beside the point is seen among many kinks that cannot jump") {
  Graph graph;
  const Value units = graph.input("units", {40}, Type::f64), x = graph.input("x", {2}, Type::f64);
  const Value kinks_first = sum(relu(units));
  const Value loss = kinks_first + sum(where(slice(x, 0, 0, 1) > 0, slice(x, 0, 1, 2), 0));
  const Bindings here{{"units", Tensor(Type::f64, {40})}, {"x", Tensor(Type::f64, {2})}};
  for (const Kinks kinks : {Kinks::Selection, Kinks::Direction, Kinks::Automatic})
    CHECK(certified_gradient(loss, {units, x}, here, {.kinks = kinks}).claim == GradientClaim::Discontinuous);
}

TEST_CASE("jumps that cancel along the drawn directions are jumps") {
  const auto claim = [](const std::function<Value(const Value&)>& f, uint64_t seed) {
    Graph graph;
    const Value x = graph.input("x", {4}, Type::f64);
    const Bindings here{{"x", Tensor(Type::f64, {4})}};
    const Value loss = f(x);
    const CertifyOptions options{.kinks = seed % 2 == 0 ? Kinks::Automatic : Kinks::Direction, .seed = seed};
    const CertifiedGradient result = certified_gradient(loss, {&x, 1}, here, options);
    const CheckResult answer = check(gradient_certificate(loss, {&x, 1}, here, result), graph);
    CAPTURE(answer.reason);
    CHECK(answer.accepted);
    return result.claim;
  };
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    CHECK(claim([](const Value& x) { return sum(sign(x)); }, seed) == GradientClaim::Discontinuous);
    CHECK(claim([](const Value& x) { return sum(where(x > 0, x, 2 * x)); }, seed) ==
          GradientClaim::BDirectional);
  }
}

TEST_CASE("a number read as a truth value is refused, as it jumps without a comparison") {
  const Op chosen{.name = "chosen", .doc = "", .body = [](Scalar x, Scalar y) { return select(x, y, 0); }};
  Graph graph;
  const Value x = graph.input("x", {}, Type::f64), y = graph.input("y", {}, Type::f64);
  const Bindings here{{"x", Tensor::scalar(Type::f64, 0)}, {"y", Tensor::scalar(Type::f64, 2)}};
  const Value loss = chosen(x, y);
  CHECK_THROWS_WITH_AS(certified_gradient(loss, {x, y}, here),
                       doctest::Contains("[certified_gradient] operand 0 is a number and read as a truth "
                                         "value, which jumps at 0 unseen"),
                       Error);
  const Value mask = cast(x, Type::boolean);
  CHECK(certified_gradient(where(mask, y, 0), {y}, here).claim == GradientClaim::Smooth);
  const Op compared{
      .name = "compared", .doc = "", .body = [](Scalar a, Scalar b) { return select(!equal(a, 0), b, 0); }};
  CHECK(certified_gradient(compared(x, y), {x, y}, here).claim == GradientClaim::Discontinuous);
}
