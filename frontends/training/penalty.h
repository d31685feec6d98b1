// Terms that training adds to the loss: on activations, for sparsity, and on weights.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace crease {

/// A scalar to be added to the loss of training, made from the output of the network as it is trained.
using Penalty = std::function<Value(const Value& output)>;

/// The results, in order, of every operation of that name that `output` depends on: results_of(logits,
/// "relu") are the hidden activations of a rectifier network.
std::vector<Value> results_of(const Value& output, const std::string& operation);

/// factor times the sum over results_of(output, operation) of |v|, mean over the batch (their first
/// dimension). Errors: Error for a negative or infinite factor; when it is used, if no such operation is
/// there. Source: Glorot, Bordes, Bengio 2011, section 3.3.
Penalty l1_on_activations(const std::string& operation, double factor);

/// factor times the sum of |w|, or of w^2, over trained matrices and kernels (two dimensions or more), so
/// that biases are free. Errors: as l1_on_activations.
Penalty l1_on_weights(double factor);
Penalty l2_on_weights(double factor);

/// The sum of several. Errors: Error for none.
Penalty sum_of(std::vector<Penalty> penalties);

}  // namespace crease
