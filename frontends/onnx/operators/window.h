// What convolutions and pooling share: windows that move over the last axes.
#pragma once

#include "frontends/onnx/node_reader.h"

namespace crease::onnx {

/// By axis of [n, c, ...], n and c not counted.
struct Window {
  std::vector<int64_t> taps, stride, dilation, before, after;
  std::vector<int64_t> beyond;  // of after: what a last window beyond the padding wants

  bool is_symmetric() const { return before == after; }
};

/// The attributes of a window with these taps over x. Errors: Error for other ranks than 3 and 4, for numbers
/// that do not fit, and for a padding or rounding that wants a size that has no number.
Window read_window(NodeReader& node, const Shape& x, const std::vector<int64_t>& taps);

/// x with a value around it where the padding is not the same at both ends; the window has none then.
Value padded(const Value& x, Window& window, double value = 0);

/// x with so many elements of one value before and after it.
Value padded_with(const Value& x, int axis, int64_t before, int64_t after, double value);

/// A vector [c] along axis 1 of a value of this rank.
Value along_channels(const Value& vector, size_t rank);

}  // namespace crease::onnx
