// Losses and what they are made of: compositions, no operations of their own. A loss is per sample; `mean` of
// it is what training minimises.
#pragma once

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

/// -log softmax(logits)[label]. Its gradient is softmax(logits) - onehot(label).
/// Shapes: logits [batch, classes], label [batch] integers -> [batch]. A label outside [0, classes) picks
/// nothing, the loss is then log-sum-exp alone: check data first (the trainer does).
/// Errors: Error with both shapes and types if they do not fit.
Value softmax_cross_entropy(const Value& logits, const Value& label,
                            std::source_location where = std::source_location::current());

/// Mean of the squared differences of each sample. Shapes: both [batch, ...] -> [batch].
/// Errors: Error with both shapes unless they are equal.
Value mse(const Value& prediction, const Value& target,
          std::source_location where = std::source_location::current());

/// How many samples have their greatest logit at the label; the first of equal logits counts.
/// Shapes: logits [batch, classes], label [batch] integers -> [].
Value correct_count(const Value& logits, const Value& label,
                    std::source_location where = std::source_location::current());

}  // namespace crease
