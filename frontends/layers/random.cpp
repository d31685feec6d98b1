#include "frontends/layers/random.h"

#include <cmath>

#include "frontends/layers/channels.h"
#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/axes.h"

namespace crease {
namespace {

/// Uniform numbers in [0, 1) with the shape of x, others in each step.
Value uniform_like(const Value& x, LayerScope& scope, std::source_location where) {
  Graph graph = x.graph();
  const Value counter = scope.state("counter", Tensor::i64({}, {0}), where);
  scope.assign(counter, add(counter, graph.constant(1, Type::i64, where), where), where);
  return graph.random(x.shape(), counter, scope.seed_of("random"), where);
}

/// drop(x, random, rate) in training, x in evaluation.
Layer dropping(const char* kind, const Op& drop, double rate, std::source_location where) {
  expect(rate >= 0 && rate < 1, "[{}] the rate must be at least 0 and below 1: got {} ({})", kind, rate,
         to_string(where));
  return Layer(kind, [=](const Value& x, LayerScope& scope) -> Value {
    if (scope.mode() == Mode::Evaluation || rate == 0) return x;
    expect(is_floating(x.type()), "[{}] wants floating point, got {} (layer '{}', {})", kind,
           to_string(x.type()), scope.path(), to_string(where));
    return drop(x, uniform_like(x, scope, where), x.graph().constant(rate, x.type(), where), where);
  });
}

}  // namespace

Layer dropout(double rate, std::source_location where) {
  const Op drop{.name = "drop",
                .doc = "a / (1 - r) where the random number u is at least r, else 0.",
                .body = [](Scalar a, Scalar u, Scalar r) { return select(u < r, 0, a / (1 - r)); }};
  return dropping("dropout", drop, rate, where);
}

Layer masking_noise(double rate, std::source_location where) {
  const Op mask{.name = "mask",
                .doc = "a where the random number u is at least r, else 0.",
                .body = [](Scalar a, Scalar u, Scalar r) { return select(u < r, 0, a); }};
  return dropping("masking_noise", mask, rate, where);
}

Layer randomised_relu(const RandomisedReluOptions& options, std::source_location where) {
  expect(std::isfinite(options.low) && std::isfinite(options.high) && options.low <= options.high,
         "[randomised_relu] wants finite low <= high: got {} and {} ({})", options.low, options.high,
         to_string(where));
  return Layer("randomised_relu", [=](const Value& x, LayerScope& scope) -> Value {
    if (scope.mode() == Mode::Evaluation) return leaky_relu((options.low + options.high) / 2)(x, where);
    const Value slope = affine(options.high - options.low, options.low)(uniform_like(x, scope, where), where);
    return prelu(x, slope, where);
  });
}

Layer parametric_relu(int64_t channels, const ParametricReluOptions& options, std::source_location where) {
  expect(channels > 0, "[parametric_relu] channels must be positive: got {} ({})", channels,
         to_string(where));
  return Layer("parametric_relu", [=](const Value& x, LayerScope& scope) {
    const auto axis = static_cast<size_t>(checked_axis("parametric_relu", options.axis, x.shape(), where));
    expect(x.shape()[axis] == Dim(channels) && is_floating(x.type()),
           "[parametric_relu] the input does not fit: got {} {}, want floating with {} along axis {} (layer "
           "'{}', {})",
           to_string(x.type()), to_string(x.shape()), channels, axis, scope.path(), to_string(where));
    const Value slope = scope.parameter("slope", {channels}, x.type(), filled(options.initial), {}, where);
    return prelu(x, along_axis(slope, axis, x.shape().size(), where), where);
  });
}

}  // namespace crease
