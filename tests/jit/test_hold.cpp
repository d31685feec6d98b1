#include "autodiff/reverse.h"
#include "graph/ops/activation.h"
#include "graph/ops/contraction.h"
#include "graph/ops/hold.h"
#include "graph/ops/reduction.h"
#include "jit/compile.h"
#include "tests/jit/oracle.h"

using namespace crease;
using namespace crease::test;

TEST_CASE("what is held compiles to what it is, with the gradients of the interpreter and no copy") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 19}), w = graph.input("w", {19, 7});
  const Value hidden = relu(matmul(x, w)), loss = sum(hidden * stop_gradient(hidden));
  graph.output("loss", loss);
  graph.output("dw", grad(loss, w));
  graph.output("held", stop_gradient(x));
  const Bindings at{{"x", dyadic(Type::f32, {5, 19}, 1)}, {"w", dyadic(Type::f32, {19, 7}, 2)}};
  check_both(graph, at);
  const Tensor ours = evaluate(graph.result("dw"), at);
  const Tensor whole = evaluate(grad(sum(hidden * hidden), w), at);
  for (int64_t i = 0; i < ours.count(); ++i) CHECK(2 * ours.at(i) == whole.at(i));
  Graph alone;
  const Value y = alone.input("y", {"batch", 19});
  alone.output("loss", sum(relu(stop_gradient(relu(y)))));
  CHECK(compile_steps(alone, {}).kernels.kernels.size() == 1);
}
