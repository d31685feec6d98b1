#include "jit/schedule_pairs.h"

#include "autodiff/reverse.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/reduction.h"
#include "jit/fuse.h"
#include "jit/lower.h"
#include "jit/order.h"
#include "tests/jit/oracle.h"

using namespace crease;
using namespace crease::test;

namespace {

/// A step of gradient descent with momentum on sum((relu(x v) w)^2): the gradient of relu(x v) reads w, the
/// update behind it writes it.
Graph training_step(const Dim& batch, int64_t in, int64_t out) {
  Graph graph;
  const Value x = graph.input("x", {batch, 8});
  const Value v = graph.parameter("v", real(Type::f32, {8, in}, 1));
  const Value w = graph.parameter("w", real(Type::f32, {in, out}, 2));
  const Value momentum = graph.parameter("momentum", real(Type::f32, {in, out}, 3));
  const Value y = matmul(relu(matmul(x, v)), w);
  const std::vector<Value> gradients = grad(sum(y * y), std::vector{v, w});
  const Value next = momentum * 0.5 + gradients[1];
  graph.update(v, v - gradients[0] * 1e-9);
  graph.update(momentum, next);
  graph.update(w, w - next * 1e-6);
  return graph;
}

/// Columns with which that many rows of w do not fit the second cache.
int64_t columns_beyond_cache(int64_t rows) { return host_machine().l2_bytes / 4 / rows + 40; }

bool has_pair(const std::string& schedule) {
  return schedule.find("in turn with the next") < schedule.size();
}

/// The schedule on a machine whose second cache is this small.
std::string schedule_of(const Graph& graph, int64_t cache, Threads threads = {}) {
  Machine machine = host_machine();
  machine.l2_bytes = cache;
  Kernels program = fuse(lower(graph));
  order_kernels(program);
  name_kernels(program, graph);
  return to_string(schedule(program, machine, threads), program);
}

/// All parameters after two steps.
std::vector<Tensor> trained(const Graph& graph, int64_t rows, const CompileOptions& options) {
  Program program = compile(graph, options);
  program.bind({{"x", real(Type::f32, {rows, 8}, 4)}});
  program.run();
  program.run();
  return {program.parameter("v"), program.parameter("w"), program.parameter("momentum")};
}

}  // namespace

TEST_CASE("a gradient and the update of a matrix that the second cache cannot hold take turns") {
  const Graph few = training_step(4, 256, 256), many = training_step(128, 256, 256);
  CHECK(has_pair(schedule_of(few, 128 << 10)));
  CHECK(!has_pair(schedule_of(few, 256 << 10)));  // it holds the matrix
  CHECK(!has_pair(schedule_of(few, 1 << 10)));    // it holds no range of rows
  CHECK(!has_pair(schedule_of(few, 128 << 10, {.count = 2, .split_all = true})));
  CHECK(!has_pair(schedule_of(many, 128 << 10)));  // it holds no range and what each of them reads
}

TEST_CASE("kernels that take turns give the same bits as kernels that run one after the other") {
  constexpr int64_t in = 2011;  // not a multiple of any step
  const Graph graph = training_step("batch", in, columns_beyond_cache(in));
  for (const int64_t rows : {2, 10}) {
    CAPTURE(rows);
    const Sizes sizes{{"batch", rows}};
    if (host_machine().l2_bytes > 0)
      CHECK(has_pair(compile(graph, {.specialise = sizes, .keep_dumps = true}).dumps().schedule));
    const std::vector<Tensor> want = trained(graph, rows, {.threads = 2, .split_all = true});
    CHECK(trained(graph, rows, {.specialise = sizes}) == want);
    CHECK(trained(graph, rows, {.vector_bits = 128, .specialise = sizes}) == want);
  }
}

TEST_CASE("a profile counts kernels that take turns once a step, and a trace shares out their work") {
  const Graph graph = training_step(3, 2048, columns_beyond_cache(2048));
  Program program = compile(graph, {.profile = true, .keep_dumps = true});
  if (host_machine().l2_bytes > 0) REQUIRE(has_pair(program.dumps().schedule));
  program.bind({{"x", real(Type::f32, {3, 8}, 4)}});
  program.run();
  program.run();
  size_t calls = 0;
  for (const KernelProfile& kernel : program.profile()) {
    CHECK(kernel.runs == 2);
    calls += static_cast<size_t>(kernel.calls);
    const std::string work = fmt::format("\"operations\":{:.0f},\"bytes\":{:.0f},",
                                         kernel.operations / static_cast<double>(kernel.calls),
                                         kernel.bytes / static_cast<double>(kernel.calls));
    CHECK(program.trace().find(work) < program.trace().size());
  }
  CHECK(count_of(program.trace(), "\"ph\":\"X\"") == 2 * calls);
}
