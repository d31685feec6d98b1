// Attention: compositions of products and softmax.
#pragma once

#include "frontends/layers.h"

namespace crease {

/// softmax(q k^T / sqrt(d)) v for each head; causal: position t sees positions up to t.
/// Shapes: q [n, tq, heads, d], k [n, tk, heads, d], v [n, tk, heads, e] -> [n, tq, heads, e].
/// Errors: Error unless the shapes fit. Source: Vaswani et al. 2017, equation 1.
Value attention(const Value& q, const Value& k, const Value& v, bool causal = false,
                std::source_location where = std::source_location::current());

struct AttentionOptions {
  bool causal = false;
  LinearOptions linear = {.init = glorot_uniform};
};

/// Self-attention with parts "query", "key", "value" and "output", linear layers of features x features.
/// Shapes: x [n, time, features] -> the same. Errors: Error unless heads divides features.
Layer multi_head_attention(int64_t features, int64_t heads, const AttentionOptions& options = {},
                           std::source_location where = std::source_location::current());

}  // namespace crease
