#include "frontends/layers/convolution.h"

#include <numeric>

#include "frontends/layers/channels.h"
#include "graph/error.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/movement.h"

namespace crease {
namespace {

/// What all kinds of convolution layer share.
struct Plan {
  const char* kind;
  int64_t in, out, groups;
  std::vector<int64_t> taps;
  bool bias, transposed;
  Init init, bias_init;
  std::source_location where;
};

std::vector<int64_t> with_axes(const std::vector<int64_t>& taps, size_t axes) {
  return taps.size() == 1 ? std::vector<int64_t>(axes, taps[0]) : taps;
}

void check(const Plan& plan, size_t axes) {
  expect(plan.in > 0 && plan.out > 0 && plan.groups > 0 && plan.in % plan.groups == 0 &&
             plan.out % plan.groups == 0,
         "[{}] channels must be positive multiples of the groups: got in {}, out {}, groups {} ({})",
         plan.kind, plan.in, plan.out, plan.groups, to_string(plan.where));
  expect(plan.taps.size() == axes, "[{}] wants one kernel size or one an axis: got {} ({})", plan.kind,
         plan.taps.size(), to_string(plan.where));
}

template <class Convolve>
Layer convolution(Plan plan, size_t axes, Convolve convolve) {
  plan.taps = with_axes(plan.taps, axes);
  check(plan, axes);
  return Layer(plan.kind, [plan, axes, convolve](const Value& x, LayerScope& scope) {
    const bool fits = x.shape().size() == axes + 2 && x.shape()[1] == Dim(plan.in) && is_floating(x.type());
    expect(fits, "[{}] the input does not fit: got {} {}, want floating [n, {}, {}] (layer '{}', {})",
           plan.kind, to_string(x.type()), to_string(x.shape()), plan.in, axes == 1 ? "w" : "h, w",
           scope.path(), to_string(plan.where));
    const int64_t area = std::accumulate(plan.taps.begin(), plan.taps.end(), int64_t{1}, std::multiplies<>());
    const Fans fans{.in = plan.in / plan.groups * area, .out = plan.out / plan.groups * area};
    std::vector<int64_t> sizes{plan.out, plan.in / plan.groups};
    if (plan.transposed) sizes = {plan.in, plan.out / plan.groups};
    sizes.insert(sizes.end(), plan.taps.begin(), plan.taps.end());
    Value y = convolve(x, scope.parameter("weight", sizes, x.type(), plan.init, fans, plan.where));
    if (plan.bias) {
      const Value bias = scope.parameter("bias", {plan.out}, x.type(), plan.bias_init, fans, plan.where);
      y = add(y, along_axis(bias, 1, y.shape().size(), plan.where), plan.where);
    }
    y.graph().set_name(y, scope.path());
    return y;
  });
}

template <class Convolve>
Layer forward(const char* kind, int64_t in, int64_t out, std::vector<int64_t> taps,
              const ConvLayerOptions& options, size_t axes, Convolve convolve, std::source_location where) {
  const ConvOptions shape{options.stride, options.padding, options.dilation, options.groups};
  return convolution({.kind = kind,
                      .in = in,
                      .out = out,
                      .groups = options.groups,
                      .taps = std::move(taps),
                      .bias = options.bias,
                      .transposed = false,
                      .init = options.init,
                      .bias_init = options.bias_init,
                      .where = where},
                     axes,
                     [=](const Value& x, const Value& w) { return convolve({x, where}, {w, where}, shape); });
}

template <class Convolve>
Layer transposed(const char* kind, int64_t in, int64_t out, std::vector<int64_t> taps,
                 const ConvTransposeLayerOptions& options, size_t axes, Convolve convolve,
                 std::source_location where) {
  return convolution(
      {.kind = kind,
       .in = in,
       .out = out,
       .groups = options.shape.groups,
       .taps = std::move(taps),
       .bias = options.bias,
       .transposed = true,
       .init = options.init,
       .bias_init = options.bias_init,
       .where = where},
      axes, [=](const Value& x, const Value& w) { return convolve({x, where}, {w, where}, options.shape); });
}

using Convolution = Value (*)(const Operand&, const Operand&, const ConvOptions&);
using TransposedConvolution = Value (*)(const Operand&, const Operand&, const ConvTransposeOptions&);
using Pool = Value (*)(const Operand&, const PoolOptions&);

Layer pooling(const char* kind, Pool pool, const PoolOptions& options) {
  return Layer(kind, [=](const Value& x, LayerScope& scope) { return pool({x, scope.where()}, options); });
}

Layer over_positions(const char* kind, Value (*reduce)(const Operand&, const Axes&, bool)) {
  return Layer(kind, [=](const Value& x, LayerScope& scope) {
    expect(x.shape().size() > 2, "[{}] wants [n, c, ...], got {} ({})", kind, to_string(x.shape()),
           to_string(scope.where()));
    Axes axes(x.shape().size() - 2);
    std::iota(axes.begin(), axes.end(), 2);
    return reduce({x, scope.where()}, axes, false);
  });
}

}  // namespace

Layer conv1d(int64_t in, int64_t out, int64_t taps, const ConvLayerOptions& options,
             std::source_location where) {
  return forward("conv1d", in, out, {taps}, options, 1, static_cast<Convolution>(conv1d), where);
}
Layer conv2d(int64_t in, int64_t out, std::vector<int64_t> taps, const ConvLayerOptions& options,
             std::source_location where) {
  return forward("conv2d", in, out, std::move(taps), options, 2, static_cast<Convolution>(conv2d), where);
}
Layer conv_transpose1d(int64_t in, int64_t out, int64_t taps, const ConvTransposeLayerOptions& options,
                       std::source_location where) {
  return transposed("conv_transpose1d", in, out, {taps}, options, 1,
                    static_cast<TransposedConvolution>(conv_transpose1d), where);
}
Layer conv_transpose2d(int64_t in, int64_t out, std::vector<int64_t> taps,
                       const ConvTransposeLayerOptions& options, std::source_location where) {
  return transposed("conv_transpose2d", in, out, std::move(taps), options, 2,
                    static_cast<TransposedConvolution>(conv_transpose2d), where);
}

Layer max_pool1d(const PoolOptions& options) { return pooling("max_pool1d", max_pool1d, options); }
Layer max_pool2d(const PoolOptions& options) { return pooling("max_pool2d", max_pool2d, options); }
Layer average_pool1d(const PoolOptions& options) {
  return pooling("average_pool1d", average_pool1d, options);
}
Layer average_pool2d(const PoolOptions& options) {
  return pooling("average_pool2d", average_pool2d, options);
}
Layer global_max_pool() { return over_positions("global_max_pool", reduce_max); }
Layer global_average_pool() { return over_positions("global_average_pool", mean); }

Layer flatten() {
  return Layer("flatten",
               [](const Value& x, LayerScope& scope) { return flatten(Operand(x, scope.where())); });
}

Layer reshape_samples(std::vector<int64_t> sizes) {
  for (const int64_t size : sizes)
    expect(size > 0, "[reshape_samples] sizes must be positive: got {}", to_string(sizes));
  return Layer("reshape", [sizes = std::move(sizes)](const Value& x, LayerScope& scope) {
    expect(!x.shape().empty(), "[reshape_samples] wants [n, ...], got a scalar ({})",
           to_string(scope.where()));
    Shape shape{x.shape()[0]};
    shape.insert(shape.end(), sizes.begin(), sizes.end());
    return reshape({x, scope.where()}, shape);
  });
}

Layer maxout(int64_t pieces, int axis) {
  return Layer("maxout", [=](const Value& x, LayerScope& scope) {
    return maxout(Operand(x, scope.where()), pieces, axis);
  });
}

}  // namespace crease
