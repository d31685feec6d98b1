#include "autodiff/lock.h"

#include <doctest/doctest.h>

#include <functional>

#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/reduction.h"
#include "tests/autodiff/numbers.h"

using namespace crease;
using crease::testing::numbers;

namespace {

using List = std::vector<double>;
using Function = std::function<Value(const Value&)>;

struct Locked {
  double value, derivative, hits, unresolved;
  List gradient;
};

/// Locks f at x along the given directions, as one f64 vector.
Locked lock(const List& at, const std::vector<List>& directions, const Function& f) {
  Graph g;
  const auto size = static_cast<int64_t>(at.size());
  const Value x = g.input("x", {size}, Type::f64);
  std::vector<std::vector<Value>> tangents;
  for (const List& direction : directions) tangents.push_back({g.constant(Tensor::f64({size}, direction))});
  const LockedGradient locked = locked_grad(f(x), {&x, 1}, tangents);
  const std::vector<Value> wanted{locked.value, locked.derivatives[0], locked.hits, locked.unresolved,
                                  locked.gradient[0]};
  const std::vector<Tensor> got = evaluate(g, {{"x", Tensor::f64({size}, at)}}, wanted);
  return {got[0].item(), got[1].item(), got[2].item(), got[3].item(), numbers(got[4])};
}

}  // namespace

TEST_CASE("spellings of one function have one locked gradient") {
  const std::vector<Function> identity{
      [](const Value& x) { return sum(x); },
      [](const Value& x) { return sum(relu(x) - relu(-x)); },
      [](const Value& x) { return sum(2.0 * relu(x) - abs(x)); },
      [](const Value& x) { return sum(sign(x) * abs(x)); },
      [](const Value& x) {
        return sum(max(x, x.graph().constant(0.0, Type::f64)) + min(x, x.graph().constant(0.0, Type::f64)));
      },
  };
  for (const Function& f : identity)
    for (const double d : {1.0, -1.0}) {
      const Locked locked = lock({0, 0}, {{d, -d}}, f);
      CHECK(locked.gradient == List{1, 1});
      CHECK(locked.derivative == 0);
      CHECK(locked.unresolved == 0);
    }
}

TEST_CASE("the locked gradient is that of the piece next to the point") {
  const Function f = [](const Value& x) { return reduce_max(abs(x)); };
  CHECK(lock({1, -1, 0}, {{1, 3, 0}}, f).gradient == List{1, 0, 0});
  CHECK(lock({1, -1, 0}, {{1, -3, 0}}, f).gradient == List{0, -1, 0});
  CHECK(lock({0, 0}, {{-2, 1}}, f).gradient == List{-1, 0});
}

TEST_CASE("kinks that one direction leaves open are decided by the next") {
  const Function f = [](const Value& x) { return reduce_max(x); };
  const Locked one = lock({1, 1, 1}, {{0, 1, 1}}, f);
  CHECK(one.unresolved == 1);
  CHECK(one.derivative == 1);
  const Locked two = lock({1, 1, 1}, {{0, 1, 1}, {0, 0, 1}}, f);
  CHECK(two.unresolved == 0);
  CHECK(two.gradient == List{0, 0, 1});
  CHECK(two.hits == 1);
}

TEST_CASE("off kinks the locked gradient is the gradient") {
  Graph g;
  const Value x = g.input("x", {3, 4}, Type::f64), w = g.constant(crease::testing::irregular({4, 2}, 5));
  const Value loss = sum(reduce_max(relu(matmul(x, w)), {1}) * 3.0);
  const Value d = g.constant(crease::testing::irregular({3, 4}, 6));
  const LockedGradient locked = locked_grad(loss, {&x, 1}, {{d}});
  const Bindings at{{"x", crease::testing::irregular({3, 4})}};
  CHECK(numbers(evaluate(locked.gradient[0], at)) == numbers(evaluate(grad(loss, x), at)));
}

TEST_CASE("a jump passes on the value of its side") {
  const Function f = [](const Value& x) { return sum(x * sign(x)); };
  CHECK(lock({0}, {{1}}, f).gradient == List{1});
  CHECK(lock({0}, {{-1}}, f).gradient == List{-1});
  const Function shifted = [](const Value& x) { return sum((x + 2.0) * step(x)); };
  CHECK(lock({0}, {{1}}, shifted).value == 2);
  CHECK(lock({0}, {{-1}}, shifted).value == 0);
}

TEST_CASE("directions of another count or shape are refused") {
  Graph g;
  const Value x = g.input("x", {2}), d = g.input("d", {3});
  const Value loss = sum(relu(x));
  CHECK_THROWS_WITH_AS(static_cast<void>(locked_grad(loss, {&x, 1}, {})),
                       doctest::Contains("at least one direction"), Error);
  CHECK_THROWS_WITH_AS(static_cast<void>(locked_grad(loss, {&x, 1}, {{d}})),
                       doctest::Contains("tangent is f32[3], want f32[2]"), Error);
}

TEST_CASE("integers on the way have a side, and no gradient") {
  static const Op whole{
      .name = "whole", .doc = "Cut.", .body = [](Scalar x) { return x; }, .type = ResultType::Index};
  const Function cut = [](const Value& x) { return sum(x * (whole(x) * 1.0)); };
  CHECK(lock({2.5}, {{1}}, cut).gradient == List{2});
  CHECK(lock({2}, {{-1}}, cut).gradient == List{1});
  CHECK(lock({-2}, {{1}}, cut).gradient == List{-1});
  CHECK(lock({2}, {{1}}, cut).hits > 0);
  const Function place = [](const Value& x) { return sum(x * (argmax(x) * 1.0)); };
  CHECK(lock({0, 1}, {{1, 1}}, place).gradient == List{1, 1});
  CHECK(lock({1, 1}, {{2, 1}}, place).gradient == List{0, 0});
  CHECK(lock({1, 1}, {{2, 1}}, place).hits == 1);
}
