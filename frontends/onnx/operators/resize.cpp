// Images of another size: along each axis, every result is a weighted sum of a few elements.
// Source: github.com/onnx/onnx, docs/Operators.md, Resize.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "frontends/onnx/operators.h"
#include "graph/error.h"
#include "graph/ops/axes.h"
#include "graph/ops/contraction.h"
#include "graph/ops/movement.h"

namespace crease::onnx {
namespace {

/// One axis: `size` elements become `scale` times as many, which is `length`, rounded down to `results`.
struct Axis {
  int64_t size, results;
  double scale, length;
};

template <class F>
struct Named {
  const char* name;
  F function;
};

/// Where result i lies between the elements.
constexpr Named<double (*)(double i, const Axis& axis)> coordinates[] = {
    {"half_pixel", [](double i, const Axis& axis) { return (i + 0.5) / axis.scale - 0.5; }},
    {"pytorch_half_pixel",
     [](double i, const Axis& axis) { return axis.results > 1 ? (i + 0.5) / axis.scale - 0.5 : 0; }},
    {"align_corners",
     [](double i, const Axis& axis) {
       return axis.results > 1 ? i * static_cast<double>(axis.size - 1) / (axis.length - 1) : 0;
     }},
    {"asymmetric", [](double i, const Axis& axis) { return i / axis.scale; }}};

constexpr Named<double (*)(double)> roundings[] = {
    {"round_prefer_floor", [](double x) { return std::ceil(x - 0.5); }},
    {"round_prefer_ceil", [](double x) { return std::floor(x + 0.5); }},
    {"floor", [](double x) { return std::floor(x); }},
    {"ceil", [](double x) { return std::ceil(x); }}};

/// The row that an attribute names.
template <class Rows>
auto named(NodeReader& node, const char* attribute, const char* otherwise, const Rows& rows) {
  const std::string name = node.text(attribute, otherwise);
  const auto row = std::ranges::find(rows, name, [](const auto& r) { return std::string(r.name); });
  expect(row != std::end(rows), "{} '{}' is not carried out", attribute, name);
  return row->function;
}

/// Elements from `first` on, and what each counts.
struct Taps {
  double first;
  std::vector<double> weights;
};

/// Keys' cubic through four elements, t behind the second. Source: Keys 1981, equation 4.
std::vector<double> cubic_weights(double t, double a) {
  const auto near = [=](double d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
  const auto far = [=](double d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };
  return {far(1 + t), near(t), near(1 - t), far(2 - t)};
}

/// What lies between which elements: by mode.
class Kernel {
 public:
  explicit Kernel(NodeReader& node)
      : mode_(node.text("mode", "nearest")),
        coordinate_(named(node, "coordinate_transformation_mode",
                          node.opset() < 11 ? "asymmetric" : "half_pixel", coordinates)),
        round_(named(node, "nearest_mode", node.opset() < 11 ? "floor" : "round_prefer_floor", roundings)),
        steepness_(node.real("cubic_coeff_a", -0.75)) {
    expect(mode_ == "nearest" || mode_ == "linear" || mode_ == "cubic", "mode '{}' is not carried out",
           mode_);
  }

  Taps taps(int64_t result, const Axis& axis) const {
    const double x = coordinate_(static_cast<double>(result), axis), left = std::floor(x);
    if (mode_ == "nearest") return {round_(x), {1}};
    if (mode_ == "linear") return {left, {left + 1 - x, x - left}};
    return {left - 1, cubic_weights(x - left, steepness_)};
  }

 private:
  std::string mode_;
  double (*coordinate_)(double, const Axis&);
  double (*round_)(double);
  double steepness_;
};

/// The weight of each element in each result, [results, size]: what lies beyond an end is the end.
Tensor weights(const Kernel& kernel, const Axis& axis, Type type) {
  Tensor matrix(type, {axis.results, axis.size});
  for (int64_t i = 0; i < axis.results; ++i) {
    const auto [first, shares] = kernel.taps(i, axis);
    for (size_t k = 0; k < shares.size(); ++k) {
      const double place = first + static_cast<double>(k), last = static_cast<double>(axis.size - 1);
      const int64_t at = i * axis.size + static_cast<int64_t>(std::clamp(place, 0.0, last));
      matrix.set(at, matrix.at(at) + shares[k]);
    }
  }
  return matrix;
}

/// Whether every element stands there as often as the results are more, in order.
bool repeats(const Tensor& matrix, const Axis& axis) {
  if (axis.results % axis.size != 0) return false;
  for (int64_t i = 0; i < axis.results; ++i)
    if (matrix.at(i * axis.size + i / (axis.results / axis.size)) != 1) return false;
  return true;
}

Value repeated(const Value& x, size_t axis, int64_t times) {
  Shape apart = x.shape(), together = x.shape();
  apart.insert(apart.begin() + static_cast<int64_t>(axis) + 1, Dim(times));
  together[axis] = x.shape()[axis].size() * times;
  return reshape(broadcast_to(unsqueeze(x, static_cast<int>(axis) + 1), apart), together);
}

/// sum_j matrix[i, j] x[..., j, ...].
Value along(const Value& x, size_t axis, const Tensor& matrix) {
  std::string from, to;
  for (size_t d = 0; d < x.shape().size(); ++d) {
    from += fmt::format("d{} ", d);
    to += d == axis ? "i " : fmt::format("d{} ", d);
  }
  return einsum(fmt::format("{}, i d{} -> {}", from, axis, to), {x, x.graph().constant(matrix)}, {});
}

/// The axes that change, by number.
std::map<size_t, Axis> axes_that_change(NodeReader& node) {
  const Shape x = node.shape(0);
  std::vector<int64_t> all(x.size());
  std::iota(all.begin(), all.end(), 0);
  const std::vector<size_t> axes = axes_of(node.integers("axes", all), x.size());
  const int scales_at = node.opset() < 11 ? 1 : 2, sizes_at = 3;
  const auto scales = node.has(scales_at) ? node.constant(scales_at) : Tensor(Type::f32, {0});
  const bool by_scales = scales.count() > 0;
  const auto sizes = by_scales ? std::vector<Size>() : node.sizes(sizes_at).values;
  const size_t given = by_scales ? static_cast<size_t>(scales.count()) : sizes.size();
  expect(given == axes.size(), "{} scales or sizes for {} axes", given, axes.size());
  std::map<size_t, Axis> result;
  for (size_t k = 0; k < axes.size(); ++k) {
    const size_t axis = axes[k];
    if (by_scales ? scales.at(static_cast<int64_t>(k)) == 1 : sizes[k] == size_of(x[axis])) continue;
    const int64_t size = known_size("resize", x, axis, {});
    const auto n = static_cast<double>(size);
    const double scale =
        by_scales ? scales.at(static_cast<int64_t>(k)) : static_cast<double>(sizes[k].number) / n;
    const double length = by_scales ? n * scale : static_cast<double>(sizes[k].number);
    constexpr double most = 1 << 22;
    expect(size > 0 && length >= 1 && n * length <= most,
           "{} elements become {}: want from 1 to 2^22 weights", size, length);
    result.emplace(axis, Axis{size, static_cast<int64_t>(length), scale, length});
  }
  return result;
}

Results read_resize(NodeReader& node) {
  const Kernel kernel(node);
  expect(node.integer("antialias", 0) == 0, "antialias is not carried out");
  expect(node.integer("exclude_outside", 0) == 0, "exclude_outside is not carried out");
  expect(node.text("keep_aspect_ratio_policy", "stretch") == "stretch",
         "keep_aspect_ratio_policy is not carried out");
  node.ignore("extrapolation_value");  // of tf_crop_and_resize, as is the region of interest
  if (node.opset() >= 11 && node.has(1)) node.is_constant(1);
  const std::map<size_t, Axis> axes = axes_that_change(node);
  Value x = node.value(0);
  for (const auto& [place, axis] : axes) {
    const Tensor matrix = weights(kernel, axis, x.type());
    x = repeats(matrix, axis) ? repeated(x, place, axis.results / axis.size) : along(x, place, matrix);
  }
  return {x};
}

constexpr OperatorRow rows[] = {{"Resize", read_resize}};

}  // namespace

std::span<const OperatorRow> resize_operators() { return rows; }

}  // namespace crease::onnx
