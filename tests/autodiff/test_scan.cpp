#include "autodiff/scan.h"

#include <doctest/doctest.h>

#include "autodiff/lock.h"
#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"
#include "graph/rewrite/unroll.h"
#include "tests/autodiff/numbers.h"

using namespace crease;
using crease::testing::irregular;
using crease::testing::numbers;

namespace {

using Step = std::function<ScanStep(const ScanArguments&)>;

/// The same loop with its steps written one after the other.
ScanResult unrolled(const std::vector<Value>& initial, const std::vector<Value>& sequences,
                    const std::vector<Value>& invariants, const Step& step, bool reverse = false) {
  const int64_t length = sequences[0].shape()[0].size();
  ScanResult result{.carries = initial, .outputs = {}};
  std::vector<std::vector<Value>> outputs;
  for (int64_t i = 0; i < length; ++i) {
    const int64_t t = reverse ? length - 1 - i : i;
    std::vector<Value> elements;
    for (const Value& sequence : sequences) {
      const Shape shape = sequence.shape();
      elements.push_back(reshape(slice(sequence, 0, t, t + 1), Shape(shape.begin() + 1, shape.end())));
    }
    const ScanStep made = step({.carries = result.carries, .elements = elements, .invariants = invariants});
    result.carries = made.carries;
    outputs.resize(made.outputs.size());
    for (size_t o = 0; o < made.outputs.size(); ++o) {
      Shape shape = made.outputs[o].shape();
      shape.insert(shape.begin(), Dim(1));
      outputs[o].insert(reverse ? outputs[o].begin() : outputs[o].end(), reshape(made.outputs[o], shape));
    }
  }
  for (const auto& parts : outputs) result.outputs.push_back(concat(parts, 0));
  return result;
}

/// Two carries, one of which is given out; a sequence and two invariants.
ScanStep two_carries(const ScanArguments& step) {
  const Value &h = step.carries[0], &c = step.carries[1], &x = step.elements[0];
  const Value next = tanh_op(matmul(x, step.invariants[0]) + matmul(h, step.invariants[1]));
  const Value cell = c * 0.5 + next * sigmoid(h);
  return {.carries = {next * cell, cell}, .outputs = {relu(next), cell - h}};
}

/// A loss of all results, over inputs that all want a gradient.
struct Setting {
  Graph graph;
  std::vector<Value> wrt;
  Value loss;
  Bindings at;
};

Value loss_of(const ScanResult& result) {
  return sum(square(result.carries[0])) + sum(result.carries[1]) + sum(square(result.outputs[0])) +
         sum(tanh_op(result.outputs[1]));
}

enum class Form : uint8_t { Loop, Unrolled };

Setting setting(Form form, int64_t length, bool reverse = false, int64_t checkpoint = 0) {
  Setting made;
  Graph& g = made.graph;
  made.wrt = {g.input("h", {2, 3}, Type::f64), g.input("c", {2, 3}, Type::f64),
              g.input("x", {length, 2, 2}, Type::f64), g.input("w", {2, 3}, Type::f64),
              g.input("u", {3, 3}, Type::f64)};
  const std::vector<Value> initial{made.wrt[0], made.wrt[1]}, sequences{made.wrt[2]},
      invariants{made.wrt[3], made.wrt[4]};
  made.loss = loss_of(form == Form::Loop ? scan(initial, sequences, invariants, two_carries,
                                                {.reverse = reverse, .checkpoint = checkpoint})
                                         : unrolled(initial, sequences, invariants, two_carries, reverse));
  made.at = {{"h", irregular({2, 3}, 1)},
             {"c", irregular({2, 3}, 2)},
             {"x", irregular({length, 2, 2}, 3)},
             {"w", irregular({2, 3}, 4)},
             {"u", irregular({3, 3}, 5)}};
  return made;
}

/// Of sums over all steps in another order: some 10 roundings of numbers up to 10.
constexpr double kOtherOrder = 1e-14 * 10;

/// Gradients of `setting` without checkpoints: bit for bit, but those of the invariants w and u, which are
/// sums over all steps.
double tolerance_of(size_t variable) { return variable < 3 ? 0 : kOtherOrder; }

void check_gradient(const std::vector<double>& got, const std::vector<double>& want, double tolerance) {
  REQUIRE(got.size() == want.size());
  for (size_t k = 0; k < got.size(); ++k) CHECK(std::abs(got[k] - want[k]) <= tolerance);
}

/// h' = relu(h w + x) from scalars, which sits on kinks at 0.
Value kinky(const Value& h, const Value& x, const Value& w, Form form) {
  const Step step = [](const ScanArguments& s) {
    const Value next = relu(s.carries[0] * s.invariants[0] + s.elements[0]);
    return ScanStep{.carries = {next}, .outputs = {}};
  };
  return (form == Form::Loop ? scan({h}, {x}, {w}, step) : unrolled({h}, {x}, {w}, step)).carries[0];
}

/// Gradients against central differences of 1e-5, whose error is some 1e-10 here.
void check_differences(const Value& loss, const std::vector<Value>& wrt, const Bindings& at) {
  const std::vector<Value> gradients = grad(loss, wrt);
  for (size_t v = 0; v < wrt.size(); ++v) {
    const std::string name = wrt[v].node().name;
    CAPTURE(name);
    const auto got = numbers(evaluate(gradients[v], at));
    for (size_t i = 0; i < got.size(); ++i) {
      const auto moved = [&](double by) {
        Bindings there = at;
        const auto element = static_cast<int64_t>(i);
        there.at(name).set(element, there.at(name).at(element) + by);
        return evaluate(loss, there).item();
      };
      CHECK(got[i] == doctest::Approx((moved(1e-5) - moved(-1e-5)) / 2e-5).epsilon(1e-7));
    }
  }
}

}  // namespace

TEST_CASE("gradients of a scan are those of the unrolled loop") {
  for (const int64_t length : {1, 2, 5})
    for (const bool reverse : {false, true}) {
      CAPTURE(length);
      CAPTURE(reverse);
      const Setting loop = setting(Form::Loop, length, reverse),
                    flat = setting(Form::Unrolled, length, reverse);
      CHECK(evaluate(loop.loss, loop.at).item() == evaluate(flat.loss, flat.at).item());
      const auto got = grad(loop.loss, loop.wrt), want = grad(flat.loss, flat.wrt);
      for (size_t i = 0; i < got.size(); ++i) {
        CAPTURE(i);
        check_gradient(numbers(evaluate(got[i], loop.at)), numbers(evaluate(want[i], flat.at)),
                       tolerance_of(i));
      }
    }
}

TEST_CASE("the gradient of a weight is one sum of products over all steps, outside of the loop") {
  const Setting loop = setting(Form::Loop, 4);
  const Value of_weight = grad(loop.loss, {&loop.wrt[4], 1})[0];
  const Node& sum = of_weight.node();
  REQUIRE(sum.role == Role::Apply);
  CHECK(sum.loops.labels.front().extent == Dim(4));
  for (const NodeId operand : sum.operands) {
    const Node& stacked = of_weight.graph().node(operand);
    REQUIRE(stacked.role == Role::Scan);
    CHECK(stacked.shape.front() == Dim(4));
  }
  // With checkpoints it stays a carry of the outer loop, which keeps nothing of each step.
  const Setting kept = setting(Form::Loop, 4, false, 2);
  CHECK(grad(kept.loss, {&kept.wrt[4], 1})[0].node().role == Role::Scan);
}

TEST_CASE("what goes into sums of products of a loop: carries, elements, invariants, constants") {
  const auto step = [](const ScanArguments& s) {
    const Value w = s.invariants[0], v = s.invariants[1];
    const Value fixed = s.carries[0].graph().constant(Tensor::f64({3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9}));
    const Value linear = matmul(s.carries[0], w) + matmul(s.elements[0], w) + matmul(matmul(v, fixed), w);
    return ScanStep{.carries = {linear * 0.25}, .outputs = {matmul(v, w)}};
  };
  std::vector<std::vector<double>> found;
  for (const Form form : {Form::Loop, Form::Unrolled}) {
    Graph g;
    const std::vector<Value> wrt{g.input("w", {3, 3}, Type::f64), g.input("v", {2, 3}, Type::f64),
                                 g.input("x", {3, 2, 3}, Type::f64), g.input("h", {2, 3}, Type::f64)};
    const ScanResult made = form == Form::Loop ? scan({wrt[3]}, {wrt[2]}, {wrt[0], wrt[1]}, step)
                                               : unrolled({wrt[3]}, {wrt[2]}, {wrt[0], wrt[1]}, step);
    const Value loss = sum(made.carries[0]) + sum(square(made.outputs[0]));
    const Bindings at{{"w", irregular({3, 3}, 1)},
                      {"v", irregular({2, 3}, 2)},
                      {"x", irregular({3, 2, 3}, 3)},
                      {"h", irregular({2, 3}, 4)}};
    std::vector<double> all;
    for (const Value& gradient : grad(loss, wrt)) {
      const auto list = numbers(evaluate(gradient, at));
      all.insert(all.end(), list.begin(), list.end());
    }
    found.push_back(all);
  }
  REQUIRE(found[0].size() == found[1].size());
  for (size_t i = 0; i < found[0].size(); ++i)
    CHECK(found[0][i] == doctest::Approx(found[1][i]).epsilon(1e-12));
}

TEST_CASE("checkpoints change neither values nor gradients") {
  for (const int64_t checkpoint : {1, 2, 3, 6})
    for (const bool reverse : {false, true}) {
      CAPTURE(checkpoint);
      CAPTURE(reverse);
      const Setting loop = setting(Form::Loop, 6, reverse, checkpoint),
                    flat = setting(Form::Unrolled, 6, reverse);
      CHECK(evaluate(loop.loss, loop.at).item() == evaluate(flat.loss, flat.at).item());
      const auto got = grad(loop.loss, loop.wrt), want = grad(flat.loss, flat.wrt);
      for (size_t i = 0; i < got.size(); ++i) {
        CAPTURE(i);
        check_gradient(numbers(evaluate(got[i], loop.at)), numbers(evaluate(want[i], flat.at)), kOtherOrder);
      }
    }
}

TEST_CASE("gradients of a scan are the differences of its loss") {
  for (const bool reverse : {false, true}) {
    CAPTURE(reverse);
    const Setting loop = setting(Form::Loop, 4, reverse);
    check_differences(loop.loss, loop.wrt, loop.at);
  }
}

TEST_CASE("only what is asked for gets a gradient, and what does not matter gets zeros") {
  const Setting loop = setting(Form::Loop, 3), flat = setting(Form::Unrolled, 3);
  for (size_t i = 0; i < loop.wrt.size(); ++i) {
    CAPTURE(i);
    const Value got = grad(loop.loss, {&loop.wrt[i], 1})[0], want = grad(flat.loss, {&flat.wrt[i], 1})[0];
    check_gradient(numbers(evaluate(got, loop.at)), numbers(evaluate(want, flat.at)), tolerance_of(i));
  }
  Graph g;
  const Value s = g.input("s", {}, Type::f64), x = g.input("x", {3}, Type::f64);
  const Value y = scan({s}, {x}, {}, [](const ScanArguments& step) {
                    return ScanStep{.carries = step.carries, .outputs = step.elements};
                  }).carries[0];
  const std::vector<Value> both{s, x};
  const auto gradients = grad(y, both);
  const Bindings at{{"s", Tensor::scalar(Type::f64, 2)}, {"x", Tensor::f64({3}, {1, 2, 3})}};
  CHECK(evaluate(gradients[0], at).item() == 1);
  CHECK(numbers(evaluate(gradients[1], at)) == std::vector<double>{0, 0, 0});
}

TEST_CASE("second derivatives go through a scan") {
  const auto products = [](const Setting& it) {
    Graph g = it.loss.graph();
    std::vector<Value> directions;
    int seed = 20;
    for (const Value& variable : it.wrt) {
      std::vector<int64_t> sizes;
      for (const Dim& dim : variable.shape()) sizes.push_back(dim.size());
      directions.push_back(g.constant(irregular(sizes, seed++)));
    }
    std::vector<double> all;
    for (const Value& product : hvp(it.loss, it.wrt, directions)) {
      const auto list = numbers(evaluate(product, it.at));
      all.insert(all.end(), list.begin(), list.end());
    }
    return all;
  };
  const auto got = products(setting(Form::Loop, 3)), want = products(setting(Form::Unrolled, 3));
  REQUIRE(got.size() == want.size());
  for (size_t i = 0; i < got.size(); ++i) CHECK(got[i] == doctest::Approx(want[i]).epsilon(1e-12));
}

TEST_CASE("the directional derivative of a scan follows the tangent at kinks inside the loop") {
  for (const double dh : {-1.0, 0.0, 1.0})
    for (const double dx : {-2.0, 0.0, 0.5})
      for (const double start : {0.0, 1.0}) {
        CAPTURE(dh);
        CAPTURE(dx);
        std::vector<double> found;
        for (const Form form : {Form::Loop, Form::Unrolled}) {
          Graph g;
          const Value h = g.input("h", {}, Type::f64), x = g.input("x", {3}, Type::f64);
          const Value w = g.constant(-1.0, Type::f64);
          const Value y = kinky(h, x, w, form);
          const std::vector<Value> variables{h, x},
              directions{g.constant(dh, Type::f64), g.constant(Tensor::f64({3}, {dx, -dx, 1}))};
          const Bindings at{{"h", Tensor::scalar(Type::f64, start)}, {"x", Tensor::f64({3}, {start, 0, 0})}};
          found.push_back(evaluate(jvp({&y, 1}, variables, directions)[0], at).item());
        }
        CHECK(found[0] == found[1]);
      }
}

TEST_CASE("the tie decides at kinks inside the loop") {
  for (const Tie& tie : {Tie::left, Tie::right, Tie::mid}) {
    std::vector<double> found;
    for (const Form form : {Form::Loop, Form::Unrolled}) {
      Graph g;
      const Value h = g.input("h", {}, Type::f64), x = g.input("x", {2}, Type::f64);
      const Value y = kinky(h, x, g.constant(1.0, Type::f64), form);
      const Bindings at{{"h", Tensor::scalar(Type::f64, 0)}, {"x", Tensor::f64({2}, {0, 0})}};
      found.push_back(evaluate(grad(y, {&h, 1}, {.tie = tie})[0], at).item());
    }
    CHECK(found[0] == found[1]);
    CHECK(found[0] == (tie == Tie::left ? 0 : tie == Tie::right ? 1 : 0.25));
  }
}

TEST_CASE("a jump inside the loop goes on with the value on the side of the tangent") {
  for (const double d : {-1.0, 1.0}) {
    std::vector<double> found;
    for (const Form form : {Form::Loop, Form::Unrolled}) {
      Graph g;
      const Value h = g.input("h", {}, Type::f64), x = g.input("x", {2}, Type::f64);
      const Step step = [](const ScanArguments& s) {
        return ScanStep{.carries = {s.carries[0] + s.elements[0] * sign(s.elements[0])}};
      };
      const Value y =
          (form == Form::Loop ? scan({h}, {x}, {}, step) : unrolled({h}, {x}, {}, step)).carries[0];
      const Value direction = g.constant(Tensor::f64({2}, {d, 2 * d}));
      found.push_back(evaluate(directional_derivative(y, x, direction),
                               {{"h", Tensor::scalar(Type::f64, 0)}, {"x", Tensor::f64({2}, {0, 0})}})
                          .item());
    }
    CHECK(found[0] == found[1]);
    CHECK(found[0] == 3);
  }
}

TEST_CASE("gradients go through a scan in the body of a scan") {
  Graph g;
  const Value s = g.input("s", {}, Type::f64), x = g.input("x", {2, 3}, Type::f64);
  const Value w = g.input("w", {}, Type::f64);
  const Step inner = [](const ScanArguments& step) {
    const Value next = tanh_op(step.carries[0] * step.invariants[0] + step.elements[0]);
    return ScanStep{.carries = {next}, .outputs = {next}};
  };
  const ScanResult rows = scan({s}, {x}, {w}, [&](const ScanArguments& step) {
    const ScanResult row = scan(step.carries, step.elements, step.invariants, inner);
    return ScanStep{.carries = row.carries, .outputs = {sum(square(row.outputs[0]))}};
  });
  const Value loss = rows.carries[0] + sum(rows.outputs[0]);
  const std::vector<Value> wrt{s, x, w};
  const Bindings at{
      {"s", irregular({}, 1)}, {"x", irregular({2, 3}, 2)}, {"w", Tensor::scalar(Type::f64, 0.7)}};
  check_differences(loss, wrt, at);
}

TEST_CASE("what is not known of a loop over time is said") {
  Graph g;
  const Value h = g.input("h", {}, Type::f64), x = g.input("x", {2}, Type::f64);
  const Value y = kinky(h, x, g.constant(1.0, Type::f64), Form::Loop);
  const Value direction = g.constant(1.0, Type::f64);
  CHECK_THROWS_WITH_AS(grad(y, {&h, 1}, {.tie = Tie::trap}),
                       doctest::Contains("Tie::trap does not watch kinks inside a loop over time"), Error);
  CHECK_THROWS_WITH_AS(locked_grad(y, {&h, 1}, {{direction}}),
                       doctest::Contains("[locked_grad] kinks inside a loop over time"), Error);
  CHECK_THROWS_WITH_AS(locked_jvp({&y, 1}, {&h, 1}, {{direction}, {direction}}),
                       doctest::Contains("is locked in one direction only"), Error);
}

TEST_CASE("the tie of a body decides as in the loop written out, over that of a call") {
  Graph loop;
  const Value h = loop.input("h", {}, Type::f64), x = loop.input("x", {3}, Type::f64);
  const ScanResult steps = scan({h}, {x}, {}, [](const ScanArguments& now) {
    const Value next = relu(now.carries[0] + now.elements[0]);
    next.graph().set_tie(Tie::right);
    return ScanStep{.carries = {next}};
  });
  loop.output("y", steps.carries[0]);
  const Graph flat = unroll(loop).graph;
  const Bindings at{{"h", Tensor::f64({}, {0})}, {"x", Tensor::f64({3}, {0, 0, 0})}};
  for (const GradOptions& options : {GradOptions(), GradOptions{.tie = Tie::left}}) {
    const auto slopes = [&](const Graph& graph) {
      return numbers(evaluate(grad(graph.result("y"), graph.find("x"), options), at));
    };
    CHECK(slopes(loop) == slopes(flat));
    CHECK(slopes(loop) == std::vector<double>{1, 1, 1});
    const Value tangent = loop.constant(Tensor::f64({3}, {1, 2, 4}));
    const Value y = loop.result("y"), along = loop.find("x");
    CHECK(evaluate(linear_jvp({&y, 1}, {&along, 1}, {&tangent, 1}, options)[0], at).item() == 7);
  }
}
