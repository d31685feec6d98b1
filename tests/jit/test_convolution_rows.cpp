// Convolutions with padding and some channels, which are summed by rows in tiles of positions by channels.
#include <fmt/format.h>

#include "autodiff/reverse.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/reduction.h"
#include "jit/machine.h"
#include "tests/jit/oracle.h"

using namespace crease;
using namespace crease::test;

namespace {

struct Case {
  int64_t channels, results;
  std::vector<int64_t> image, window;
  ConvOptions options = {};
  int64_t batch = 2;
  Type type = Type::f32;
};

std::vector<int64_t> joined(std::vector<int64_t> first, const std::vector<int64_t>& rest) {
  first.insert(first.end(), rest.begin(), rest.end());
  return first;
}

/// relu(conv(x, kernel) + bias), with the gradients of all three.
Graph network(const Case& it, bool named_batch = true) {
  Graph graph;
  Shape shape{named_batch ? Dim("batch") : Dim(it.batch), Dim(it.channels)};
  for (const int64_t size : it.image) shape.emplace_back(size);
  const Value x = graph.input("x", shape, it.type);
  const Value kernel =
      graph.parameter("kernel", dyadic(it.type, joined({it.results, it.channels}, it.window), 1));
  const Value bias =
      graph.input("bias", it.image.size() == 1 ? Shape{it.results, 1} : Shape{it.results, 1, 1}, it.type);
  const Value sums = it.image.size() == 1 ? conv1d(x, kernel, it.options) : conv2d(x, kernel, it.options);
  const Value y = relu(sums + bias);
  const std::vector<Value> variables{x, kernel, bias};
  const std::vector<Value> gradients = grad(sum(y * 0.5), variables);
  graph.output("y", y);
  graph.output("dx", gradients[0]);
  graph.output("dbias", gradients[2]);
  graph.update(kernel, kernel - gradients[1] * 0.125);
  return graph;
}

Bindings data_of(const Case& it, Tensor (*made)(Type, std::vector<int64_t>, unsigned) = dyadic) {
  const std::vector<int64_t> bias =
      it.image.size() == 1 ? std::vector<int64_t>{it.results, 1} : std::vector<int64_t>{it.results, 1, 1};
  return {{"x", made(it.type, joined({it.batch, it.channels}, it.image), 2)},
          {"bias", made(it.type, bias, 3)}};
}

const std::vector<Case> cases{
    {8, 14, {6, 7}, {3, 3}, {.padding = {1}}},
    {9, 15, {5, 16}, {3, 5}, {.padding = {1, 2}}},
    {16, 40, {4, 33}, {1, 3}, {.padding = {0, 1}}, 3},
    {16, 16, {9, 9}, {5, 5}, {.stride = {2}, .padding = {2}}},
    {8, 16, {8, 8}, {3, 3}, {.padding = {2}, .dilation = {2}}},
    {12, 40, {8, 8}, {5, 5}, {.padding = {2}}, 1},
    {3, 13, {3, 2}, {5, 5}, {.padding = {4}}},
    {3, 24, {12, 12}, {3, 3}, {.padding = {1}}, 5},
    {8, 14, {20}, {7}, {.padding = {3}}},
    {8, 16, {10, 10}, {3, 3}, {.padding = {1}}, 2, Type::f64},
};

}  // namespace

TEST_CASE("rows of convolutions and both gradients equal the interpreter at every width") {
  for (const Case& it : cases)
    for (const int bits : {128, 256, 512}) {
      if (bits > host_machine().vector_bits) continue;
      CAPTURE(it.channels);
      CAPTURE(it.results);
      CAPTURE(bits);
      check_program(network(it), data_of(it), {.vector_bits = bits});
    }
}

TEST_CASE(
    "rows of convolutions that nothing is fused with, of a batch of known size, equal the interpreter") {
  for (const Case& it : {cases[1], cases[5], cases[6], cases[7], cases[8]}) {
    CAPTURE(it.channels);
    CAPTURE(it.results);
    check_program(network(it, false), data_of(it), {.fuse = false});
  }
}

TEST_CASE("rows whose channels lie 4096 bytes apart are copied, and equal the interpreter") {
  const int wide = host_machine().vector_bits;
  const std::vector<std::pair<Case, int>> far{
      {{9, 15, {4, 256}, {3, 3}, {.padding = {1}}, 1}, 128},
      {{10, 15, {8, 128}, {2, 3}, {.stride = {2}, .padding = {1, 2}}, 1}, wide},
      {{9, 16, {16, 32}, {3, 3}, {.padding = {2}, .dilation = {2}}, 1, Type::f64}, wide}};
  for (const auto& [it, bits] : far) {
    CAPTURE(it.image[1]);
    Graph graph;
    const Dim batch = bits == 128 ? Dim("batch") : Dim(1);
    const Value x = graph.input("x", {batch, it.channels, it.image[0], it.image[1]}, it.type);
    const std::vector<int64_t> kernel_sizes = joined({it.results, it.channels}, it.window);
    const Value kernel = graph.parameter("kernel", dyadic(it.type, kernel_sizes, 1));
    graph.output("y", conv2d(x, kernel, it.options));
    CompileOptions options{.vector_bits = bits, .keep_dumps = true};
    options.threads = 2;
    options.split_all = true;
    CHECK(count_of(compile(graph, options).dumps().schedule, "rows copied") == 1);
    check_program(graph, {{"x", dyadic(it.type, joined({1, it.channels}, it.image), 2)}}, options);
  }
}

TEST_CASE("weights' gradients of rows longer than can be written out are summed in passes") {
  for (const Case& it :
       {Case{8, 16, {2, 40}, {3, 3}, {.padding = {1}}}, Case{8, 18, {80}, {5}, {.padding = {2}}},
        Case{8, 16, {71}, {5}, {.stride = {2}, .padding = {2}}}}) {
    CAPTURE(it.image[0]);
    const std::string schedule = compile(network(it), {.keep_dumps = true}).dumps().schedule;
    CHECK(count_of(schedule, "sums kept between passes") == 1);
    for (const int bits : {128, host_machine().vector_bits})
      check_program(network(it), data_of(it), {.vector_bits = bits});
  }
}

TEST_CASE("convolutions with padding are summed by rows, gradients of their weights in passes") {
  const Case it{16, 32, {12, 12}, {3, 3}, {.padding = {1}}};
  const Program program = compile(network(it), {.keep_dumps = true});
  const std::string& schedule = program.dumps().schedule;
  CHECK(count_of(schedule, "convolution tile") == 3);
  CHECK(count_of(schedule, "sums kept between passes") == 1);
}

TEST_CASE("groups, few channels, few positions and empty lanes leave a convolution to other code") {
  const auto rows_of = [](int64_t channels, int64_t results, int64_t side, int64_t groups) {
    Graph graph;
    const Value x = graph.input("x", {1, channels, side, side});
    const Value kernel = graph.input("kernel", {results, channels / groups, 3, 3});
    graph.output("y", conv2d(x, kernel, {.padding = {1}, .groups = groups}));
    return count_of(compile(graph, {.keep_dumps = true}).dumps().schedule, "convolution tile");
  };
  CHECK(rows_of(16, 16, 12, 1) == 1);
  CHECK(rows_of(16, 16, 12, 2) == 0);
  CHECK(rows_of(5, 16, 12, 1) == 1);
  CHECK(rows_of(4, 16, 12, 1) == 0);
  CHECK(rows_of(16, 16, 4, 1) == 0);
  CHECK(rows_of(16, host_machine().vector_bits / 32 + 1, 12, 1) == 0);
}

TEST_CASE("weights that are infinite or NaN are not multiplied by padding") {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double strange : {infinity, std::nan("")}) {
    const Case it{8, 16, {6, 6}, {3, 3}, {.padding = {1}}};
    Graph graph;
    const Value x = graph.input("x", {2, 8, 6, 6}), kernel = graph.input("kernel", {16, 8, 3, 3});
    graph.output("y", conv2d(x, kernel, it.options));
    Tensor weights = dyadic(Type::f32, {16, 8, 3, 3}, 4);
    weights.set(0, strange);
    weights.set(8 * 9 + 8, strange);
    check_both(graph, {{"x", dyadic(Type::f32, {2, 8, 6, 6}, 5)}, {"kernel", weights}});
  }
}

TEST_CASE("rows of convolutions have the same bits at every width and number of threads") {
  const Case it{16, 28, {9, 18}, {5, 5}, {.padding = {2}}, 5};
  const Graph graph = network(it);
  const Bindings at = data_of(it, real);
  std::optional<std::map<std::string, Tensor>> first;
  const auto run = [&](const CompileOptions& options) {
    Program program = compile(graph, at_test_level(options));
    auto results = program(at);
    results.emplace("kernel", program.parameter("kernel"));
    if (!first) first = results;
    // The bias adds up over positions, which other kernels spread over lanes.
    for (const char* name : {"y", "dx", "kernel"}) check_close(results.at(name), first->at(name));
  };
  for (const int bits : {128, 256, 512})
    if (bits <= host_machine().vector_bits) run({.vector_bits = bits});
  for (const int threads : {2, 3, 7}) run({.threads = threads, .split_all = true});
}

TEST_CASE("a convolution without channels of the result compiles, and so do its gradients") {
  const Case it{8, 0, {12, 12}, {3, 3}, {.padding = {1}}};
  check_both(network(it), data_of(it));
}

TEST_CASE("what follows a convolution may read along a diagonal of named size") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 8, 8, 8}), kernel = graph.input("kernel", {16, 8, 3, 3});
  const Value z = graph.input("z", {8, "batch", 8});
  const Op diagonal{.name = "diagonal",
                    .doc = "y[n, o, h, w] + z[w, n, w].",
                    .loops = "n o h w, w n w -> n o h w",
                    .body = [](Scalar y, Scalar more) { return y + more; }};
  graph.output("y", diagonal(conv2d(x, kernel, {.padding = {1}}), z));
  check_both(graph, {{"x", dyadic(Type::f32, {3, 8, 8, 8}, 1)},
                     {"kernel", dyadic(Type::f32, {16, 8, 3, 3}, 2)},
                     {"z", dyadic(Type::f32, {8, 3, 8}, 3)}});
}

TEST_CASE("a batch of no images gives gradients of zeros") {
  const Case it{8, 16, {6, 6}, {3, 3}, {.padding = {1}}, 0};
  check_both(network(it), data_of(it));
}
