#include "graph/rewrite/collapse.h"

#include <doctest/doctest.h>

#include <cmath>

#include "graph/analysis/check.h"
#include "graph/analysis/linearity.h"
#include "graph/evaluate.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/movement.h"
#include "graph/verify.h"
#include "tests/graph/analysis/random_affine.h"

using namespace crease;

namespace {

Value weight(Graph& graph, const std::string& name, std::vector<int64_t> sizes, int seed) {
  Tensor tensor(Type::f32, std::move(sizes));
  for (int64_t i = 0; i < tensor.count(); ++i)
    tensor.set(i, static_cast<double>((i * 7 + seed) % 11) / 8 - 0.625);
  return graph.parameter(name, tensor);
}

Tensor input(std::vector<int64_t> sizes) {
  Tensor tensor(Type::f32, std::move(sizes));
  for (int64_t i = 0; i < tensor.count(); ++i) tensor.set(i, static_cast<double>((i * 5) % 13) / 4 - 1.5);
  return tensor;
}

int64_t cost(const Graph& graph) {
  const Linearity facts = linearity(graph);
  int64_t total = 0;
  for (const NodeId id : ancestors(graph, roots(graph))) total += multiplications(graph, facts, id);
  return total;
}

void check_same(const Graph& before, const Graph& after, const Bindings& inputs, double tolerance) {
  const auto a = evaluate(before, inputs), b = evaluate(after, inputs);
  REQUIRE(a.size() == b.size());
  for (const auto& [name, tensor] : a) {
    REQUIRE(b.at(name).sizes() == tensor.sizes());
    for (int64_t i = 0; i < tensor.count(); ++i)
      CHECK(std::abs(tensor.at(i) - b.at(name).at(i)) <= tolerance * (1 + std::abs(tensor.at(i))));
  }
}

}  // namespace

TEST_CASE("layers without activation become one, bit for bit where weights are short dyadic numbers") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 6});
  Value h = matmul(x, weight(graph, "w1", {6, 8}, 1)) + weight(graph, "b1", {8}, 2);
  h = matmul(h, weight(graph, "w2", {8, 9}, 3)) + weight(graph, "b2", {9}, 4);
  graph.output("y", matmul(h, weight(graph, "w3", {9, 4}, 5)));
  const Collapsed collapsed = collapse_explained(graph);
  const Graph& small = collapsed.rewrite.graph;
  verify(small);
  REQUIRE(collapsed.sinks.size() == 1);
  CHECK(collapsed.sinks[0].multiplications_before == 6 * 8 + 8 * 9 + 9 * 4);
  CHECK(collapsed.sinks[0].multiplications_after == 6 * 4);
  CHECK(cost(small) == 6 * 4);
  CHECK(small.parameters().size() == 2);
  for (const Certificate& certificate : collapsed.sinks[0].certificates)
    CHECK(check(certificate, graph).accepted);
  check_same(graph, small, {{"x", input({5, 6})}}, 0);
}

TEST_CASE("a bottleneck is kept: two thin layers instead of one wide one") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 6});
  Value h = matmul(x, weight(graph, "w1", {6, 6}, 1));
  h = matmul(h, weight(graph, "w2", {6, 1}, 2));
  h = matmul(h, weight(graph, "w3", {1, 6}, 3)) + weight(graph, "b3", {6}, 9);
  graph.output("y", matmul(h, weight(graph, "w4", {6, 6}, 4)));
  const Collapsed collapsed = collapse_explained(graph);
  REQUIRE(collapsed.sinks.size() == 1);
  CHECK(collapsed.sinks[0].multiplications_after == 12);
  CHECK(collapsed.sinks[0].boundaries.size() == 3);
  CHECK(cost(collapsed.rewrite.graph) == 12);
  check_same(graph, collapsed.rewrite.graph, {{"x", input({3, 6})}}, 0);
}

TEST_CASE("activations stay, with their ties, and what lies between them is merged") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 4});
  const Value z = matmul(matmul(x, weight(graph, "w1", {4, 8}, 1)), weight(graph, "w2", {8, 4}, 2));
  const Value a = relu(z);
  graph.set_tie(a, Tie::right);
  const Value y = matmul(matmul(a, weight(graph, "w3", {4, 8}, 3)) + weight(graph, "b", {8}, 4),
                         weight(graph, "w4", {8, 2}, 5));
  graph.output("y", y);
  const Collapsed collapsed = collapse_explained(graph);
  CHECK(collapsed.sinks.size() == 2);
  CHECK(cost(collapsed.rewrite.graph) == 4 * 4 + 4 * 2);
  const Graph& small = collapsed.rewrite.graph;
  CHECK(small.node(collapsed.rewrite.new_id[static_cast<size_t>(a.id())]).tie == Tie::right);
  verify_pass(graph, collapsed.rewrite, "collapse");
  check_same(graph, small, {{"x", input({3, 4})}}, 0);
}

TEST_CASE("what does not pay, or is trained, is kept and said") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 8});
  graph.output("wide", matmul(matmul(x, weight(graph, "w1", {8, 1}, 1)), weight(graph, "w2", {1, 8}, 2)));
  const Collapsed wide = collapse_explained(graph);
  CHECK(wide.sinks.empty());
  CHECK(wide.kept.size() == 1);
  Graph trained;
  const Value u = trained.input("x", {"batch", 4}), w = weight(trained, "w", {4, 4}, 1);
  const Value y = matmul(matmul(u, w), weight(trained, "v", {4, 1}, 2));
  trained.output("y", y);
  trained.update(w, w * 0.5);
  const Collapsed kept = collapse_explained(trained);
  CHECK(kept.sinks.empty());
  REQUIRE(kept.kept.size() == 1);
  CHECK(kept.kept[0].find("trained") != std::string::npos);
}

TEST_CASE("images collapse through convolutions with padding, exactly at the border") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2, 3, 3});
  const Value h =
      conv2d(x, weight(graph, "k1", {6, 2, 3, 3}, 1), {.padding = {1}}) + weight(graph, "b1", {6, 1, 1}, 2);
  graph.output("y", conv2d(h, weight(graph, "k2", {1, 6, 3, 3}, 3), {.padding = {1}}));
  const Collapsed collapsed = collapse_explained(graph);
  REQUIRE(collapsed.sinks.size() == 1);
  verify(collapsed.rewrite.graph);
  CHECK(cost(collapsed.rewrite.graph) < cost(graph));
  check_same(graph, collapsed.rewrite.graph, {{"x", input({2, 2, 3, 3})}}, 0);
}

TEST_CASE("two convolutions are one where padding and bias allow it, whatever made them") {
  struct Case {
    int64_t stride1, padding1, stride2, padding2;
    bool bias, one;
  };
  // A full first convolution without bias may be padded after; one that is not full, or has a bias, may not.
  for (const auto& [stride1, padding1, stride2, padding2, bias, one] :
       {Case{1, 0, 1, 0, true, true}, Case{1, 2, 1, 1, false, true}, Case{2, 0, 2, 0, true, true},
        Case{2, 1, 1, 0, true, true}, Case{1, 1, 1, 1, false, false}, Case{1, 2, 1, 1, true, false}}) {
    CAPTURE(stride1);
    CAPTURE(padding1);
    CAPTURE(padding2);
    Graph graph;
    const Value x = graph.input("x", {"batch", 1, 12, 11});
    Value h = conv2d(x, weight(graph, "k1", {6, 1, 3, 3}, 1), {.stride = {stride1}, .padding = {padding1}});
    if (bias) h = h + weight(graph, "b1", {6, 1, 1}, 2);
    const Value y =
        conv2d(h, weight(graph, "k2", {1, 6, 2, 2}, 3), {.stride = {stride2}, .padding = {padding2}});
    graph.output("y", y + weight(graph, "b2", {1, 1, 1}, 4));
    const Collapsed collapsed = collapse_explained(graph);
    const Graph& small = collapsed.rewrite.graph;
    verify(small);
    check_same(graph, small, {{"x", input({3, 1, 12, 11})}}, one ? 0 : 1e-6);
    bool convolved = false;
    for (const NodeId id : small.parameters()) convolved |= small.node(id).name.ends_with(".kernel");
    CHECK(convolved == one);
    CHECK(cost(small) <= cost(graph));
  }
}

TEST_CASE("random affine graphs keep their values up to the rounding of the weights") {
  for (uint32_t seed = 0; seed < 40; ++seed) {
    CAPTURE(seed);
    const Graph graph = test::random_affine_graph(seed);
    const Graph small = collapse(graph).graph;
    verify(small);
    CHECK(cost(small) <= cost(graph));
    // Both programs round each of fewer than 60 sums of at most 60 terms, relative to values below 1000.
    check_same(graph, small, {{"x", input({2, 4})}}, 60 * 60 * 0x1p-24);
  }
}

TEST_CASE("a named dimension may be called as the labels of what is collapsed") {
  for (const char* name : {"i0", "o0", "o1"}) {
    Graph graph;
    const Value x = graph.input("x", {name, 2, 2});
    const Op map{.name = "map",
                 .doc = "",
                 .loops = "b i j, i j k l -> b k l",
                 .body = [](Scalar a, Scalar w) { return a * w; },
                 .combine = Combine::Sum};
    const Value y = map(x, weight(graph, "v", {2, 2, 2, 2}, 1));
    graph.output("y", map(y, weight(graph, "w", {2, 2, 2, 2}, 2)));
    const Graph small = collapse(graph).graph;
    CHECK(cost(small) < cost(graph));
    check_same(graph, small, {{"x", input({3, 2, 2})}}, 1e-5);
  }
}

TEST_CASE("numbers without dimensions and images without channels collapse, too") {
  Graph number;
  const Value x = number.input("x", {});
  Value y = broadcast_to(x, {2});
  for (int k = 0; k < 3; ++k) y = matmul(y, weight(number, "w" + std::to_string(k), {2, 2}, k)) + y;
  number.output("y", y);
  check_same(number, collapse(number).graph, {{"x", Tensor::f32({}, {0.5F})}}, 1e-5);
  Graph image;
  const Value from = image.input("x", {1, 2, 2});
  image.output("y", affine(0.5, 0)(affine(3, 0)(affine(0.25, 0)(from * 2.0) - from)));
  check_same(image, collapse(image).graph, {{"x", input({1, 2, 2})}}, 1e-5);
}
