// Losses and what they are made of: compositions, no operations of their own. A loss is per sample; `mean` of
// it is what training minimises.
#pragma once

#include <vector>

#include "graph/value.h"

namespace crease {

/// x shifted along the last axis so that its greatest element lies in [0, 1): what makes exp safe. No
/// gradient flows through the shift, and no tie is decided.
/// Shapes: x [..., c] -> [..., c].
Value shifted(const Value& x, std::source_location where = std::source_location::current());

/// exp(x) / sum(exp(x)) over the last axis, without overflow. Shapes: x [..., c] -> [..., c].
Value softmax(const Value& x, std::source_location where = std::source_location::current());
/// log of softmax, without overflow or log of 0. Shapes: x [..., c] -> [..., c].
Value log_softmax(const Value& x, std::source_location where = std::source_location::current());

/// 1 at the greatest element along the last axis, the first of equal ones, else 0. Piecewise constant: its
/// gradient is 0. Shapes: x [..., c] -> [..., c].
Value hardmax(const Value& x, std::source_location where = std::source_location::current());

/// -log softmax(logits)[label]. Its gradient is softmax(logits) - onehot(label).
/// Shapes: logits [batch, ..., classes], label [batch, ...] integers -> [batch, ...], such as [batch, time]
/// for sequences. A label outside [0, classes) picks nothing: only the gradient, softmax(logits), is then of
/// use. Check data first (the trainer does).
/// Errors: Error with both shapes and types if they do not fit.
Value softmax_cross_entropy(const Value& logits, const Value& label,
                            std::source_location where = std::source_location::current());

/// Mean of the squared differences of each sample. Shapes: both [batch, ...] -> [batch].
/// Errors: Error with both shapes unless they are equal.
Value mse(const Value& prediction, const Value& target,
          std::source_location where = std::source_location::current());

/// Mean of the absolute differences of each sample; a kink where they are equal. Shapes and errors: as mse.
Value mae(const Value& prediction, const Value& target,
          std::source_location where = std::source_location::current());

/// Mean over each sample of d^2 / 2 where |d| <= delta, else delta (|d| - delta / 2), d the difference.
/// Smooth once. Shapes: as mse. Errors: as mse, and Error unless delta is positive and finite. Source: Huber
/// 1964.
Value huber(const Value& prediction, const Value& target, double delta = 1,
            std::source_location where = std::source_location::current());

/// max(0, 1 - target score), target -1 or 1, mean over each sample; a kink at margin 1. Shapes: both [batch,
/// ...] -> [batch]. Errors: as mse. Source: Cortes and Vapnik 1995.
Value hinge(const Value& score, const Value& target,
            std::source_location where = std::source_location::current());
/// Sum over the other classes j of max(0, 1 + logits[j] - logits[label]). Shapes: logits [batch, classes],
/// label [batch] integers -> [batch]. Errors: as softmax_cross_entropy's. Source: Weston and Watkins 1999.
Value multiclass_hinge(const Value& logits, const Value& label,
                       std::source_location where = std::source_location::current());

/// -w t log sigmoid(x) - (1 - t) log(1 - sigmoid(x)), w the weight of positives, without overflow or log of
/// 0; mean over each sample. Shapes: logits and target t in [0, 1] both [batch, ...] -> [batch]. Errors: as
/// mse.
Value binary_cross_entropy(const Value& logits, const Value& target, double positive_weight = 1,
                           std::source_location where = std::source_location::current());

struct CrossEntropyOptions {
  double label_smoothing = 0;              // share of the target that is spread over all classes
  std::vector<double> class_weights = {};  // one a class; empty: all 1
};
/// Sum over classes c of -w[c] t[c] log softmax(logits)[c], t = (1 - s) onehot(label) + s / classes, s the
/// smoothing. Without options: -log softmax(logits)[label]. Shapes and errors: as above, and Error for a
/// smoothing outside [0, 1] or weights that are not one a class, finite and at least 0. Source: Szegedy et
/// al. 2016, section 7.
Value softmax_cross_entropy(const Value& logits, const Value& label, const CrossEntropyOptions& options,
                            std::source_location where = std::source_location::current());

/// Kullback-Leibler divergence sum_c t[c] (log t[c] - log softmax(logits)[c]) of a target distribution t from
/// the predicted one; 0 log 0 = 0. Shapes: both [..., c] -> [...]. Errors: Error unless the shapes are equal.
Value kl_divergence(const Value& target, const Value& logits,
                    std::source_location where = std::source_location::current());

// Penalties, to be added to a loss: on weights, or on activations (Glorot, Bordes, Bengio 2011, section 3.3,
// for sparsity). Shapes: any, all values of one graph -> []. Errors: Error for none, or an infinite or
// negative factor.
/// factor * sum |v|; a kink at 0.
Value l1_penalty(const std::vector<Value>& values, double factor,
                 std::source_location where = std::source_location::current());
/// factor * sum v^2.
Value l2_penalty(const std::vector<Value>& values, double factor,
                 std::source_location where = std::source_location::current());

/// How many samples have their greatest logit at the label; the first of equal logits counts.
/// Shapes: logits [batch, classes], label [batch] integers -> [].
Value correct_count(const Value& logits, const Value& label,
                    std::source_location where = std::source_location::current());

}  // namespace crease
