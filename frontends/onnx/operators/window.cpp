#include "frontends/onnx/operators/window.h"

#include <algorithm>

#include "frontends/layers/channels.h"
#include "graph/error.h"
#include "graph/ops/axes.h"
#include "graph/ops/movement.h"

namespace crease::onnx {
namespace {

/// From the first element of the first tap to the last of the last one.
int64_t reach(const Window& window, size_t k) { return (window.taps[k] - 1) * window.dilation[k] + 1; }

/// As many results as the input has, divided by the stride: SAME_UPPER puts an odd zero at the end.
void pad_same(Window& window, const Shape& x, bool at_the_end) {
  for (size_t k = 0; k < window.taps.size(); ++k) {
    const int64_t size = known_size("auto_pad", x, k + 2, {}), stride = window.stride[k];
    const int64_t results = (size + stride - 1) / stride;
    const int64_t total = std::max<int64_t>(0, (results - 1) * stride + reach(window, k) - size);
    window.before[k] = at_the_end ? total / 2 : total - total / 2;
    window.after[k] = total - window.before[k];
  }
}

/// Rounding up: room for a last window, as long as it begins inside of the input or before it.
void round_up(Window& window, const Shape& x) {
  for (size_t k = 0; k < window.taps.size(); ++k) {
    const int64_t size = known_size("ceil_mode", x, k + 2, {}) + window.before[k], stride = window.stride[k];
    const int64_t room = size + window.after[k] - reach(window, k);
    expect(room >= 0, "a window of {} over {} elements", reach(window, k), size + window.after[k]);
    int64_t last = (room + stride - 1) / stride;
    if (last * stride >= size) --last;
    const int64_t missing = last * stride - room;
    if (missing <= 0) continue;
    window.after[k] += missing;
    window.beyond[k] = missing;
  }
}

}  // namespace

Window read_window(NodeReader& node, const Shape& x, const std::vector<int64_t>& taps) {
  const size_t count = taps.size();
  expect(x.size() == count + 2 && (count == 1 || count == 2),
         "windows over {} axes of a value of rank {}: want 1 or 2 after samples and channels", count,
         x.size());
  const std::vector<int64_t> ones(count, 1), none(2 * count, 0);
  Window window{.taps = taps,
                .stride = node.integers("strides", ones),
                .dilation = node.integers("dilations", ones),
                .before = {},
                .after = {},
                .beyond = std::vector<int64_t>(count, 0)};
  expect(node.integers("kernel_shape", taps) == taps, "kernel_shape is not that of the kernel");
  const std::vector<int64_t> pads = node.integers("pads", none);
  const std::string automatic = node.text("auto_pad", "NOTSET");
  expect(window.stride.size() == count && window.dilation.size() == count && pads.size() == 2 * count,
         "strides, dilations or pads do not fit the kernel");
  const auto positive = [](int64_t number) { return number > 0 && number < (int64_t{1} << 31); };
  const auto inside = [](int64_t number) { return number >= 0 && number < (int64_t{1} << 31); };
  expect(std::ranges::all_of(taps, positive) && std::ranges::all_of(window.stride, positive) &&
             std::ranges::all_of(window.dilation, positive) && std::ranges::all_of(pads, inside),
         "taps, strides and dilations must be positive, pads not negative");
  const auto half = pads.begin() + static_cast<int64_t>(count);
  window.before.assign(pads.begin(), half);
  window.after.assign(half, pads.end());
  if (automatic == "VALID")
    window.before = window.after = std::vector<int64_t>(count, 0);
  else if (automatic == "SAME_UPPER" || automatic == "SAME_LOWER")
    pad_same(window, x, automatic == "SAME_UPPER");
  else
    expect(automatic == "NOTSET", "auto_pad is '{}'", automatic);
  if (node.integer("ceil_mode", 0) != 0) round_up(window, x);
  return window;
}

Value padded(const Value& x, Window& window, double value) {
  if (window.is_symmetric()) return x;
  Value result = x;
  for (size_t k = 0; k < window.taps.size(); ++k)
    result = padded_with(result, static_cast<int>(k) + 2, window.before[k], window.after[k], value);
  window.before = window.after = std::vector<int64_t>(window.taps.size(), 0);
  return result;
}

Value padded_with(const Value& x, int axis, int64_t before, int64_t after, double value) {
  if (before == 0 && after == 0) return x;
  if (value == 0) return pad(x, axis, before, after);
  const Value number = x.graph().constant(Tensor::scalar(x.type(), value));
  const auto side = [&](int64_t size) {
    Shape shape = x.shape();
    shape[static_cast<size_t>(axis)] = size;
    return broadcast_to(number, shape);
  };
  std::vector<Value> parts;
  if (before > 0) parts.push_back(side(before));
  parts.push_back(x);
  if (after > 0) parts.push_back(side(after));
  return concat(parts, axis);
}

Value along_channels(const Value& vector, size_t rank) { return along_axis(vector, 1, rank, {}); }

}  // namespace crease::onnx
