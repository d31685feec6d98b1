// Arithmetic, comparisons and activations, with the broadcasting of NumPy.
#include <cmath>
#include <limits>

#include "frontends/onnx/operators.h"
#include "frontends/onnx/operators/window.h"
#include "frontends/onnx/stored_tensor.h"
#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/cast.h"

namespace crease::onnx {
namespace {

/// An operation of one argument.
template <Value (*function)(const Operand&)>
Results unary(NodeReader& node) {
  return {function(node.value(0))};
}
template <const Op& op>
Results unary(NodeReader& node) {
  return {op(node.value(0))};
}

/// One of two arguments. A number takes its place in the body, so that max(x, 0) is relu(x).
template <class F>
Value with_number(NodeReader& node, int a, int b, const F& f) {
  if (node.opset() < 7) node.ignore("broadcast");  // of equal last sizes; others have an axis
  if (const auto y = node.number(b, node.shape(a).size())) return f(node.operand(a), Number(*y, {}));
  if (const auto x = node.number(a, node.shape(b).size())) return f(Number(*x, {}), node.operand(b));
  return f(node.operand(a), node.operand(b));
}

/// Arithmetic with integers that are known when the file is read.
template <class F>
std::optional<Sizes> of_sizes(NodeReader& node, const F& f) {
  if (!node.is_sizes(0) || !node.is_sizes(1)) return {};
  const Sizes a = node.sizes(0), b = node.sizes(1);
  const size_t m = a.values.size(), n = b.values.size(), count = std::max(m, n);
  if ((m != count && m != 1) || (n != count && n != 1)) return {};
  Sizes result{.values = {}, .scalar = a.scalar && b.scalar};
  for (size_t k = 0; k < count; ++k) {
    const std::optional<Size> size = f(a.values[m == 1 ? 0 : k], b.values[n == 1 ? 0 : k]);
    if (!size) return {};
    result.values.push_back(*size);
  }
  return result;
}

/// Of numbers only, and of none whose product might not fit.
template <class F>
std::optional<Size> of_numbers(const Size& x, const Size& y, const F& f) {
  constexpr int64_t most = int64_t{1} << 31;
  const auto fits = [](const Size& size) { return size.symbol.empty() && std::abs(size.number) <= most; };
  if (!fits(x) || !fits(y)) return {};
  return Size{.number = f(x.number, y.number)};
}

Results read_add(NodeReader& node) {
  const auto of = [](const Size& x, const Size& y) {
    return of_numbers(x, y, [](int64_t a, int64_t b) { return a + b; });
  };
  if (const auto sizes = of_sizes(node, of)) return {*sizes};
  return {with_number(node, 0, 1, [](const auto& x, const auto& y) { return x + y; })};
}

Results read_sub(NodeReader& node) {
  const auto of = [](const Size& x, const Size& y) {
    return of_numbers(x, y, [](int64_t a, int64_t b) { return a - b; });
  };
  if (const auto sizes = of_sizes(node, of)) return {*sizes};
  return {with_number(node, 0, 1, [](const auto& x, const auto& y) { return x - y; })};
}

Results read_mul(NodeReader& node) {
  const auto of = [](const Size& x, const Size& y) -> std::optional<Size> {
    if (x == Size{.number = 1}) return y;
    if (y == Size{.number = 1}) return x;
    return of_numbers(x, y, [](int64_t a, int64_t b) { return a * b; });
  };
  if (const auto sizes = of_sizes(node, of)) return {*sizes};
  if (node.same(0, 1)) return {square(node.value(0))};  // whose bounds know that it is not negative
  return {with_number(node, 0, 1, [](const auto& x, const auto& y) { return x * y; })};
}

Results read_div(NodeReader& node) {
  const auto of = [](const Size& x, const Size& y) -> std::optional<Size> {
    if (y == Size{.number = 1}) return x;
    if (y == Size{.number = 0}) return {};
    return of_numbers(x, y, [](int64_t a, int64_t b) { return a / b; });
  };
  if (const auto sizes = of_sizes(node, of)) return {*sizes};
  return {with_number(node, 0, 1, [](const auto& x, const auto& y) { return x / y; })};
}

/// Of sizes only, with the sign of the divisor.
Results read_mod(NodeReader& node) {
  expect(node.integer("fmod", 0) == 0, "fmod is not carried out");
  const auto of = [](const Size& x, const Size& y) -> std::optional<Size> {
    if (y.number <= 0) return {};
    return of_numbers(x, y, [](int64_t a, int64_t b) { return (a % b + b) % b; });
  };
  const auto sizes = of_sizes(node, of);
  expect(sizes.has_value(), "a remainder is carried out for sizes that are known only");
  return {*sizes};
}

/// Whole exponents by multiplication; others as PyTorch's and NumPy's pow, for x >= 0.
Results read_pow(NodeReader& node) {
  const auto exponent = node.number(1, node.shape(0).size());
  expect(exponent.has_value(), "the exponent must be a constant number");
  const Value x = node.value(0);
  if (*exponent == 0.5) return {sqrt(x)};
  if (*exponent == -0.5) return {1 / sqrt(x)};
  if (*exponent == std::trunc(*exponent) && std::abs(*exponent) <= std::numeric_limits<int>::max())
    return {pow(x, static_cast<int>(*exponent))};
  return {exp(*exponent * log(x))};
}

/// Max, Min, Sum of one value and more.
template <class F>
Value folded(NodeReader& node, const F& f) {
  expect(node.inputs() > 0, "no inputs");
  if (node.inputs() == 2) return with_number(node, 0, 1, f);
  Value result = node.value(0);
  for (int k = 1; k < node.inputs(); ++k) result = f(result, node.value(k));
  return result;
}

Results read_max(NodeReader& node) {
  return {folded(node, [](const auto& x, const auto& y) { return max(x, y); })};
}
Results read_min(NodeReader& node) {
  return {folded(node, [](const auto& x, const auto& y) { return min(x, y); })};
}
Results read_sum(NodeReader& node) {
  return {folded(node, [](const auto& x, const auto& y) { return x + y; })};
}
Results read_mean(NodeReader& node) {
  const double count = node.inputs();
  return {folded(node, [](const auto& x, const auto& y) { return x + y; }) / count};
}

/// Bounds are attributes before version 11, constants mostly after it.
Results read_clip(NodeReader& node) {
  constexpr double none = std::numeric_limits<double>::infinity();
  const size_t rank = node.shape(0).size();
  std::optional<double> low = node.real("min", -none), high = node.real("max", none);
  if (node.has(1)) low = node.number(1, rank);
  if (node.has(2)) high = node.number(2, rank);
  const Value x = node.value(0);
  // The limits of f32 stand for no bound.
  constexpr double limit = std::numeric_limits<float>::max();
  if (low && *low <= -limit) low = -none;
  if (high && *high >= limit) high = none;
  const bool above = low != -none, below = high != none;
  if (low == 0 && high == 6) return {relu6(x)};
  if (low && high && above && below && *low <= *high) return {clip(*low, *high)(x)};
  Value y = x;
  if (!low)
    y = max(y, node.value(1));
  else if (above)
    y = *low == 0 ? relu(y) : max(y, Number(*low));
  if (!high)
    y = min(y, node.value(2));
  else if (below)
    y = min(y, Number(*high));
  return {y};
}

Results read_leaky_relu(NodeReader& node) { return {leaky_relu(node.real("alpha", 0.01F))(node.value(0))}; }

/// Before version 7 a vector of slopes is one a channel.
Results read_prelu(NodeReader& node) {
  const Value x = node.value(0), slope = node.value(1);
  const bool by_channel = node.opset() < 7 && slope.shape().size() == 1 && slope.shape()[0] != Dim(1);
  return {prelu(x, by_channel ? along_channels(slope, x.shape().size()) : slope, std::source_location())};
}

Results read_elu(NodeReader& node) {
  const double alpha = node.real("alpha", 1);
  return {(alpha == 1 ? elu : exponential_linear(alpha))(node.value(0))};
}

Results read_celu(NodeReader& node) {
  const double alpha = node.real("alpha", 1);
  return {(alpha == 1 ? celu : exponential_linear(alpha, 1, alpha))(node.value(0))};
}

Results read_selu(NodeReader& node) {
  const auto near = [](double a, double b) { return static_cast<float>(a) == static_cast<float>(b); };
  const double alpha = node.real("alpha", activation_detail::selu_alpha);
  const double scale = node.real("gamma", activation_detail::selu_lambda);
  const bool usual =
      near(alpha, activation_detail::selu_alpha) && near(scale, activation_detail::selu_lambda);
  return {(usual ? selu : exponential_linear(alpha, scale))(node.value(0))};
}

Results read_thresholded_relu(NodeReader& node) {
  const double alpha = node.real("alpha", 1);
  const Value x = node.value(0);
  return {where(x > alpha, x, 0)};
}

Results read_hard_sigmoid(NodeReader& node) {
  const double alpha = node.real("alpha", 0.2F), beta = node.real("beta", 0.5);
  return {min(max(alpha * node.value(0) + beta, 0), 1)};
}

Results read_gelu(NodeReader& node) {
  const std::string approximate = node.text("approximate", "none");
  expect(approximate == "none" || approximate == "tanh", "attribute 'approximate' is '{}'", approximate);
  return {(approximate == "tanh" ? gelu_tanh : gelu)(node.value(0))};
}

Results read_tan(NodeReader& node) {
  const Value x = node.value(0);
  return {sin(x) / cos(x)};
}
Results read_ceil(NodeReader& node) { return {-floor(-node.value(0))}; }
Results read_reciprocal(NodeReader& node) { return {1 / node.value(0)}; }

template <class F>
Results comparison(NodeReader& node, const F& f) {
  return {with_number(node, 0, 1, f)};
}
Results read_less(NodeReader& node) {
  return comparison(node, [](const auto& x, const auto& y) { return x < y; });
}
Results read_less_or_equal(NodeReader& node) {
  return comparison(node, [](const auto& x, const auto& y) { return x <= y; });
}
Results read_greater(NodeReader& node) {
  return comparison(node, [](const auto& x, const auto& y) { return x > y; });
}
Results read_greater_or_equal(NodeReader& node) {
  return comparison(node, [](const auto& x, const auto& y) { return x >= y; });
}
Results read_equal(NodeReader& node) { return {equal_to(node.value(0), node.value(1))}; }
Results read_and(NodeReader& node) { return {node.value(0) && node.value(1)}; }
Results read_or(NodeReader& node) { return {node.value(0) || node.value(1)}; }
Results read_not(NodeReader& node) { return {!node.value(0)}; }

Results read_where(NodeReader& node) {
  const Value condition = node.value(0);
  const size_t rank = std::max(condition.shape().size(), node.shape(1).size());
  if (const auto y = node.number(2, rank)) return {where(condition, node.value(1), Number(*y))};
  return {where(condition, node.value(1), node.value(2))};
}

Results read_cast(NodeReader& node) {
  node.ignore("saturate");  // of 8-bit floating types
  const Type type = element_type(node.integer("to", 0));
  if (node.is_sizes(0) && type == Type::i64) return {node.sizes(0)};
  return {cast(node.value(0), type)};
}

Results read_identity(NodeReader& node) {
  if (node.is_sizes(0)) return {node.sizes(0)};
  return {node.value(0)};
}

Results read_dropout(NodeReader& node) {
  for (const char* name : {"ratio", "seed"}) node.ignore(name);
  if (node.opset() < 7) node.expect_inference();
  if (node.has(1)) node.is_constant(1);
  if (node.has(2))
    expect(node.constant(2).item() == 0, "it is part of a training: networks are read for inference");
  return {node.value(0)};
}

constexpr OperatorRow rows[] = {{"Abs", unary<abs>},
                                {"Add", read_add},
                                {"And", read_and},
                                {"Cast", read_cast},
                                {"Ceil", read_ceil},
                                {"Celu", read_celu},
                                {"Clip", read_clip},
                                {"Cos", unary<cos>},
                                {"Div", read_div},
                                {"Dropout", read_dropout},
                                {"Elu", read_elu},
                                {"Equal", read_equal},
                                {"Erf", unary<erf>},
                                {"Exp", unary<exp>},
                                {"Floor", unary<floor>},
                                {"Gelu", read_gelu},
                                {"Greater", read_greater},
                                {"GreaterOrEqual", read_greater_or_equal},
                                {"HardSigmoid", read_hard_sigmoid},
                                {"HardSwish", unary<hard_swish>},
                                {"Identity", read_identity},
                                {"LeakyRelu", read_leaky_relu},
                                {"Less", read_less},
                                {"LessOrEqual", read_less_or_equal},
                                {"Log", unary<log>},
                                {"Max", read_max},
                                {"Mean", read_mean},
                                {"Min", read_min},
                                {"Mish", unary<mish>},
                                {"Mod", read_mod},
                                {"Mul", read_mul},
                                {"Neg", unary<negate>},
                                {"Not", read_not},
                                {"Or", read_or},
                                {"PRelu", read_prelu},
                                {"Pow", read_pow},
                                {"Reciprocal", read_reciprocal},
                                {"Relu", unary<relu>},
                                {"Selu", read_selu},
                                {"Sigmoid", unary<sigmoid>},
                                {"Sign", unary<sign>},
                                {"Sin", unary<sin>},
                                {"Softplus", unary<softplus>},
                                {"Softsign", unary<soft_sign>},
                                {"Sqrt", unary<sqrt>},
                                {"Sub", read_sub},
                                {"Sum", read_sum},
                                {"Tan", read_tan},
                                {"Tanh", unary<tanh>},
                                {"ThresholdedRelu", read_thresholded_relu},
                                {"Where", read_where}};

}  // namespace

std::span<const OperatorRow> elementwise_operators() { return rows; }

}  // namespace crease::onnx
