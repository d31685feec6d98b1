#include "graph/scan.h"

#include <doctest/doctest.h>

#include "graph/error.h"
#include "graph/evaluate.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"
#include "graph/rewrite/tidy.h"
#include "graph/text.h"
#include "graph/verify.h"

using namespace crease;

namespace {

/// s' = s + x, given out after each step.
ScanResult running_sum(const Value& start, const Value& x, const ScanOptions& options = {}) {
  return scan(
      {start}, {x}, {},
      [](const ScanArguments& step) {
        const Value next = step.carries[0] + step.elements[0];
        return ScanStep{.carries = {next}, .outputs = {next}};
      },
      options);
}

Value cell(const Value& h, const Value& x, const Value& w, const Value& u) {
  return tanh_op(matmul(x, w) + matmul(h, u));
}

Tensor irregular(std::vector<int64_t> sizes, int seed) {
  Tensor tensor(Type::f32, std::move(sizes));
  for (int64_t i = 0; i < tensor.count(); ++i)
    tensor.set(i, std::sin((static_cast<double>(i) + 100 * seed) * 12.9898 + 1));
  return tensor;
}

std::string thrown(const std::function<void()>& run) {
  try {
    run();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing thrown";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Graph summing_graph() {
  Graph g;
  const Value start = g.input("start", {2}), x = g.input("x", {"time", 2});
  const ScanResult sums = running_sum(start, x);
  g.output("last", sums.carries[0]);
  g.output("all", sums.outputs[0]);
  return g;
}

}  // namespace

TEST_CASE("a scan gives the carry after the last step and stacks what the steps give") {
  const Graph g = summing_graph();
  const auto got =
      evaluate(g, {{"start", Tensor::f32({2}, {1, 2})}, {"x", Tensor::f32({3, 2}, {1, 10, 2, 20, 3, 30})}});
  CHECK(got.at("last") == Tensor::f32({2}, {7, 62}));
  CHECK(got.at("all") == Tensor::f32({3, 2}, {2, 12, 4, 32, 7, 62}));
}

TEST_CASE("a reversed scan begins with the last element, and stacks in the order of the sequence") {
  Graph g;
  const Value start = g.input("start", {}), x = g.input("x", {3});
  const ScanResult sums = running_sum(start, x, {.reverse = true});
  const Bindings at{{"start", Tensor::scalar(Type::f32, 0)}, {"x", Tensor::f32({3}, {1, 10, 100})}};
  CHECK(evaluate(sums.outputs[0], at) == Tensor::f32({3}, {111, 110, 100}));
  CHECK(evaluate(sums.carries[0], at).item() == 111);
}

TEST_CASE("no step leaves the carries as they were") {
  const Graph g = summing_graph();
  const auto got = evaluate(g, {{"start", Tensor::f32({2}, {1, 2})}, {"x", Tensor(Type::f32, {0, 2})}});
  CHECK(got.at("last") == Tensor::f32({2}, {1, 2}));
  CHECK(got.at("all").count() == 0);
}

TEST_CASE("a recurrence is the unrolled one, bit for bit, at every length") {
  for (const int64_t length : {1, 2, 7}) {
    CAPTURE(length);
    Graph g;
    const Value x = g.input("x", {length, 2, 3}), h0 = g.input("h0", {2, 4});
    const Value w = g.parameter("w", irregular({3, 4}, 1)), u = g.parameter("u", irregular({4, 4}, 2));
    const ScanResult result = scan({h0}, {x}, {w, u}, [](const ScanArguments& step) {
      const Value h = cell(step.carries[0], step.elements[0], step.invariants[0], step.invariants[1]);
      return ScanStep{.carries = {h}, .outputs = {h}};
    });
    Value h = h0;
    std::vector<Value> all;
    for (int64_t t = 0; t < length; ++t) {
      h = cell(h, reshape(slice(x, 0, t, t + 1), {2, 3}), w, u);
      all.push_back(reshape(h, {1, 2, 4}));
    }
    const Bindings at{{"x", irregular({length, 2, 3}, 3)}, {"h0", irregular({2, 4}, 4)}};
    CHECK(evaluate(result.carries[0], at) == evaluate(h, at));
    CHECK(evaluate(result.outputs[0], at) == evaluate(concat(all, 0), at));
  }
}

TEST_CASE("several carries of several types and no sequence: Fibonacci numbers and a count") {
  Graph g;
  const Value zero = g.constant(0.0, Type::f64), one = g.constant(1.0, Type::f64);
  const Value count = g.constant(Tensor::scalar(Type::i32, 0));
  const ScanResult result = scan({zero, one, count}, {}, {},
                                 [](const ScanArguments& step) {
                                   const auto& [a, b, n] =
                                       std::tie(step.carries[0], step.carries[1], step.carries[2]);
                                   return ScanStep{.carries = {b, a + b, n + 1.0}, .outputs = {a, n}};
                                 },
                                 {.length = Dim(8)});
  CHECK(evaluate(result.carries[0], {}).item() == 21);
  CHECK(evaluate(result.carries[2], {}) == Tensor::scalar(Type::i32, 8));
  CHECK(evaluate(result.outputs[0], {}) == Tensor::f64({8}, {0, 1, 1, 2, 3, 5, 8, 13}));
  CHECK(evaluate(result.outputs[1], {}) == Tensor::i32({8}, {0, 1, 2, 3, 4, 5, 6, 7}));
}

TEST_CASE("a scan in the body of a scan") {
  Graph g;
  const Value start = g.input("start", {}), x = g.input("x", {"rows", "columns"});
  // The inner loop sums a row, from the sum of the rows before.
  const ScanResult result = scan({start}, {x}, {}, [](const ScanArguments& step) {
    const ScanResult row = running_sum(step.carries[0], step.elements[0]);
    return ScanStep{.carries = row.carries, .outputs = row.outputs};
  });
  g.output("all", result.outputs[0]);
  const Bindings at{{"start", Tensor::scalar(Type::f32, 0)}, {"x", Tensor::f32({2, 3}, {1, 2, 3, 4, 5, 6})}};
  CHECK(evaluate(result.outputs[0], at) == Tensor::f32({2, 3}, {1, 3, 6, 10, 15, 21}));
  const Graph again = parse(to_string(g));
  CHECK(equal(g, again));
  CHECK(evaluate(again, at).at("all") == Tensor::f32({2, 3}, {1, 3, 6, 10, 15, 21}));
}

TEST_CASE("the text of a scan is its body in a block, and reads back as the same graph") {
  const Graph g = summing_graph();
  const std::string text = to_string(g);
  CHECK(text ==
        "input %0 start: f32[2]\n"
        "input %1 x: f32[time, 2]\n"
        "scan scan0 carries=1 sequences=1 length=time {\n"
        "  input %0 carry0: f32[2]\n"
        "  input %1 element0: f32[2]\n"
        "  %2: f32[2] = add(%0, %1)\n"
        "  output next0 = %2\n"
        "  output output0 = %2\n"
        "}\n"
        "%2: f32[2] = scan scan0 carry=0(%0, %1)\n"
        "%3: f32[time, 2] = scan scan0 output=0(%0, %1)\n"
        "output last = %2\n"
        "output all = %3\n");
  const Graph again = parse(text);
  CHECK(equal(g, again));
  CHECK(to_string(again) == text);
  CHECK(again.node(2).scan == again.node(3).scan);
}

TEST_CASE("an inner value of the body can be had of every step, in the text too") {
  Graph g = summing_graph();
  const Node last = g.node(2);
  const std::vector<Value> operands{g.value(0), g.value(1)};
  g.output("before", apply_scan(last.scan, last.scan->inner(0), operands, last.where));
  const Bindings at{{"start", Tensor::f32({2}, {1, 2})}, {"x", Tensor::f32({2, 2}, {1, 10, 2, 20})}};
  CHECK(evaluate(g, at).at("before") == Tensor::f32({2, 2}, {1, 2, 2, 12}));
  const std::string text = to_string(g);
  CHECK(contains(text, "%4: f32[time, 2] = scan scan0 inner=%0(%0, %1)"));
  CHECK(equal(parse(text), g));
  CHECK(evaluate(parse(text), at).at("before") == evaluate(g, at).at("before"));
}

TEST_CASE("two graphs with other loops are not equal") {
  const auto make = [](bool reverse, double by) {
    Graph g;
    const Value x = g.input("x", {3}), start = g.constant(0.0);
    g.output("y", scan({start}, {x}, {},
                       [by](const ScanArguments& step) {
                         return ScanStep{.carries = {step.carries[0] + step.elements[0] * by}};
                       },
                       {.reverse = reverse})
                      .carries[0]);
    return g;
  };
  CHECK(equal(make(false, 2), make(false, 2)));
  CHECK_FALSE(equal(make(false, 2), make(true, 2)));
  CHECK_FALSE(equal(make(false, 2), make(false, 3)));
}

TEST_CASE("wrong text of a scan is refused with its line") {
  const std::string text = to_string(summing_graph());
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    changed.replace(changed.find(from), from.size(), to);
    return thrown([&] { parse(changed); });
  };
  CHECK(contains(with("}\n", ""), "the block of 'scan0' is not closed by a line with '}'"));
  CHECK(contains(with("= scan scan0", "= scan other"), "no scan 'other' above"));
  CHECK(contains(with("output=0(", "output=9("), "no output 9 of 'scan0': it has 1"));
  CHECK(contains(with("output=0(", "inner=%9("), "no %9 in the body of 'scan0'"));
  CHECK(contains(with("output=0(", "value=0("), "'carry', 'output' or 'inner'"));
  CHECK(contains(with("carries=1", "carries=3"), "3 carries and 1 sequences, but a body with 2 inputs"));
  CHECK(contains(with("length=time", "length=5"), "operand 1 is f32[time, 2], want f32[5, 2]"));
  CHECK(contains(with("= add(", "= nonsense("), "nonsense"));
  CHECK(contains(with("sequences=1", "sequences=x"), "line 3"));
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "scan s carries=0 sequences=0 length=1 {\n";
  CHECK(contains(thrown([&] { parse(deep); }), "more than 64 blocks inside each other"));
}

TEST_CASE("wrong loops are refused") {
  Graph g;
  const Value x = g.input("x", {3, 2}), y = g.input("y", {4, 2}), s = g.input("s", {2}), n = g.input("n", {});
  const auto same = [](const ScanArguments& step) { return ScanStep{.carries = step.carries}; };
  CHECK(contains(thrown([&] { scan({s}, {x, y}, {}, same); }), "[scan] sequences of lengths 3 and 4"));
  CHECK(contains(thrown([&] { scan({s}, {n}, {}, same); }), "[scan] a sequence is a scalar"));
  CHECK(contains(thrown([&] { scan({s}, {}, {}, same); }), "[scan] without a sequence, give options.length"));
  CHECK(contains(thrown([&] { scan({s}, {x}, {}, [](const ScanArguments&) { return ScanStep{}; }); }),
                 "[scan] the step makes 0 carries of 1"));
  CHECK(contains(thrown([&] {
                   scan({s}, {x}, {}, [](const ScanArguments& step) {
                     return ScanStep{.carries = {sum(step.carries[0])}};
                   });
                 }),
                 "[scan] carry 0 is f32[2], the next one f32"));
  CHECK(contains(thrown([&] { scan({s}, {x}, {}, same, {.checkpoint = 2}); }),
                 "[scan] a checkpoint after 2 steps does not fit: got length 3, want a multiple"));
  const Value open = g.input("open", {"time", 2});
  CHECK(contains(thrown([&] { scan({s}, {open}, {}, same, {.checkpoint = 2}); }), "got length time"));
  CHECK(contains(
      thrown([&] { scan({s}, {x}, {}, [&](const ScanArguments&) { return ScanStep{.carries = {s}}; }); }),
      "[scan] next0 is no value of the body: compute it from what the step is given"));
  CHECK(contains(thrown([&] {
                   scan({s}, {x}, {}, [](const ScanArguments& step) {
                     return ScanStep{.carries = step.carries, .outputs = {Value()}};
                   });
                 }),
                 "[scan] output0 is no value of the body"));
  CHECK_THROWS_AS(
      scan({s}, {x}, {},
           [](const ScanArguments& step) {
             Graph body = step.carries[0].graph();
             return ScanStep{.carries = {step.carries[0] + body.parameter("p", Tensor::f32({2}, {1, 2}))}};
           }),
      Error);
  const auto made = [](const ScanArguments&) {
    return ScanStep{.carries = {}, .outputs = {Graph().constant(1.0)}};
  };
  CHECK_THROWS_AS(scan({}, {}, {}, made, {.length = Dim(3)}), Error);
}

TEST_CASE("a step that reads past what it is given is refused") {
  Graph graph;
  const Value h = graph.input("h", {2}), x = graph.input("x", {"time", 2});
  const auto reading = [&](const std::function<Value(const ScanArguments&)>& read) {
    return [&, read] {
      scan({h}, {x}, {}, [&](const ScanArguments& now) { return ScanStep{.carries = {read(now)}}; });
    };
  };
  CHECK_THROWS_WITH_AS(reading([](const ScanArguments& now) { return now.carries.at(1); })(),
                       "[scan] the step reads number 1 of its carries, counted from 0: it is given 1", Error);
  CHECK_THROWS_WITH_AS(reading([](const ScanArguments& now) { return now.elements[2]; })(),
                       doctest::Contains("number 2 of its elements, counted from 0: it is given 1"), Error);
  CHECK_THROWS_WITH_AS(reading([](const ScanArguments& now) { return now.invariants[0]; })(),
                       doctest::Contains("number 0 of its invariants, counted from 0: it is given 0"), Error);
}

TEST_CASE("a graph with a loop is sound, is copied whole, and is tidied without harm") {
  Graph g;
  const Value start = g.input("start", {2}), x = g.input("x", {"time", 2});
  const ScanResult once = running_sum(start, x);
  g.output("y", once.carries[0] + sum(once.outputs[0], {0}));
  g.output("z", once.carries[0]);
  CHECK_NOTHROW(verify(g));
  const Graph copy = g;
  CHECK(equal(copy, g));
  const Rewrite tidied = tidy(g, Derivatives::Open);
  CHECK_NOTHROW(verify(tidied.graph));
  const Bindings at{{"start", Tensor::f32({2}, {1, 2})}, {"x", Tensor::f32({2, 2}, {1, 10, 2, 20})}};
  CHECK(evaluate(tidied.graph, at) == evaluate(g, at));
}
