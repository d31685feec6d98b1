// Sums over windows some elements apart, each of which becomes a sum for every phase of the result.
#include "jit/phases.h"

#include "autodiff/reverse.h"
#include "graph/ops/contraction.h"
#include "graph/ops/lookup.h"
#include "graph/ops/reduction.h"
#include "graph/verify.h"
#include "tests/jit/oracle.h"

using namespace crease;
using namespace crease::test;

namespace {

/// The gradients of a convolution's data and weights.
Graph gradients_of(int64_t side, int64_t window, const ConvOptions& options, int64_t channels = 4) {
  Graph graph;
  const Value x = graph.input("x", {"batch", channels, side, side + 1});
  const Value kernel = graph.input("kernel", {16, channels / options.groups, window, window});
  const Value y = conv2d(x, kernel, options);
  const std::vector<Value> gradients = grad(sum(y * y), std::vector<Value>{x, kernel});
  graph.output("dx", gradients[0]);
  graph.output("dkernel", gradients[1]);
  return graph;
}

Bindings data_of(int64_t side, int64_t window, int64_t groups, int64_t channels = 4) {
  return {{"x", dyadic(Type::f32, {2, channels, side, side + 1}, 1)},
          {"kernel", dyadic(Type::f32, {16, channels / groups, window, window}, 2)}};
}

}  // namespace

TEST_CASE("gradients of windows some elements apart equal the interpreter, whatever is left over") {
  for (const int64_t side : {7, 8})
    for (const int64_t window : {1, 3, 4})
      for (const int64_t stride : {2, 3})
        for (const int64_t padding : {0, 1}) {
          const int64_t groups = padding == stride % 2 ? 1 : 4;
          CAPTURE(side);
          CAPTURE(window);
          CAPTURE(stride);
          CAPTURE(padding);
          CAPTURE(groups);
          const ConvOptions options{.stride = {stride}, .padding = {padding}, .groups = groups};
          check_program(gradients_of(side, window, options), data_of(side, window, groups));
        }
}

TEST_CASE("windows of other strides along the axes, and spread ones, equal the interpreter") {
  for (const ConvOptions& options :
       {ConvOptions{.stride = {2, 1}, .padding = {1}}, ConvOptions{.stride = {1, 3}, .padding = {0, 1}},
        ConvOptions{.stride = {2}, .padding = {2}, .dilation = {2}}})
    check_program(gradients_of(9, 3, options), data_of(9, 3, 1));
}

TEST_CASE("a transposed convolution and the gradient of overlapping maxima equal the interpreter") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 3, 6, 5}), kernel = graph.input("kernel", {3, 8, 4, 4});
  const Value y = conv_transpose2d(x, kernel, {.stride = {2}, .padding = {1}});
  const Value best = max_pool2d(y, {.window = {3}, .stride = {2}, .padding = {1}});
  graph.output("y", y);
  graph.output("dx", grad(sum(best * best), x));
  check_program(graph,
                {{"x", dyadic(Type::f32, {2, 3, 6, 5}, 1)}, {"kernel", dyadic(Type::f32, {3, 8, 4, 4}, 2)}});
}

TEST_CASE("the gradient of a convolution with stride 2 is added up in registers") {
  const Program program =
      compile(gradients_of(16, 3, {.stride = {2}, .padding = {1}}, 16), {.keep_dumps = true});
  CHECK(count_of(program.dumps().fused, "kernel fill") == 0);
}

TEST_CASE("what is not written by windows, or by lookups, stays as it is") {
  Graph graph;
  const Value x = graph.input("x", {8, 4}), index = graph.input("index", {3}, Type::i64);
  graph.output("y", x * x);
  graph.output("dx", grad(sum(gather(x, index)), x));
  CHECK(in_phases(graph).size() == graph.size());
}

TEST_CASE("phases are a sound graph, of which no element is written twice") {
  const Graph phases = in_phases(gradients_of(7, 3, {.stride = {2}, .padding = {1}}));
  CHECK_NOTHROW(verify(phases));
}
