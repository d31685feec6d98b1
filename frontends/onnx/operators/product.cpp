// Sums of products: matrices, einsum, convolutions.
#include <algorithm>
#include <cctype>

#include "frontends/onnx/operators.h"
#include "frontends/onnx/operators/window.h"
#include "graph/error.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/movement.h"

namespace crease::onnx {
namespace {

/// A factor of a product of stacks of matrices, and the labels of its axes.
struct Factor {
  Value value;
  std::vector<std::string> labels;
};

/// Labels of the axes before the last `own` ones, counted from the right; an axis of size 1 that the other
/// factor has more of goes.
Factor stacked(Value value, size_t own, const Shape& other, size_t other_own,
               const std::vector<std::string>& last) {
  std::vector<std::string> labels;
  const Shape shape = value.shape();
  const size_t axes = shape.size() - own, others = other.size() - other_own;
  for (size_t axis = axes; axis-- > 0;) {
    const size_t from_right = axes - 1 - axis;
    const bool repeats =
        shape[axis] == Dim(1) && from_right < others && other[others - 1 - from_right] != Dim(1);
    if (repeats)
      value = squeeze(value, static_cast<int>(axis));
    else
      labels.insert(labels.begin(), fmt::format("n{}", from_right));
  }
  labels.insert(labels.end(), last.begin(), last.end());
  return {value, labels};
}

Results read_matmul(NodeReader& node) {
  const Value a = node.value(0), b = node.value(1);
  const size_t rows = a.shape().size(), columns = b.shape().size();
  expect(rows > 0 && columns > 0, "a number is no matrix");
  if (rows >= 2 && columns == 2) return {matmul(a, b, std::source_location())};
  const bool vector_a = rows == 1, vector_b = columns == 1;
  const Factor x = stacked(a, vector_a ? 1 : 2, b.shape(), vector_b ? 1 : 2,
                           vector_a ? std::vector<std::string>{"i"} : std::vector<std::string>{"a", "i"});
  const Factor y = stacked(b, vector_b ? 1 : 2, a.shape(), vector_a ? 1 : 2,
                           vector_b ? std::vector<std::string>{"i"} : std::vector<std::string>{"i", "b"});
  std::string result;
  for (size_t k = std::max(rows, columns); k-- > 0;) {
    const std::string label = fmt::format("n{}", k);
    if (std::ranges::count(x.labels, label) + std::ranges::count(y.labels, label) > 0) result += label + " ";
  }
  if (!vector_a) result += "a ";
  if (!vector_b) result += "b";
  return {einsum(fmt::format("{}, {} -> {}", fmt::join(x.labels, " "), fmt::join(y.labels, " "), result),
                 {x.value, y.value}, {})};
}

/// alpha A B + beta C, A and B transposed where their flags say so.
Results read_gemm(NodeReader& node) {
  const double alpha = node.real("alpha", 1), beta = node.real("beta", 1);
  if (node.opset() < 7) node.ignore("broadcast");
  Value a = node.value(0);
  if (node.integer("transA", 0) != 0) a = transpose(a);
  const Value b = node.value(1);
  expect(a.shape().size() == 2 && b.shape().size() == 2, "A {} and B {} must be matrices",
         to_string(a.shape()), to_string(b.shape()));
  Value y = node.integer("transB", 0) != 0 ? matmul_transposed(a, b, std::source_location())
                                           : matmul(a, b, std::source_location());
  if (alpha != 1) y = alpha * y;
  if (beta == 0 && node.has(2)) node.shape(2);  // there is nothing of it in the sum
  if (!node.has(2) || beta == 0) return {y};
  const Value c = node.value(2);
  return {add(y, beta == 1 ? c : beta * c, std::source_location())};
}

/// "bij,bjk->bik" with a blank between labels. Without an arrow the result has the labels that stand once, in
/// alphabetical order.
std::string pattern_of(const std::string& equation) {
  std::string text = equation;
  std::erase_if(text, [](unsigned char c) { return std::isspace(c) != 0; });
  for (const unsigned char c : text)
    expect(std::isalpha(c) != 0 || c == ',' || c == '-' || c == '>', "equation '{}' is not carried out",
           equation);
  if (text.find("->") == std::string::npos) {
    std::string once;
    for (const char c : text)
      if (c != ',' && std::ranges::count(text, c) == 1) once += c;
    std::ranges::sort(once);
    text += "->" + once;
  }
  std::string pattern;
  for (const char c : text) {
    pattern += c;
    if (std::isalpha(static_cast<unsigned char>(c)) != 0 || c == ',' || c == '>') pattern += ' ';
  }
  return pattern;
}

Results read_einsum(NodeReader& node) {
  std::vector<Value> factors;
  for (int k = 0; k < node.inputs(); ++k) factors.push_back(node.value(k));
  return {einsum(pattern_of(node.text("equation", "")), factors, {})};
}

std::vector<int64_t> taps_of(const Value& kernel) {
  expect(kernel.shape().size() > 2, "a kernel of shape {}", to_string(kernel.shape()));
  return sizes_of(Shape(kernel.shape().begin() + 2, kernel.shape().end()));
}

Value with_bias(NodeReader& node, const Value& y) {
  return node.has(2) ? y + along_channels(node.value(2), y.shape().size()) : y;
}

Results read_conv(NodeReader& node) {
  Value x = node.value(0);
  const Value kernel = node.value(1);
  Window window = read_window(node, x.shape(), taps_of(kernel));
  x = padded(x, window);
  const ConvOptions options{.stride = window.stride,
                            .padding = window.before,
                            .dilation = window.dilation,
                            .groups = node.integer("group", 1)};
  return {with_bias(node, (window.taps.size() == 1 ? conv1d : conv2d)(x, kernel, options))};
}

/// What a transposed convolution takes away at both ends so that output_shape is left, or, for auto_pad,
/// stride times the input. Less than nothing at the end: zeros. Source: docs/Operators.md, ConvTranspose.
void fit_output(NodeReader& node, const Shape& full, const Shape& x, Window& window) {
  const std::string automatic = node.text("auto_pad", "NOTSET");
  std::vector<int64_t> wanted = node.integers("output_shape", std::vector<int64_t>{});
  if (wanted.empty() && automatic.starts_with("SAME"))
    for (size_t k = 0; k < window.taps.size(); ++k) wanted.push_back(x[k + 2].size() * window.stride[k]);
  if (wanted.empty()) return;
  if (wanted.size() == full.size()) wanted.erase(wanted.begin(), wanted.begin() + 2);
  const auto fits = [](int64_t size) { return size > 0 && size < (int64_t{1} << 31); };
  expect(wanted.size() == window.taps.size() && std::ranges::all_of(wanted, fits),
         "output_shape does not fit the kernel");
  for (size_t k = 0; k < wanted.size(); ++k) {
    const int64_t total = full[k + 2].size() - wanted[k];
    window.before[k] = total < 0 ? 0 : automatic == "SAME_UPPER" ? total / 2 : total - total / 2;
    window.after[k] = total - window.before[k];
  }
}

Results read_conv_transpose(NodeReader& node) {
  const Value x = node.value(0), kernel = node.value(1);
  Window window = read_window(node, x.shape(), taps_of(kernel));
  const std::vector<int64_t> none(window.taps.size(), 0);
  const ConvTransposeOptions options{.stride = window.stride,
                                     .padding = none,
                                     .dilation = window.dilation,
                                     .output_padding = node.integers("output_padding", none),
                                     .groups = node.integer("group", 1)};
  Value y = (window.taps.size() == 1 ? conv_transpose1d : conv_transpose2d)(x, kernel, options);
  fit_output(node, y.shape(), x.shape(), window);
  for (size_t k = 0; k < window.taps.size(); ++k) {
    const auto axis = static_cast<int>(k) + 2;
    const int64_t size = y.shape()[k + 2].size(), end = size - window.after[k];
    expect(window.before[k] <= end, "pads take more than there is");
    if (end > size)
      y = pad(y, axis, 0, end - size);
    else if (window.before[k] + window.after[k] > 0)
      y = slice(y, axis, window.before[k], end);
  }
  return {with_bias(node, y)};
}

constexpr OperatorRow rows[] = {{"Conv", read_conv},
                                {"ConvTranspose", read_conv_transpose},
                                {"Einsum", read_einsum},
                                {"Gemm", read_gemm},
                                {"MatMul", read_matmul}};

}  // namespace

std::span<const OperatorRow> product_operators() { return rows; }

}  // namespace crease::onnx
