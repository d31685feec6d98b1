// One row an activation. Kinks, slopes, saturation, bounds and code are read from the body.
#include "graph/ops/activation.h"

#include <cmath>
#include <numbers>

#include "graph/error.h"

namespace crease {
namespace {

// Klambauer et al. 2017, equation 14, in double precision.
constexpr double selu_alpha = 1.6732632423543772848170429916717;
constexpr double selu_lambda = 1.0507009873554804934193349852946;

/// x where positive, else alpha (exp(x) - 1).
Scalar exponential_linear(const Scalar& x, double alpha) { return select(x > 0, x, alpha * expm1(x)); }

}  // namespace

const Op identity{.name = "identity", .doc = "x.", .body = [](Scalar x) { return x; }};

const Op step{.name = "step",
              .doc = "1 for x > 0, else 0. Jump at 0, slope 0 everywhere. NaN -> 0.",
              .body = [](Scalar x) { return select(x > 0, 1, 0); }};

const Op sign{.name = "sign",
              .doc = "-1, 0 or 1. Jump at 0, slope 0 everywhere. NaN -> 0.",
              .body = [](Scalar x) { return select(x > 0, 1, select(x < 0, -1, 0)); }};

const Op relu{.name = "relu",
              .doc = "max(x, 0). Kink at 0, slopes 0 and 1. NaN -> NaN. Glorot, Bordes, Bengio 2011.",
              .body = [](Scalar x) { return max(x, 0); }};

const Op relu6{.name = "relu6",
               .doc = "min(max(x, 0), 6). Kinks at 0 and 6. Krizhevsky 2010.",
               .body = [](Scalar x) { return min(max(x, 0), 6); }};

const Op abs_op{.name = "abs",
                .doc = "|x|. Kink at 0, slopes -1 and 1. Jarrett et al. 2009 (absolute value rectification).",
                .body = [](Scalar x) { return abs(x); }};

const Op squared_relu{
    .name = "squared_relu",
    .doc = "max(x, 0)^2. Smooth once; the second derivative jumps from 0 to 2. So et al. 2021.",
    .body = [](Scalar x) { return max(x, 0) * max(x, 0); }};

const Op elu{.name = "elu",
             .doc = "x for x > 0, else exp(x) - 1. Clevert et al. 2016 with alpha = 1.",
             .body = [](Scalar x) { return exponential_linear(x, 1); }};

const Op selu{.name = "selu",
              .doc = "1.0507 (x for x > 0, else 1.6733 (exp(x) - 1)). Kink at 0. Klambauer et al. 2017.",
              .body = [](Scalar x) { return selu_lambda * exponential_linear(x, selu_alpha); }};

const Op celu{.name = "celu",
              .doc = "max(x, 0) + min(0, exp(x) - 1), alpha = 1. Barron 2017.",
              .body = [](Scalar x) { return select(x > 0, x, expm1(x)); }};

const Op gelu{.name = "gelu",
              .doc = "x (1 + erf(x / sqrt 2)) / 2. Hendrycks and Gimpel 2016.",
              .body = [](Scalar x) { return 0.5 * x * (1 + erf(x * (1 / std::numbers::sqrt2))); }};

const Op silu{.name = "silu",
              .doc = "x sigmoid(x), also called swish. Elfwing et al. 2017; Ramachandran et al. 2017.",
              .body = [](Scalar x) { return x * sigmoid(x); }};

const Op mish{.name = "mish", .doc = "x tanh(softplus(x)). Misra 2019.", .body = [](Scalar x) {
                return x * tanh(softplus(x));
              }};

const Op hard_swish{.name = "hard_swish",
                    .doc = "x min(max(x + 3, 0), 6) / 6. Kinks at -3 and 3. Howard et al. 2019.",
                    .body = [](Scalar x) { return x * min(max(x + 3, 0), 6) / 6; }};

const Op hard_sigmoid{
    .name = "hard_sigmoid",
    .doc = "min(max(x / 6 + 1/2, 0), 1). Kinks at -3 and 3. Courbariaux et al. 2015 with slope 1/6.",
    .body = [](Scalar x) { return min(max(x / 6 + 0.5, 0), 1); }};

const Op hard_tanh{.name = "hard_tanh",
                   .doc = "min(max(x, -1), 1). Kinks at -1 and 1. Collobert 2004.",
                   .body = [](Scalar x) { return min(max(x, -1), 1); }};

const Op soft_sign{.name = "soft_sign",
                   .doc = "x / (1 + |x|). Smooth once. Bergstra et al. 2009.",
                   .body = [](Scalar x) { return x / (1 + abs(x)); }};

const Op softplus_op{.name = "softplus",
                     .doc = "log(1 + exp(x)), without overflow. Dugas et al. 2001.",
                     .body = [](Scalar x) { return softplus(x); }};

const Op sigmoid_op{
    .name = "sigmoid", .doc = "1 / (1 + exp(-x)).", .body = [](Scalar x) { return sigmoid(x); }};

const Op tanh_op{.name = "tanh", .doc = "Hyperbolic tangent.", .body = [](Scalar x) { return tanh(x); }};

const Op sin_op{.name = "sin", .doc = "Sine of radians.", .body = [](Scalar x) { return sin(x); }};

Op leaky_relu(double slope) {
  expect(std::isfinite(slope), "[leaky_relu] slope {} is not finite", slope);
  return {.name = "leaky_relu",
          .doc = "max(x, 0) + slope min(x, 0). Kink at 0, slopes `slope` and 1. Maas et al. 2013.",
          .body = [=](Scalar x) { return max(x, 0) + slope * min(x, 0); },
          .attributes = {{"slope", slope}}};
}

Op clip(double low, double high) {
  expect(low <= high, "[clip] low {} is above high {}", low, high);
  return {.name = "clip",
          .doc = "min(max(x, low), high). Kinks at low and high.",
          .body = [=](Scalar x) { return min(max(x, low), high); },
          .attributes = {{"low", low}, {"high", high}}};
}

}  // namespace crease
