#include "frontends/layers/attention.h"

#include <cmath>

#include "frontends/losses.h"
#include "graph/error.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/axes.h"
#include "graph/ops/movement.h"

namespace crease {
namespace {

const Op scores_op{.name = "attention_scores",
                   .doc = "s[n, h, q, k] = sum_d x[n, q, h, d] y[n, k, h, d].",
                   .loops = "n q h d, n k h d -> n h q k",
                   .body = [](Scalar q, Scalar k) { return q * k; },
                   .combine = Combine::Sum};

const Op weighted_op{.name = "attention_values",
                     .doc = "y[n, q, h, d] = sum_k w[n, h, q, k] v[n, k, h, d].",
                     .loops = "n h q k, n k h d -> n q h d",
                     .body = [](Scalar w, Scalar v) { return w * v; },
                     .combine = Combine::Sum};

/// Scores of later positions become so small that their weight is 0.
const Op causal_op{.name = "causal",
                   .doc = "x[n, h, q, k] where k <= q, else -1e30.",
                   .loops = "n h q k -> n h q k",
                   .body = [](Scalar x) { return select(Scalar::index(3) <= Scalar::index(2), x, -1e30); }};

}  // namespace

Value attention(const Value& q, const Value& k, const Value& v, bool causal, std::source_location where) {
  const Shape &qs = q.shape(), &ks = k.shape(), &vs = v.shape();
  const bool fits = qs.size() == 4 && ks.size() == 4 && vs.size() == 4 && qs[0] == ks[0] && qs[2] == ks[2] &&
                    qs[3] == ks[3] && ks[0] == vs[0] && ks[1] == vs[1] && ks[2] == vs[2];
  expect(fits,
         "[attention] q, k, v do not fit: got {}, {}, {}, want [n, tq, heads, d], [n, tk, heads, d], [n, tk, "
         "heads, "
         "e] ({})",
         to_string(qs), to_string(ks), to_string(vs), to_string(where));
  const double scale = 1 / std::sqrt(static_cast<double>(known_size("attention", qs, 3, where)));
  Value scores = affine(scale, 0)(scores_op(q, k, where), where);
  if (causal) scores = causal_op(scores, where);
  return weighted_op(softmax(scores, where), v, where);
}

Layer multi_head_attention(int64_t features, int64_t heads, const AttentionOptions& options,
                           std::source_location where) {
  expect(heads > 0 && features > 0 && features % heads == 0,
         "[multi_head_attention] the heads must divide the features: got {} features, {} heads ({})",
         features, heads, to_string(where));
  const auto build = [=](const Value& x, LayerScope& scope) {
    expect(x.shape().size() == 3 && x.shape()[2] == Dim(features),
           "[multi_head_attention] the input does not fit: got {}, want [n, time, {}] (layer '{}', {})",
           to_string(x.shape()), features, scope.path(), to_string(where));
    const Shape split{x.shape()[0], x.shape()[1], heads, features / heads};
    const auto projected = [&](int part) { return reshape({scope.apply(part, x), where}, split); };
    const Value q = projected(0), k = projected(1), v = projected(2);
    const Value joined = reshape({attention(q, k, v, options.causal, where), where}, x.shape());
    return scope.apply(3, joined);
  };
  std::vector<Layer> parts;
  for (const char* name : {"query", "key", "value", "output"})
    parts.push_back(linear(features, features, options.linear, where).named(name));
  return Layer("multi_head_attention", build, parts);
}

}  // namespace crease
