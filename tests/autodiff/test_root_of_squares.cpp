#include "autodiff/root_of_squares.h"

#include <doctest/doctest.h>

#include <functional>

#include "autodiff/lock.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"
#include "tests/autodiff/numbers.h"

using namespace crease;
using crease::testing::numbers;
using List = std::vector<double>;
using Function = std::function<Value(const Value&)>;

namespace {

/// Spellings of the Euclidean norm of two numbers.
std::vector<Function> norms() {
  const auto part = [](const Value& x, int64_t i) { return reshape(slice(x, 0, i, i + 1), {}); };
  return {[](const Value& x) { return norm2(x); },
          [](const Value& x) { return sqrt(sum(square(x))); },
          [](const Value& x) { return sqrt(sum(x * x)); },
          [=](const Value& x) {
            const Value a = part(x, 0), b = part(x, 1);
            return sqrt(square(a) + b * b);
          },
          [](const Value& x) { return sqrt(2.0 * mean(square(-x))); },
          [](const Value& x) { return sqrt(0.25 * sum(square(2.0 * x))); }};
}

struct Along {
  double derivative;
  List gradient;
  double unresolved;
};

Along along(const Function& f, const List& at, const std::vector<List>& directions) {
  Graph g;
  const auto size = static_cast<int64_t>(at.size());
  const Value x = g.input("x", {size}, Type::f64);
  std::vector<std::vector<Value>> tangents;
  for (const List& d : directions) tangents.push_back({g.constant(Tensor::f64({size}, d))});
  const Value y = f(x);
  const LockedGradient locked = locked_grad(y, {&x, 1}, tangents);
  const std::vector<Value> tangent = jvp({&y, 1}, {&x, 1}, {tangents[0].data(), 1});
  const std::vector<Tensor> got =
      evaluate(g, {{"x", Tensor::f64({size}, at)}},
               std::vector<Value>{tangent[0], locked.gradient[0], locked.unresolved});
  return {got[0].item(), numbers(got[1]), got[2].item()};
}

void check_close(const List& got, const List& want) {
  REQUIRE(got.size() == want.size());
  for (size_t i = 0; i < got.size(); ++i) CHECK(got[i] == doctest::Approx(want[i]).epsilon(1e-14));
}

}  // namespace

TEST_CASE("at 0 every spelling of a norm moves by the norm of the tangent") {
  int spelling = 0;
  for (const Function& norm : norms()) {
    ++spelling;
    CAPTURE(spelling);
    const Along locked = along(norm, {0, 0}, {{3, -4}});
    CHECK(locked.derivative == doctest::Approx(5).epsilon(1e-14));
    check_close(locked.gradient, {0.6, -0.8});
    CHECK(locked.unresolved == 0);
  }
}

TEST_CASE("away from 0 the derivative of a norm is the ordinary one") {
  for (const Function& norm : norms()) {
    const Along locked = along(norm, {3, 4}, {{1, 0}});
    CHECK(locked.derivative == doctest::Approx(0.6).epsilon(1e-14));
    check_close(locked.gradient, {0.6, 0.8});
  }
}

TEST_CASE("a tangent of 0 is decided by the next direction, and counted if there is none") {
  const Function norm = [](const Value& x) { return norm2(relu(x)); };
  CHECK(along(norm, {0, 0}, {{-1, -1}}).unresolved == 1);
  CHECK(along(norm, {0, 0}, {{-1, -1}}).derivative == 0);
  CHECK(along(norm, {0, 0}, {{-1, -1}}).gradient == List{0, 0});
  const Along next = along([](const Value& x) { return norm2(x); }, {0, 0}, {{0, 0}, {0, -2}});
  CHECK(next.unresolved == 0);
  CHECK(next.gradient == List{0, -1});
}

TEST_CASE("the root of a square is the absolute value, whatever is squared") {
  const Function f = [](const Value& x) { return sum(sqrt(square(relu(x) - 2.0 * relu(-x)))); };
  CHECK(along(f, {0}, {{1}}).gradient == List{1});
  CHECK(along(f, {0}, {{-1}}).gradient == List{-2});
  CHECK(along(f, {0}, {{-1}}).derivative == 2);
}

TEST_CASE("a root of something else is not taken for a norm") {
  Graph g;
  const Value x = g.input("x", {2}, Type::f64), y = g.input("y", {2}, Type::f64);
  for (const Value& other : {sqrt(x), sqrt(x * y), sqrt(square(x) + 1.0), sqrt(square(x) - square(y)),
                             sqrt(sum(x)), sqrt(square(x) + exp(y)), square(x)})
    CHECK_FALSE(root_of_squares(g, other.id(), std::source_location::current()));
}

TEST_CASE("sums that share their terms are looked at once, norms or not") {
  Graph g;
  const Value x = g.input("x", {}, Type::f64), d = g.input("d", {}, Type::f64);
  const auto along = [&](Value a) {
    for (int i = 0; i < 60; ++i) a = a * 0.5 + a * 0.5;
    return evaluate(directional_derivative(sqrt(a), x, d),
                    {{"x", Tensor::scalar(Type::f64, 0)}, {"d", Tensor::scalar(Type::f64, -2)}})
        .item();
  };
  CHECK(along(square(3.0 * x)) == 6);
  CHECK(std::isnan(along(3.0 * x)));
  Op shared{.name = "shared", .doc = "Sixty doublings, halved.", .body = [](Scalar s) {
              for (int i = 0; i < 60; ++i) s = s * 0.5 + s * 0.5;
              return sqrt(s);
            }};
  CHECK(std::isnan(evaluate(directional_derivative(shared(x), x, d),
                            {{"x", Tensor::scalar(Type::f64, 0)}, {"d", Tensor::scalar(Type::f64, -2)}})
                       .item()));
}

TEST_CASE("by rows, a norm at 0 has slope 0 under every rule") {
  Graph g;
  const Value x = g.input("x", {2, 2}, Type::f64);
  const Value loss = sum(norm2(x, {1}));
  const Bindings at{{"x", Tensor::f64({2, 2}, {0, 0, 3, 4})}};
  for (const Tie& tie : {Tie::left, Tie::right, Tie::mid, Tie::min_norm})
    for (const AtPole pole : {AtPole::StrongZero, AtPole::Ieee, AtPole::Zero})
      check_close(numbers(evaluate(grad(loss, x, {.tie = tie, .at_pole = pole}), at)), {0, 0, 0.6, 0.8});
}

TEST_CASE("an infinite slope follows the rule of the call") {
  Graph g;
  const Value x = g.input("x", {}, Type::f64), c = g.input("c", {}, Type::f64);
  const Value loss = c * sqrt(x);
  const auto slope = [&](double factor, AtPole pole) {
    return evaluate(grad(loss, x, {.at_pole = pole}),
                    {{"x", Tensor::scalar(Type::f64, 0)}, {"c", Tensor::scalar(Type::f64, factor)}})
        .item();
  };
  CHECK(slope(0, AtPole::StrongZero) == 0);
  CHECK(std::isnan(slope(0, AtPole::Ieee)));
  CHECK(slope(0, AtPole::Zero) == 0);
  CHECK(std::isinf(slope(2, AtPole::StrongZero)));
  CHECK(std::isinf(slope(2, AtPole::Ieee)));
  CHECK(slope(2, AtPole::Zero) == 0);
}
