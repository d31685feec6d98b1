#include "autodiff/nan_flow.h"

#include <doctest/doctest.h>

#include "autodiff/reverse.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"

using namespace crease;

namespace {

/// The body of the derivative of the first relu in the gradient of `loss` by x.
std::string derivative_of_relu(const Value& loss, const Value& x) {
  const NodeId before = x.graph().size();
  grad(loss, x);
  const Graph graph = x.graph();
  for (NodeId id = before; id < graph.size(); ++id)
    if (graph.node(id).role == Role::Apply && graph.node(id).op->name == "d_relu")
      return to_string(graph.node(id).op->body.expression);
  return {};
}

const std::string one = "select(less_equal(x1, 0), 0, x0)";
const std::string strict = "select(less(0, x1), x0, select(less_equal(x1, 0), 0, nan))";

}  // namespace

TEST_CASE("an expression is NaN for certain, or it is not known to be") {
  const Scalar x = Scalar::argument(0), y = Scalar::argument(1);
  const std::vector<int> both{0, 1}, first{0};
  CHECK(is_nan_with(x * y, first));
  CHECK(is_nan_with(max(y, exp(x)), first));
  CHECK(!is_nan_with(y + 1, first));
  CHECK(is_nan_with(select(x <= 0, 0, y), both));  // a comparison with NaN is false
  CHECK(!is_nan_with(select(x <= 0, 0, y), first));
  CHECK(!is_nan_with(select(x <= 0, y, 0), both));
  CHECK(is_nan_with(select(!(x <= 0) || y < 1, y, 0), both));
  CHECK(!is_nan_with(select(y < 1, x, 0), first));
  CHECK(is_nan_with(select(y < 1, x, 2 * x), first));
}

TEST_CASE("where the loss depends on a value, one comparison decides at the kink behind it") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 3}), w = graph.input("w", {3, 2}), u = graph.input("u", {2, 2});
  const Value y = relu(matmul(x, w));
  CHECK(derivative_of_relu(sum(square(y)), x) == one);
  CHECK(derivative_of_relu(mean(tanh_op(matmul(y, u))), x) == one);
  CHECK(derivative_of_relu(sum(y) + sum(square(y)), x) == one);
  CHECK(derivative_of_relu(sum(y), x) == strict);
  CHECK(derivative_of_relu(sum(matmul(y, u)), x) == strict);
}

TEST_CASE("what is not read, or only where it is greatest, may lose NaN") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 8}), w = graph.input("w", {2, "none"});
  const Value y = relu(x);
  CHECK(derivative_of_relu(sum(square(reduce_max(y, {1}))), x) == strict);
  CHECK(derivative_of_relu(sum(square(slice(y, 1, 0, 4))), x) == strict);
  const Value z = graph.input("z", {2, 2});
  CHECK(derivative_of_relu(sum(square(matmul(relu(z), w))), z) == strict);  // a sum of no terms, maybe
}
