// Activations: one-argument maps. Adding one is adding a row in activation.cpp and its name here.
#pragma once

#include "graph/op.h"

namespace crease {

extern const Op identity, step, sign, relu, relu6, abs_op, squared_relu, elu, selu, celu, gelu, silu, mish,
    hard_swish, hard_sigmoid, hard_tanh, soft_sign, softplus_op, sigmoid_op, tanh_op, sin_op;

/// max(x, 0) + slope * min(x, 0).
Op leaky_relu(double slope = 0.01);
/// min(max(x, low), high). Errors: Error unless low <= high.
Op clip(double low, double high);

}  // namespace crease
