// Laws of derivatives over every operation of every family.
#include <doctest/doctest.h>

#include <cmath>

#include "autodiff/directional.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/reduction.h"
#include "graph/verify.h"
#include "tests/laws/subjects.h"

using namespace crease;
using namespace crease::laws;

namespace {

constexpr double step = 0x1p-20;
// Truncation h^2 |f'''| / 6 and rounding eps |f| / h with |f| <= 2^11, third derivatives up to 2^10 near 0.
constexpr double tolerance = step * step * 1024 + 0x1p-52 * 2048 / step;

std::vector<Value> floating_inputs(const Graph& graph) {
  std::vector<Value> values;
  for (const NodeId id : graph.inputs())
    if (is_floating(graph.node(id).type)) values.push_back(graph.value(id));
  return values;
}

/// Irregular weights of the shape of `like`, exact in binary.
Tensor weights(const Shape& like, int seed) {
  Tensor tensor(Type::f64, sizes_of(like));
  for (int64_t i = 0; i < tensor.count(); ++i)
    tensor.set(i, static_cast<double>((i * 29 + seed * 13 + 5) % 31 - 15) / 8);
  return tensor;
}

/// sum(y * weights): a loss whose gradient sees every element of y differently.
Value weighted(const Value& y) { return sum(y * y.graph().constant(weights(y.shape(), 1))); }

double dot(const Tensor& a, const Tensor& b) {
  double total = 0;
  for (int64_t i = 0; i < a.count(); ++i) total += a.at(i) * b.at(i);
  return total;
}

bool is_finite(const Tensor& tensor) {
  for (int64_t i = 0; i < tensor.count(); ++i)
    if (!std::isfinite(tensor.at(i))) return false;
  return true;
}

}  // namespace

TEST_CASE("gradients of every operation are central differences") {
  for (const Subject& subject : subjects(4)) {
    Graph graph;
    const Value y = subject.build(graph);
    const std::vector<Value> wrt = floating_inputs(graph);
    if (!is_floating(y.type()) || wrt.empty()) continue;
    const Value loss = weighted(y);
    const std::vector<Value> gradients = grad(loss, wrt);
    CHECK_NOTHROW(verify(graph));
    Bindings inputs = irregular(graph);
    const std::vector<Tensor> found = evaluate(graph, inputs, gradients);
    for (size_t k = 0; k < wrt.size(); ++k) {
      Tensor& x = inputs.at(wrt[k].node().name);
      for (int64_t i = 0; i < x.count(); ++i) {
        const double here = x.at(i);
        x.set(i, here + step);
        const double ahead = evaluate(loss, inputs).item();
        x.set(i, here - step);
        const double behind = evaluate(loss, inputs).item();
        x.set(i, here);
        if (!std::isfinite(ahead) || !std::isfinite(behind)) continue;  // outside the domain of log, sqrt
        CAPTURE(subject.name);
        CAPTURE(k);
        CAPTURE(i);
        const double scale = std::max(1.0, std::pow(here, -3));
        CHECK(std::abs(found[k].at(i) - (ahead - behind) / (2 * step)) < tolerance * scale);
      }
    }
  }
}

TEST_CASE("gradients at kinks are the slopes that the tie selects, to the bit") {
  for (const CatalogRow& row : catalog()) {
    if (!row.op.loops.empty() || row.op.body.arity != 1 || row.op.type != ResultType::Promoted) continue;
    const std::vector<double> kinks = kinks_of(row.op.body.expression);
    if (kinks.empty()) continue;
    for (const Tie& tie : {Tie::left, Tie::right, Tie::mid, Tie::value(0.25), Tie::min_norm}) {
      Graph graph;
      const Value x = graph.input("x", {static_cast<int64_t>(kinks.size())}, Type::f64);
      const Value gradient = grad(sum(row.op(x)), x, {.tie = tie});
      const Tensor found =
          evaluate(gradient, {{"x", Tensor::f64({static_cast<int64_t>(kinks.size())}, kinks)}});
      CAPTURE(row.name);
      CAPTURE(to_string(tie));
      for (size_t i = 0; i < kinks.size(); ++i)
        CHECK(found.at(static_cast<int64_t>(i)) == at(slope(row.op.body.expression, 0, tie), kinks[i]));
    }
  }
}

TEST_CASE("the linear forward mode is the transpose of the reverse mode, at kinks under every tie") {
  for (const Subject& subject : subjects(4)) {
    for (const Tie& tie : {Tie::left, Tie::right, Tie::mid, Tie::value(0.25), Tie::min_norm}) {
      Graph graph;
      const Value y = subject.build(graph);
      const std::vector<Value> wrt = floating_inputs(graph);
      if (!is_floating(y.type()) || wrt.empty()) continue;
      std::vector<Value> tangents;
      for (size_t k = 0; k < wrt.size(); ++k)
        tangents.push_back(graph.constant(weights(wrt[k].shape(), static_cast<int>(k) + 2)));
      const Value cotangent = graph.constant(weights(y.shape(), 1));
      const Value forward = linear_jvp({&y, 1}, wrt, tangents, {.tie = tie})[0];
      std::vector<Value> wanted = vjp({&y, 1}, wrt, {&cotangent, 1}, {.tie = tie});
      wanted.push_back(forward);
      const Bindings inputs = halves(graph);
      const std::vector<Tensor> found = evaluate(graph, inputs, wanted);
      double reverse_total = 0;
      bool finite = true;
      for (size_t k = 0; k < wrt.size(); ++k) {
        reverse_total += dot(found[k], tangents[k].node().value);
        finite = finite && is_finite(found[k]);
      }
      const double forward_total = dot(found.back(), cotangent.node().value);
      if (!finite || !std::isfinite(forward_total)) continue;  // log, sqrt and quotients at 0
      CAPTURE(subject.name);
      CAPTURE(to_string(tie));
      // Sums of at most 2^8 terms of size 2^12, each rounded.
      CHECK(std::abs(reverse_total - forward_total) <= 0x1p-52 * 0x1p8 * 0x1p12);
    }
  }
}

TEST_CASE("directional derivatives of every operation are one-sided differences, at kinks and ties") {
  for (const Subject& subject : subjects(4)) {
    for (const int sign : {1, -1}) {
      Graph graph;
      const Value y = subject.build(graph);
      const std::vector<Value> wrt = floating_inputs(graph);
      if (!is_floating(y.type()) || wrt.empty()) continue;
      std::vector<Value> tangents;
      const Bindings inputs = halves(graph);
      Bindings ahead = inputs;
      for (size_t k = 0; k < wrt.size(); ++k) {
        const Tensor direction = weights(wrt[k].shape(), static_cast<int>(k) * sign + 3);
        tangents.push_back(graph.constant(direction));
        Tensor& x = ahead.at(wrt[k].node().name);
        for (int64_t i = 0; i < x.count(); ++i) x.set(i, x.at(i) + step * direction.at(i));
      }
      const Value derivative = jvp({&y, 1}, wrt, tangents)[0];
      CHECK_NOTHROW(verify(graph));
      const Tensor here = evaluate(y, inputs), there = evaluate(y, ahead),
                   claimed = evaluate(derivative, inputs);
      for (int64_t i = 0; i < here.count(); ++i) {
        const double difference = (there.at(i) - here.at(i)) / step;
        if (!std::isfinite(difference) || !std::isfinite(claimed.at(i))) continue;
        if (std::abs(there.at(i) - here.at(i)) > 0.01) continue;  // a jump
        CAPTURE(subject.name);
        CAPTURE(i);
        // Truncation h |f''| |d|^2 / 2 with |f''| <= 2^6 and |d|^2 <= 4, times up to 8 terms.
        CHECK(std::abs(claimed.at(i) - difference) < step * 0x1p6 * 2 * 8);
      }
    }
  }
}
