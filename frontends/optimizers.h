// Optimizers as graphs: the update is nodes of the training step, compiled with it. An optimizer's state is
// parameters of the step ("adam.m/0.weight"), and so is its learning rate: schedules need no recompilation.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "autodiff/ties.h"
#include "graph/graph.h"

namespace crease {

/// Name of the scalar parameter that holds the learning rate of a training step.
inline constexpr const char* learning_rate_name = "optimizer.learning_rate";

/// What an update rule builds with.
class UpdateScope {
 public:
  /// `prefix` stands before the names of the learning rate and of the count of steps, for graphs in which
  /// several optimizers update.
  UpdateScope(Graph& graph, double learning_rate, std::string optimizer, std::source_location where,
              std::string prefix = "");

  /// The learning rate, a scalar.
  Value learning_rate() const { return learning_rate_; }
  /// The number of the step, a scalar counted from 1. In f32 it stays at 2^24 when it gets there.
  Value step();
  /// A value that the updates of all parameters use; `make` is called for the first of them.
  Value shared(const std::string& name, const std::function<Value()>& make);
  /// State for `parameter` with its shape and type, zeros at first; named "<optimizer>.<slot>/<parameter>".
  Value state(const std::string& slot, const Value& parameter);
  /// After the step `state` takes `value`.
  void update(const Value& state, const Value& value);

 private:
  Graph* graph_;
  std::string optimizer_, prefix_;
  std::source_location where_;
  Value learning_rate_;
  std::map<std::string, Value> shared_;
};

/// An optimizer: the rule gives the new value of a parameter from the old one and its gradient.
struct Optimizer {
  std::string name;
  double learning_rate = 0;
  std::function<Value(UpdateScope& scope, const Value& parameter, const Value& gradient)> rule;
};

struct SgdOptions {
  double learning_rate = 0.1;
  double weight_decay = 0;
};
/// p <- p - r (g + d p), r learning rate, d weight decay.
/// Errors (all optimizers): Error for a learning rate that is not positive and finite, or another option out
/// of its range.
Optimizer sgd(const SgdOptions& options = {});

struct MomentumOptions {
  double learning_rate = 0.1;
  double momentum = 0.9;
  bool nesterov = false;
  double weight_decay = 0;
};
/// v <- m v + g; p <- p - r v, or with Nesterov p <- p - r (g + m v), v the new one; g includes d p.
/// Source: Polyak 1964; Nesterov in the form of Sutskever et al. 2013, equation 7, after a shift.
Optimizer momentum(const MomentumOptions& options = {});

/// momentum with nesterov = true.
Optimizer nesterov(MomentumOptions options = {});

struct AdagradOptions {
  double learning_rate = 0.01;
  double epsilon = 1e-10;
  double weight_decay = 0;
};
/// s <- s + g^2; p <- p - r g / (sqrt(s) + e); g includes d p. Source: Duchi, Hazan, Singer 2011, diagonal
/// form.
Optimizer adagrad(const AdagradOptions& options = {});

struct RmspropOptions {
  double learning_rate = 0.001;
  double decay = 0.9;
  double epsilon = 1e-8;
  double momentum = 0;
  double weight_decay = 0;
};
/// v <- a v + (1 - a) g^2, a the decay; u <- m u + g / (sqrt(v) + e); p <- p - r u; g includes d p.
/// Source: Tieleman and Hinton 2012 (lecture 6.5).
Optimizer rmsprop(const RmspropOptions& options = {});

struct AdamOptions {
  double learning_rate = 0.001;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
};
/// m <- b1 m + (1 - b1) g; v <- b2 v + (1 - b2) g^2; p <- p - r (M / (sqrt(V) + e) + d p) with
/// M = m / (1 - b1^t), V = v / (1 - b2^t). Source: Kingma and Ba 2015, algorithm 1; the decay is that of
/// AdamW, Loshchilov and Hutter 2019.
Optimizer adam(const AdamOptions& options = {});

struct AdamWOptions {
  double learning_rate = 0.001;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.01;
};
/// adam with the decay that its authors use. Source: Loshchilov and Hutter 2019, algorithm 2.
Optimizer adamw(const AdamWOptions& options = {});

/// Bounds on gradients before the update.
struct GradientClip {
  /// Greatest Euclidean norm of all gradients together, which are scaled down to it; 0: no bound.
  /// Source: Pascanu, Mikolov, Bengio 2013, algorithm 1.
  double norm = 0;
  /// Greatest magnitude of an element; 0: no bound.
  double value = 0;
};

struct TrainStepOptions {
  /// More results of the step besides "loss", such as {"correct", correct_count(logits, label)}.
  std::vector<std::pair<std::string, Value>> outputs = {};
  /// Rule at kinks for the gradients; a node's own goes first.
  std::optional<Tie> tie = {};
  /// Rules by operation where there is no `tie`: ties::pytorch() trains as PyTorch does.
  std::optional<TieTable> table = {};
  /// The parameters to train, such as parameters_under(graph, "encoder"); empty: all floating ones that the
  /// loss depends on, but no state (Graph::state) and none that has an update already.
  std::vector<Value> parameters = {};
  /// Stands before the names of the learning rate and of the count of steps. Wanted where the loss's graph
  /// holds a training step of other parameters already, so that one program takes both.
  std::string prefix = {};
  GradientClip clip = {};
  /// Counts kinks (autodiff/census.h), as outputs "kinks/..." of the step.
  bool census = false;
};

/// One training step as a graph: the loss, its gradients, and the new value of every trained parameter.
/// Holds only what the step needs: updates that the loss's graph has already, of running moments and
/// counters, among it. Outputs: "loss" and options.outputs. Errors: Error if the loss is not a floating
/// scalar, depends on no parameter, or not on one that is chosen; for a choice that is no floating parameter
/// of its graph; for a prefix that is taken; and those of grad.
Graph train_step(const Value& loss, const Optimizer& optimizer, const TrainStepOptions& options = {},
                 std::source_location where = std::source_location::current());

/// A graph of the ancestors of these values alone, with them as its outputs; same names, same ties. The way
/// to take a network for prediction out of a graph that trains it.
Graph extract(const std::vector<std::pair<std::string, Value>>& outputs);

}  // namespace crease
