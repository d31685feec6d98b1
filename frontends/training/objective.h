// What is minimised and measured: a network, its loss on a target, its hits.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "frontends/data/dataset.h"
#include "frontends/data/standardise.h"
#include "graph/graph.h"

namespace crease {

/// Loss of each sample: output [batch, ...], target [batch] or [batch, ...] -> [batch]. The mean over the
/// samples is the trainer's; one taken here would be divided by their number once more, and is refused.
using LossFunction = std::function<Value(const Value& output, const Value& target)>;

/// mse, where one number a sample may have an axis of its own: output [batch, 1] for target [batch], too.
Value error_of_numbers(const Value& output, const Value& target);

/// mse of output and target, each divided by the deviation of its column (see measure_targets): errors as
/// shares of the variance of the targets, whatever their units, of like size for all columns.
LossFunction mse_in_deviations(const Standardisation& targets);

/// A network extended by its loss. Values belong to a graph of their own, which they keep alive.
struct Objective {
  std::string input;             // name of the network's input
  bool reads_input = true;       // false: the same outputs for all samples
  std::string target;            // name of the added input
  Value output;                  // of the network
  Value loss;                    // mean over the batch
  Value loss_sum;                // sum over the batch
  std::optional<Value> correct;  // how many samples of the batch are classified rightly
};

/// The input of a network of one input and one output, which samples x [n, ...] fit.
/// Errors: Error if it has others, or they do not fit it.
Value input_for(const Graph& network, const Tensor& x);

/// Adds target and loss to a copy of a network with one input and one output. Empty loss:
/// softmax_cross_entropy for labels, of sequences the mean over their steps; mse for numbers.
/// Errors: those of input_for; Error for another number of classes than logits, and for a loss that does not
/// give one number a sample; those of the loss.
Objective make_objective(const Graph& network, const Dataset& data, const LossFunction& loss);

}  // namespace crease
