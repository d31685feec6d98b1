#include <doctest/doctest.h>

#include "autodiff/certified_gradient.h"
#include "autodiff/gradient_check.h"
#include "autodiff/lock.h"
#include "autodiff/second_order.h"
#include "graph/analysis/certificate.h"
#include "graph/analysis/check.h"
#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/cast.h"
#include "graph/ops/reduction.h"
#include "tests/autodiff/numbers.h"

using namespace crease;
using List = std::vector<double>;

namespace {

Bindings at(double x) { return {{"x", Tensor::scalar(Type::f64, x)}}; }

/// The part of x before the point, times x.
Value steps(const Value& x) { return cast(cast(x, Type::i32), Type::f64) * x; }

bool is_accepted(const Value& loss, const Value& x, const Bindings& inputs, const CertifiedGradient& found) {
  const CheckResult result = check(gradient_certificate(loss, {x}, inputs, found), loss.graph());
  CAPTURE(result.reason);
  return result.accepted;
}

}  // namespace

TEST_CASE("derivatives pass casts between floating types, in the type of the variable") {
  Graph g;
  const Value x = g.input("x", {3}), d = g.input("d", {3});
  const Value loss = sum(cast(cast(x, Type::f64) * cast(x, Type::f64), Type::f32) * 0.5);
  const Bindings inputs{{"x", Tensor::f32({3}, {2, -3, 0.5})}, {"d", Tensor::f32({3}, {1, 1, 2})}};
  const Value gradient = grad(loss, x);
  CHECK(gradient.type() == Type::f32);
  CHECK(testing::numbers(evaluate(gradient, inputs)) == List{2, -3, 0.5});
  CHECK(evaluate(directional_derivative(loss, x, d), inputs).item() == 0);
  CHECK(evaluate(linear_jvp({loss}, {x}, {d})[0], inputs).item() == 0);
  CHECK(testing::numbers(evaluate(hvp(loss, {x}, {d})[0], inputs)) == List{1, 1, 2});
  CHECK(check_gradients(loss, {x}, inputs).compared > 0);
  const CertifiedGradient certified = certified_gradient(loss, {x}, inputs);
  CHECK(certified.claim == GradientClaim::Smooth);
  CHECK(is_accepted(loss, x, inputs, certified));
}

TEST_CASE("integers and truth values do not move") {
  Graph g;
  const Value x = g.input("x", {}, Type::f64);
  const Value loss = steps(x) + cast(x > 1, Type::f64) * x + cast(x, Type::boolean) * x;
  CHECK(evaluate(grad(loss, x), at(2.5)).item() == 2 + 1 + 1);
  CHECK(evaluate(directional_derivative(loss, x, x), at(2.5)).item() == 2.5 * 4);
}

TEST_CASE("a gradient beside a cut to integers is certified, at the cut nothing is claimed") {
  Graph g;
  const Value x = g.input("x", {}, Type::f64), loss = steps(x);
  for (const double between : {1.5, -1.5, 0.25}) {
    const CertifiedGradient found = certified_gradient(loss, {x}, at(between));
    CHECK(found.claim == GradientClaim::Smooth);
    CHECK(found.gradient[0].item() == std::trunc(between));
    CHECK(is_accepted(loss, x, at(between), found));
    CHECK(check_gradients(loss, {x}, at(between)).kinks == 0);
  }
  for (const double whole : {2.0, -3.0}) {
    CertifiedGradient found = certified_gradient(loss, {x}, at(whole));
    CHECK(found.claim == GradientClaim::Discontinuous);
    CHECK(is_accepted(loss, x, at(whole), found));
    found.claim = GradientClaim::Smooth;  // as if the cast were none: (x^2)' = 2 x
    found.directions.clear();
    found.kinks.clear();
    found.hits = found.unresolved = 0;
    found.gradient[0] = Tensor::scalar(Type::f64, 2 * whole);
    CHECK_FALSE(is_accepted(loss, x, at(whole), found));
  }
  // 0 is the only integer at which nothing jumps; what bends there is decided by directions.
  CHECK(certified_gradient(loss, {x}, at(0)).claim == GradientClaim::BDirectional);
  const Value truth = cast(x, Type::boolean) * x, shifted = cast(x - 1, Type::boolean) * x;
  CHECK(certified_gradient(truth, {x}, at(2)).claim == GradientClaim::Smooth);
  CHECK(certified_gradient(shifted, {x}, at(1)).claim == GradientClaim::Discontinuous);
}

TEST_CASE("comparisons of cut numbers are no kinks where the cut is none") {
  Graph g;
  const Value x = g.input("x", {}, Type::f64);
  const Value loss = x * cast(cast(x, Type::i32) <= 1.0, Type::f64);
  const CertifiedGradient found = certified_gradient(loss, {x}, at(1.5));
  CHECK(found.gradient[0].item() == 1);
  CHECK(check_gradients(loss, {x}, at(1.5)).kinks == 0);
}
