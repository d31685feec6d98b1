#include "frontends/layers/normalisation.h"

#include <cmath>
#include <numeric>

#include "frontends/layers/channels.h"
#include "graph/error.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/axes.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"

namespace crease {
namespace {

struct Moments {
  Value mean, variance;  // reduced axes kept with size 1
  Value centred;         // x - mean
};

Moments moments(const Value& x, const Axes& axes, std::source_location where) {
  const Value average = mean({x, where}, axes, true);
  const Value centred = subtract(x, average, where);
  return {average, mean({square(centred, where), where}, axes, true), centred};
}

Value divided(const Value& centred, const Value& variance, double epsilon, std::source_location where) {
  return divide(centred, sqrt_op(affine(1, epsilon)(variance, where), where), where);
}

/// The same by one division for each variance, of which there are far fewer than of x: a multiplication each.
Value scaled(const Value& centred, const Value& variance, double epsilon, std::source_location where) {
  const Value deviation = sqrt_op(affine(1, epsilon)(variance, where), where);
  return multiply(centred, ratio(1)(deviation, where), where);
}

/// x n / (n - 1); x itself where n is 1.
Op unbiased(Scalar count) {
  return {.name = "unbiased", .doc = "x n / (n - 1), n a product of sizes.", .body = [=](Scalar x) {
            return x * (count / max(count - 1, 1));
          }};
}

void check_epsilon(const char* name, double epsilon, std::source_location where) {
  expect(std::isfinite(epsilon) && epsilon > 0, "[{}] epsilon must be positive and finite: got {} ({})", name,
         epsilon, to_string(where));
}

/// Everything but one axis.
Axes other_axes(size_t rank, size_t axis) {
  Axes axes;
  for (size_t d = 0; d < rank; ++d)
    if (d != axis) axes.push_back(static_cast<int>(d));
  return axes;
}

/// y scale + shift, both learned.
Value rescaled(const Value& y, LayerScope& scope, const std::vector<int64_t>& sizes, size_t axis,
               std::source_location where) {
  const auto parameter = [&](const char* name, double value) {
    const Value made = scope.parameter(name, sizes, y.type(), filled(value), {}, where);
    return sizes.size() == 1 ? along_axis(made, axis, y.shape().size(), where) : made;
  };
  const Value scale = parameter("weight", 1);
  return add(multiply(y, scale, where), parameter("bias", 0), where);
}

class BatchNorm {
 public:
  BatchNorm(int64_t channels, const BatchNormOptions& options, std::source_location where)
      : channels_(channels), options_(options), where_(where) {}

  Value operator()(const Value& x, LayerScope& scope) const {
    const auto axis = static_cast<size_t>(checked_axis("batch_norm", options_.axis, x.shape(), where_));
    expect(x.shape()[axis] == Dim(channels_) && is_floating(x.type()),
           "[batch_norm] the input does not fit: got {} {}, want floating with {} along axis {} (layer '{}', "
           "{})",
           to_string(x.type()), to_string(x.shape()), channels_, axis, scope.path(), to_string(where_));
    InitRequest request{.type = x.type(), .sizes = {channels_}};
    const Value mean = scope.state("running_mean", zeros(request), where_);
    const Value variance = scope.state("running_variance", filled(1)(request), where_);
    const Value y = scope.mode() == Mode::Training ? from_batch(x, axis, mean, variance, scope)
                                                   : from_running(x, axis, mean, variance);
    return options_.affine ? rescaled(y, scope, {channels_}, axis, where_) : y;
  }

 private:
  Value from_running(const Value& x, size_t axis, const Value& mean, const Value& variance) const {
    const size_t rank = x.shape().size();
    const Value centred = subtract(x, along_axis(mean, axis, rank, where_), where_);
    return divided(centred, along_axis(variance, axis, rank, where_), options_.epsilon, where_);
  }

  Value from_batch(const Value& x, size_t axis, const Value& mean, const Value& variance,
                   LayerScope& scope) const {
    const Axes axes = other_axes(x.shape().size(), axis);
    const Moments batch = moments(x, axes, where_);
    std::vector<Dim> counted;
    for (const int d : axes) counted.push_back(x.shape()[static_cast<size_t>(d)]);
    const Scalar count = size_term(counted);
    move_towards(mean, batch.mean, count, scope);
    move_towards(variance, unbiased(count)(batch.variance, where_), count, scope);
    return scaled(batch.centred, batch.variance, options_.epsilon, where_);
  }

  void move_towards(const Value& running, const Value& batch, Scalar count, LayerScope& scope) const {
    const Op moved{.name = "moved",
                   .doc = "r (1 - momentum) + x momentum; r where the batch has one value or none.",
                   .body = [count, momentum = options_.momentum](Scalar r, Scalar x) {
                     return select(count > 1, r * (1 - momentum) + x * momentum, r);
                   }};
    const Value flat = reshape({batch, where_}, running.shape());
    scope.assign(running, moved(running, flat, where_), where_);
  }

  int64_t channels_;
  BatchNormOptions options_;
  std::source_location where_;
};

}  // namespace

Layer batch_norm(int64_t channels, const BatchNormOptions& options, std::source_location where) {
  check_epsilon("batch_norm", options.epsilon, where);
  expect(channels > 0 && options.momentum >= 0 && options.momentum <= 1,
         "[batch_norm] wants positive channels and a momentum in [0, 1]: got {} and {} ({})", channels,
         options.momentum, to_string(where));
  return Layer("batch_norm", BatchNorm(channels, options, where));
}

Layer layer_norm(const std::vector<int64_t>& sizes, const NormOptions& options, std::source_location where) {
  check_epsilon("layer_norm", options.epsilon, where);
  expect(!sizes.empty(), "[layer_norm] wants at least one size ({})", to_string(where));
  return Layer("layer_norm", [=](const Value& x, LayerScope& scope) {
    const size_t rank = x.shape().size(), first = rank - sizes.size();
    const Shape wanted(sizes.begin(), sizes.end());
    const bool fits =
        rank >= sizes.size() && is_floating(x.type()) &&
        std::equal(wanted.begin(), wanted.end(),
                   x.shape().begin() + static_cast<std::ptrdiff_t>(rank < sizes.size() ? 0 : first));
    expect(
        fits,
        "[layer_norm] the input does not fit: got {} {}, want floating with last sizes {} (layer '{}', {})",
        to_string(x.type()), to_string(x.shape()), to_string(sizes), scope.path(), to_string(where));
    Axes axes(sizes.size());
    std::iota(axes.begin(), axes.end(), static_cast<int>(first));
    const Moments own = moments(x, axes, where);
    const Value y = divided(own.centred, own.variance, options.epsilon, where);
    return options.affine ? rescaled(y, scope, sizes, first, where) : y;
  });
}

Layer group_norm(int64_t groups, int64_t channels, const NormOptions& options, std::source_location where) {
  check_epsilon("group_norm", options.epsilon, where);
  expect(groups > 0 && channels > 0 && channels % groups == 0,
         "[group_norm] channels must be a positive multiple of the groups: got {} and {} ({})", channels,
         groups, to_string(where));
  return Layer("group_norm", [=](const Value& x, LayerScope& scope) {
    const bool fits = x.shape().size() >= 2 && x.shape()[1] == Dim(channels) && is_floating(x.type());
    expect(fits,
           "[group_norm] the input does not fit: got {} {}, want floating [n, {}, ...] (layer '{}', {})",
           to_string(x.type()), to_string(x.shape()), channels, scope.path(), to_string(where));
    Shape split = x.shape();
    split[1] = groups;
    split.insert(split.begin() + 2, channels / groups);
    Axes axes(split.size() - 2);
    std::iota(axes.begin(), axes.end(), 2);
    const Moments own = moments(reshape({x, where}, split), axes, where);
    const Value grouped = divided(own.centred, own.variance, options.epsilon, where);
    const Value y = reshape({grouped, where}, x.shape());
    return options.affine ? rescaled(y, scope, {channels}, 1, where) : y;
  });
}

Layer unstandardise(const Standardisation& by, std::source_location where) {
  return Layer("unstandardise", [=](const Value& x, LayerScope& scope) {
    const Dim columns(by.mean.count());
    expect(!x.shape().empty() && x.shape().back() == columns && is_floating(x.type()),
           "[unstandardise] the input does not fit: got {} {}, want floating [..., {}], as measured (layer "
           "'{}', {})",
           to_string(x.type()), to_string(x.shape()), to_string(columns), scope.path(), to_string(where));
    Graph graph = x.graph();
    const Value deviation = graph.constant(by.deviation.converted(x.type()), where);
    const Value mean = graph.constant(by.mean.converted(x.type()), where);
    return add(multiply(x, deviation, where), mean, where);
  });
}

}  // namespace crease
