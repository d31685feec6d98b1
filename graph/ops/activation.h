// Activations: one row each. To add one, write its row and add its name to the list at the end; kinks,
// slopes, saturation, bounds, derivatives, code, text and tests are read from the body.
#pragma once

#include <cmath>
#include <numbers>
#include <vector>

#include "graph/error.h"
#include "graph/op.h"

namespace crease {
namespace activation_detail {

// Klambauer et al. 2017, equation 14, in double precision.
inline constexpr double selu_alpha = 1.6732632423543772848170429916717;
inline constexpr double selu_lambda = 1.0507009873554804934193349852946;

/// x where positive, else alpha (exp(x) - 1).
inline Scalar exponential_linear(const Scalar& x, double alpha) { return select(x > 0, x, alpha * expm1(x)); }

}  // namespace activation_detail

inline const Op identity{.name = "identity", .doc = "x.", .body = [](Scalar x) { return x; }};

inline const Op step{.name = "step",
                     .doc = "1 for x > 0, else 0. Jump at 0, slope 0 everywhere. NaN -> 0.",
                     .body = [](Scalar x) { return select(x > 0, 1, 0); }};

inline const Op sign{.name = "sign",
                     .doc = "-1, 0 or 1. Jump at 0, slope 0 everywhere. NaN -> 0.",
                     .body = [](Scalar x) { return select(x > 0, 1, select(x < 0, -1, 0)); }};

inline const Op relu{.name = "relu",
                     .doc = "max(x, 0). Kink at 0, slopes 0 and 1. NaN -> NaN. Glorot, Bordes, Bengio 2011.",
                     .body = [](Scalar x) { return max(x, 0); }};

inline const Op relu6{.name = "relu6",
                      .doc = "min(max(x, 0), 6). Kinks at 0 and 6. Krizhevsky 2010.",
                      .body = [](Scalar x) { return min(max(x, 0), 6); }};

inline const Op abs_op{
    .name = "abs",
    .doc = "|x|. Kink at 0, slopes -1 and 1. Jarrett et al. 2009 (absolute value rectification).",
    .body = [](Scalar x) { return abs(x); }};

inline const Op squared_relu{
    .name = "squared_relu",
    .doc = "max(x, 0)^2. Smooth once; the second derivative jumps from 0 to 2. So et al. 2021.",
    .body = [](Scalar x) { return max(x, 0) * max(x, 0); }};

inline const Op elu{.name = "elu",
                    .doc = "x for x > 0, else exp(x) - 1. Clevert et al. 2016 with alpha = 1.",
                    .body = [](Scalar x) { return activation_detail::exponential_linear(x, 1); }};

inline const Op selu{
    .name = "selu",
    .doc = "1.0507 (x for x > 0, else 1.6733 (exp(x) - 1)). Kink at 0. Klambauer et al. 2017.",
    .body = [](Scalar x) {
      return activation_detail::selu_lambda *
             activation_detail::exponential_linear(x, activation_detail::selu_alpha);
    }};

inline const Op celu{.name = "celu",
                     .doc = "max(x, 0) + min(0, exp(x) - 1), alpha = 1. Barron 2017.",
                     .body = [](Scalar x) { return select(x > 0, x, expm1(x)); }};

inline const Op gelu{.name = "gelu",
                     .doc = "x (1 + erf(x / sqrt 2)) / 2. Hendrycks and Gimpel 2016.",
                     .body = [](Scalar x) { return 0.5 * x * (1 + erf(x * (1 / std::numbers::sqrt2))); }};

inline const Op gelu_tanh{
    .name = "gelu_tanh",
    .doc = "x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2, near gelu. Hendrycks and Gimpel 2016.",
    .body = [](Scalar x) {
      const double scale = std::numbers::inv_sqrtpi * std::numbers::sqrt2;  // sqrt(2 / pi)
      return 0.5 * x * (1 + tanh(scale * (x + 0.044715 * x * x * x)));
    }};

inline const Op silu{.name = "silu",
                     .doc = "x sigmoid(x), also called swish. Elfwing et al. 2017; Ramachandran et al. 2017.",
                     .body = [](Scalar x) { return x * sigmoid(x); }};

inline const Op mish{.name = "mish", .doc = "x tanh(softplus(x)). Misra 2019.", .body = [](Scalar x) {
                       return x * tanh(softplus(x));
                     }};

inline const Op hard_swish{.name = "hard_swish",
                           .doc = "x min(max(x + 3, 0), 6) / 6. Kinks at -3 and 3. Howard et al. 2019.",
                           .body = [](Scalar x) { return x * min(max(x + 3, 0), 6) / 6; }};

inline const Op hard_sigmoid{
    .name = "hard_sigmoid",
    .doc = "min(max(x / 6 + 1/2, 0), 1). Kinks at -3 and 3. Courbariaux et al. 2015 with slope 1/6.",
    .body = [](Scalar x) { return min(max(x / 6 + 0.5, 0), 1); }};

inline const Op hard_tanh{.name = "hard_tanh",
                          .doc = "min(max(x, -1), 1). Kinks at -1 and 1. Collobert 2004.",
                          .body = [](Scalar x) { return min(max(x, -1), 1); }};

inline const Op soft_sign{.name = "soft_sign",
                          .doc = "x / (1 + |x|). Smooth once. Bergstra et al. 2009.",
                          .body = [](Scalar x) { return x / (1 + abs(x)); }};

inline const Op softplus_op{.name = "softplus",
                            .doc = "log(1 + exp(x)), without overflow. Dugas et al. 2001.",
                            .body = [](Scalar x) { return softplus(x); }};

inline const Op sigmoid_op{
    .name = "sigmoid", .doc = "1 / (1 + exp(-x)).", .body = [](Scalar x) { return sigmoid(x); }};

inline const Op tanh_op{
    .name = "tanh", .doc = "Hyperbolic tangent.", .body = [](Scalar x) { return tanh(x); }};

inline const Op sin_op{.name = "sin", .doc = "Sine of radians.", .body = [](Scalar x) { return sin(x); }};

/// x for x >= 0, else slope * x: the greater of the two up to slope 1, the smaller above, so that one
/// comparison decides. Errors: Error unless the slope is finite.
inline Op leaky_relu(double slope = 0.01) {
  expect(std::isfinite(slope), "[leaky_relu] slope {} is not finite", slope);
  return {.name = "leaky_relu",
          .doc = "max(x, 0) + slope min(x, 0). Kink at 0, slopes `slope` and 1. Maas et al. 2013.",
          .body =
              [=](Scalar x) {
                const Scalar below = slope == 0 ? Scalar(0) : slope * x;  // 0 * infinity is NaN
                return slope <= 1 ? max(x, below) : min(x, below);
              },
          .attributes = {{"slope", slope}}};
}

/// scale (x for x > 0, else alpha (exp(x / width) - 1)): elu, selu and celu with factors of their own.
/// Errors: Error unless all are finite, and the width is not 0.
inline Op exponential_linear(double alpha, double scale = 1, double width = 1) {
  const bool finite = std::isfinite(alpha) && std::isfinite(scale) && std::isfinite(width);
  expect(finite && width != 0,
         "[exponential_linear] alpha {}, scale {}, width {}: want finite numbers, and a width", alpha, scale,
         width);
  return {.name = "exponential_linear",
          .doc = "scale (x for x > 0, else alpha (exp(x / width) - 1)). Barron 2017 where alpha = width.",
          .body =
              [=](Scalar x) {
                const Scalar below = alpha * (width == 1 ? expm1(x) : expm1(x / width));
                const Scalar y = select(x > 0, x, below);
                return scale == 1 ? y : scale * y;
              },
          .attributes = {{"alpha", alpha}, {"scale", scale}, {"width", width}}};
}

/// min(max(x, low), high). Errors: Error unless low <= high.
inline Op clip(double low, double high) {
  expect(low <= high, "[clip] low {} is above high {}", low, high);
  return {.name = "clip",
          .doc = "min(max(x, low), high). Kinks at low and high.",
          .body = [=](Scalar x) { return min(max(x, low), high); },
          .attributes = {{"low", low}, {"high", high}}};
}

/// The rows above, in order, for the catalogue.
inline const std::vector<const Op*>& activations() {
  static const std::vector<const Op*> rows{
      &identity,  &step,      &sign,        &relu,       &relu6,   &abs_op, &squared_relu, &elu,
      &selu,      &celu,      &gelu,        &gelu_tanh,  &silu,    &mish,   &hard_swish,   &hard_sigmoid,
      &hard_tanh, &soft_sign, &softplus_op, &sigmoid_op, &tanh_op, &sin_op};
  return rows;
}

}  // namespace crease
