#include "jit/memory.h"
#include "jit/order.h"

#include <doctest/doctest.h>

#include <random>

#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/movement.h"
#include "jit/fuse.h"
#include "jit/lower.h"

using namespace crease;

TEST_CASE("slots of one time never overlap, and an arena is never larger than their sum") {
  std::mt19937 random(1);
  for (int round = 0; round < 50; ++round) {
    MemoryPlan plan;
    int64_t sum = 0;
    for (int i = 0; i < 30; ++i) {
      const int first = static_cast<int>(random() % 20);
      const auto bytes = static_cast<int64_t>(random() % 5000);
      plan.slots.push_back({i, {bytes, {}}, first, first + static_cast<int>(random() % 6)});
      sum += (bytes + 63) / 64 * 64;
    }
    const Layout layout = lay_out(plan, {});
    CHECK(layout.bytes <= sum);
    for (size_t a = 0; a < plan.slots.size(); ++a) {
      CHECK(layout.offsets[a] % 64 == 0);
      CHECK(layout.offsets[a] + plan.slots[a].bytes.factor <= layout.bytes);
      for (size_t b = 0; b < a; ++b) {
        const bool together =
            plan.slots[a].first <= plan.slots[b].last && plan.slots[b].first <= plan.slots[a].last;
        const bool apart = layout.offsets[a] + plan.slots[a].bytes.factor <= layout.offsets[b] ||
                           layout.offsets[b] + plan.slots[b].bytes.factor <= layout.offsets[a];
        CHECK((!together || apart));
      }
    }
  }
}

TEST_CASE("a parameter is overwritten only where nobody reads it at another place") {
  Graph graph;
  const Value w = graph.parameter("w", Tensor(Type::f32, {4, 4})),
              v = graph.parameter("v", Tensor(Type::f32, {4, 4}));
  graph.update(w, w * 2.0);
  graph.update(v, transpose(v) * 2.0);
  Kernels program = fuse(lower(graph));
  order_kernels(program);
  const MemoryPlan plan = plan_memory(program, schedule(program, host_machine()));
  int in_place = 0, apart = 0;
  for (size_t b = 0; b < program.buffers.size(); ++b)
    if (program.buffers[b].kind == BufferKind::Next) ++(plan.in_place[b] ? in_place : apart);
  CHECK(in_place == 1);
  CHECK(apart == 1);
}

TEST_CASE("readers of the old value run before it is overwritten") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 4}), w = graph.parameter("w", Tensor(Type::f32, {4, 4}));
  const Value next = w * 2.0;
  graph.update(w, next);
  graph.output("y", matmul(x, w));
  Kernels program = lower(graph);
  order_kernels(program);
  REQUIRE(program.kernels.size() == 2);
  CHECK(program.kernels[0].name == "matmul");
}
