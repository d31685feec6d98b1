#include "jit/fuse_recompute.h"

#include <doctest/doctest.h>

#include "autodiff/reverse.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/reduction.h"
#include "jit/fuse.h"
#include "jit/lower.h"
#include "tests/jit/oracle.h"

using namespace crease;

namespace {

/// Bytes of one sample of intermediate results.
int64_t kept(const Kernels& program) {
  int64_t bytes = 0;
  for (const Kernel& kernel : program.kernels)
    for (const Store& store : kernel.stores) {
      const Buffer& buffer = program.buffers[static_cast<size_t>(store.buffer)];
      if (buffer.kind != BufferKind::Intermediate) continue;
      int64_t count = 1;
      for (const Dim& dim : buffer.shape)
        if (!dim.is_symbol()) count *= dim.size();
      bytes += count * size_of(buffer.type);
    }
  return bytes;
}

Tensor numbers(std::vector<int64_t> sizes) {
  Tensor tensor(Type::f32, std::move(sizes));
  for (int64_t i = 0; i < tensor.count(); ++i) tensor.set(i, static_cast<double>(i * 7919 % 61) / 16 - 1.5);
  return tensor;
}

/// A layer whose argument is normalised over samples, between two others, and its gradient.
Graph normalised() {
  Graph graph;
  const Value w = graph.parameter("w", numbers({6, 33})), v = graph.parameter("v", numbers({33, 4}));
  const Value x = matmul(graph.input("x", {"n", 6}), w);
  const Value centred = x - mean(x, {0}, true);
  const Value y = centred / sqrt(mean(centred * centred, {0}, true) + 1e-2);
  const Value z = matmul(relu(y), v);
  graph.output("dw", grad(sum(z * z), w));
  return graph;
}

}  // namespace

TEST_CASE("a difference from what is in memory is not kept") {
  const Graph graph = normalised();
  const Kernels before = fuse(lower(graph));
  const Kernels after = recompute_cheap(before);
  verify(after);
  CHECK(kept(after) <= kept(before) - 4 * 33);
  for (const int64_t n : {2, 17}) test::check_both(graph, {{"x", numbers({n, 6})}}, 64, 4096);
}

TEST_CASE("what takes long is kept") {
  Graph graph;
  const Value x = graph.input("x", {"n", 5, 33});
  const Value slow = tanh_op(x - mean(x, {0, 2}, true));
  graph.output("y", slow * mean(slow * slow, {0, 2}, true));
  const Kernels before = fuse(lower(graph));
  CHECK(kept(recompute_cheap(before)) == kept(before));
}

TEST_CASE("what a reader looks at several times is kept") {
  Graph graph;
  const Value x = graph.input("x", {"n", 64});
  const Value centred = x - mean(x, {0}, true);
  graph.output("m", mean(centred * centred, {0}));
  graph.output("y", matmul(centred, graph.input("w", {64, 64})));
  const Kernels before = fuse(lower(graph));
  CHECK(kept(recompute_cheap(before)) == kept(before));
}

TEST_CASE("decisions and updates see the values of before") {
  Graph graph;
  const Value x = graph.input("x", {"n", 5, 33});
  const Value w = graph.parameter("w", numbers({5, 33}));
  const Value moved = x * w;
  const Value centred = moved - mean(moved, {0}, true);
  graph.output("y", sum(relu(centred), {0}));
  graph.output("z", centred * mean(centred * centred, {0}, true));
  graph.update(w, w - mean(centred * x, {0}));
  for (const int64_t n : {1, 6}) test::check_both(graph, {{"x", numbers({n, 5, 33})}}, 64, 64);
}
