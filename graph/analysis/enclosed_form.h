// Affine forms whose constants are irrational, such as the 1 / sqrt(variance + epsilon) of batch
// normalisation: matrices of rational numbers near the true ones, with a proved bound of how near.
#pragma once

#include <optional>
#include <string>

#include "graph/analysis/linearity.h"

namespace crease {

/// A form each of whose numbers, in all weights and the offset, is within `error` of the true one.
struct EnclosedForm {
  AffineForm form;
  Rational error;  // positive
};

/// A form with its error, or why there is none.
struct EnclosedFormOrReason {
  std::optional<EnclosedForm> form;
  std::string reason;
};

/// As affine_form, for constants without rational value: an interval encloses each of their elements, its
/// middle takes its place. An element off by a share r at most, multiplied, divided by or added at u nodes,
/// puts each product off by u r / (1 - u r) at most; summed over the magnitudes of all products that is the
/// error. Fails where such a constant is used in another way than as one factor, divisor or summand, and
/// where an interval contains 0. Claim: values; certificate "affine-enclosure".
EnclosedFormOrReason enclosed_form(const Graph& graph, const Linearity& facts, NodeId sink,
                                   const std::vector<NodeId>& cut = {});

/// Claims the form with its error, about the nodes between frontier and sink.
Certificate enclosure_certificate(const Graph& graph, const EnclosedForm& form);

}  // namespace crease
