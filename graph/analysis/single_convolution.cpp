#include "graph/analysis/single_convolution.h"

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>

namespace crease {
namespace {

using Sizes = std::vector<int64_t>;

int64_t product(const Sizes& sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), int64_t{1}, std::multiplies<>());
}

/// [channels, spatial axes...] of one sample.
Sizes image_sizes(const Shape& shape, size_t rank) {
  Sizes sizes;
  for (const Dim& dim : shape)
    if (!dim.is_symbol()) sizes.push_back(dim.size());
  while (sizes.size() > rank && sizes.front() == 1) sizes.erase(sizes.begin());
  return sizes;
}

Sizes position(int64_t flat, const Sizes& sizes) {
  Sizes result(sizes.size());
  for (size_t d = sizes.size(); d-- > 0; flat /= sizes[d]) result[d] = flat % sizes[d];
  return result;
}

/// The search for one stride.
class Fit {
 public:
  Fit(const AffineForm& form, Sizes from, Sizes to, Sizes stride)
      : weights_(form.weights[0]), from_(std::move(from)), to_(std::move(to)), stride_(std::move(stride)) {}

  /// Taps by [output channel, input channel, offset...], or nothing if they differ from place to place.
  bool collect() {
    for (int64_t o = 0; o < weights_.columns(); ++o)
      for (int64_t i = 0; i < weights_.rows(); ++i) {
        const Rational value = weights_.at(i, o);
        const auto [tap, fresh] = taps_.emplace(tap_of(i, o), value);
        if (!fresh && tap->second != value) return false;
      }
    return true;
  }

  /// The least padding and kernel for which the output has its size.
  SingleConvolution convolution(NodeId source) const {
    SingleConvolution result{.source = source, .stride = stride_};
    const size_t axes = stride_.size();
    Sizes first(axes, 0), last(axes, 0);
    for (const auto& [tap, value] : taps_)
      for (size_t d = 0; d < axes && !value.is_zero(); ++d) {
        first[d] = std::min(first[d], tap[d + 2]);
        last[d] = std::max(last[d], tap[d + 2]);
      }
    result.sizes = {to_[0], from_[0]};
    for (size_t d = 0; d < axes; ++d) {
      int64_t padding = -first[d];
      // The greatest kernel that gives this output size; the taps must fit in.
      const auto greatest = [&] { return from_[d + 1] + 2 * padding - stride_[d] * (to_[d + 1] - 1); };
      while (greatest() <= last[d] + padding) ++padding;
      const int64_t size = greatest();
      result.padding.push_back(padding);
      result.sizes.push_back(std::min(size, std::max(last[d] + padding + 1, size - stride_[d] + 1)));
    }
    result.kernel.resize(static_cast<size_t>(product(result.sizes)));
    for (size_t k = 0; k < result.kernel.size(); ++k) {
      Sizes tap = position(static_cast<int64_t>(k), result.sizes);
      for (size_t d = 0; d < axes; ++d) tap[d + 2] -= result.padding[d];
      if (const auto found = taps_.find(tap); found != taps_.end()) result.kernel[k] = found->second;
    }
    result.multiplications = product(to_) * product(result.sizes) / to_[0];
    return result;
  }

 private:
  Sizes tap_of(int64_t i, int64_t o) const {
    const Sizes in = position(i, from_), out = position(o, to_);
    Sizes tap{out[0], in[0]};
    for (size_t d = 0; d < stride_.size(); ++d) tap.push_back(in[d + 1] - stride_[d] * out[d + 1]);
    return tap;
  }

  const ExactMatrix& weights_;
  Sizes from_, to_, stride_;
  std::map<Sizes, Rational> taps_;
};

/// One value for each channel, or nothing if it changes within one.
std::optional<std::vector<Rational>> channel_bias(const std::vector<Rational>& offset, int64_t channels) {
  std::vector<Rational> bias;
  const size_t places = offset.size() / static_cast<size_t>(channels);
  for (size_t o = 0; o < offset.size(); ++o) {
    if (o % places == 0) bias.push_back(offset[o]);
    if (bias.back() != offset[o]) return {};
  }
  return bias;
}

}  // namespace

std::optional<SingleConvolution> single_convolution(const Graph& graph, const AffineForm& form) {
  if (form.frontier.size() != 1) return {};
  const NodeId source = form.frontier[0];
  const Sizes from = image_sizes(graph.node(source).shape, 3),
              to = image_sizes(graph.node(form.sink).shape, 3);
  if (from.size() != to.size() || from.size() < 2 || product(from) * product(to) == 0) return {};
  const auto bias = channel_bias(form.offset, to[0]);
  if (!bias) return {};
  // A stride s maps an axis of n elements onto at least n / s - 1.
  const int64_t most = *std::max_element(from.begin() + 1, from.end());
  for (int64_t stride = 1; stride <= most; ++stride) {
    Fit fit(form, from, to, Sizes(from.size() - 1, stride));
    if (!fit.collect()) continue;
    SingleConvolution result = fit.convolution(source);
    result.bias = *bias;
    return result;
  }
  return {};
}

}  // namespace crease
