#include "frontends/optimizers.h"

#include <algorithm>
#include <cmath>

#include "autodiff/reverse.h"
#include "graph/error.h"
#include "graph/evaluate.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/cast.h"
#include "graph/ops/reduction.h"

namespace crease {
namespace {

void expect_rate(const std::string& name, double rate) {
  expect(std::isfinite(rate) && rate > 0, "[{}] the learning rate must be positive and finite: got {}", name,
         rate);
}

void expect_between(const std::string& name, const char* option, double value, double low, double high) {
  expect(value >= low && value < high, "[{}] {} must be at least {} and below {}: got {}", name, option, low,
         high, value);
}

void expect_decay(const std::string& name, double decay) {
  expect_between(name, "weight decay", decay, 0, std::numeric_limits<double>::infinity());
}

void expect_epsilon(const std::string& name, double epsilon) {
  expect(std::isfinite(epsilon) && epsilon > 0, "[{}] epsilon must be positive and finite: got {}", name,
         epsilon);
}

Value decayed(const Value& gradient, const Value& parameter, double decay) {
  return decay == 0 ? gradient : gradient + parameter * decay;
}

/// 1 - beta^t without cancellation.
Value bias_correction(const Value& step, double beta) { return -expm1_op(step * std::log(beta)); }

/// Gradients scaled down to a common norm, then cut off element by element.
std::vector<Value> clipped(std::vector<Value> gradients, const GradientClip& clip) {
  expect(std::isfinite(clip.norm) && clip.norm >= 0 && std::isfinite(clip.value) && clip.value >= 0,
         "[train_step] bounds of gradients must be finite and at least 0: got norm {}, value {}", clip.norm,
         clip.value);
  if (clip.norm > 0) {
    Value total;
    for (const Value& gradient : gradients) {
      const Value part = sum(square(cast(gradient, Type::f64)));  // squares of f32 overflow from 1e19 on
      total = total.valid() ? total + part : part;
    }
    const Op scale{
        .name = "clip_scale",
        .doc = "bound / norm where the norm is greater, else 1; takes the squared norm.",
        .body = [bound = clip.norm](Scalar s) { return select(sqrt(s) > bound, bound / sqrt(s), 1); }};
    const Value factor = scale(total);
    for (Value& gradient : gradients) gradient = multiply(gradient, cast(factor, gradient.type()));
  }
  if (clip.value > 0)
    for (Value& gradient : gradients) gradient = crease::clip(-clip.value, clip.value)(gradient);
  return gradients;
}

std::vector<Value> trained_parameters(const Graph& graph, const Value& loss) {
  const NodeId root = loss.id();
  std::vector<Value> result;
  for (const NodeId id : ancestors(graph, std::span(&root, 1))) {
    const Node& node = graph.node(id);
    const bool has_update =
        std::ranges::any_of(graph.updates(), [&](const Update& u) { return u.parameter == id; });
    if (node.role == Role::Parameter && is_floating(node.type) && !node.state && !has_update)
      result.push_back(graph.value(id));
  }
  return result;
}

/// The parameters of the step's graph for those that were chosen in the loss's.
std::vector<Value> chosen_parameters(const Graph& graph, const Value& loss, const std::vector<Value>& chosen,
                                     std::source_location where) {
  const NodeId root = loss.id();
  const std::vector<NodeId> needed = ancestors(loss.graph(), std::span(&root, 1));
  std::vector<Value> result;
  for (const Value& value : chosen) {
    expect(value.valid() && value.same_graph(loss),
           "[train_step] a parameter to train belongs to another graph than the loss ({})", to_string(where));
    const Node& node = value.node();
    const bool trainable = node.role == Role::Parameter && is_floating(node.type) && !node.state;
    if (!trainable)
      fail("[train_step] cannot train node {}: want a floating parameter, got {} ({})",
           describe(value.graph(), value.id()),
           node.state ? "state, which no optimizer changes" : to_string(node.role), to_string(where));
    if (!std::ranges::binary_search(needed, value.id()))
      fail("[train_step] the loss does not depend on the parameter to train, node {} ({})",
           describe(value.graph(), value.id()), to_string(where));
    result.push_back(graph.find(node.name));
  }
  return result;
}

/// The nodes that these outputs need, and, if wanted, the updates of the graph with what they need.
Graph copy_of(const std::vector<std::pair<std::string, Value>>& outputs, bool with_updates) {
  expect(!outputs.empty(), "[extract] wants at least one output");
  const Graph source = outputs.front().second.graph();
  std::vector<NodeId> wanted;
  for (const auto& [name, value] : outputs) {
    expect(value.same_graph(outputs.front().second), "[extract] output '{}' belongs to another graph", name);
    wanted.push_back(value.id());
  }
  const std::vector<Update> updates = with_updates ? source.updates() : std::vector<Update>{};
  for (const Update& update : updates) wanted.insert(wanted.end(), {update.parameter, update.value});
  Graph result;
  if (source.tie()) result.set_tie(*source.tie());
  std::vector<Value> copies(static_cast<size_t>(source.size()));
  const auto copy = [&](NodeId id) -> Value& { return copies[static_cast<size_t>(id)]; };
  for (const NodeId id : ancestors_with_sizes(source, wanted)) {
    const Node& node = source.node(id);
    std::vector<Value> operands;
    for (const NodeId operand : node.operands) operands.push_back(copy(operand));
    copy(id) = result.copy(node, operands);
  }
  for (const auto& [name, value] : outputs) result.output(name, copy(value.id()));
  for (const Update& update : updates) result.update(copy(update.parameter), copy(update.value));
  return result;
}

/// Two training steps in one graph have names of their own.
void expect_no_step(const Graph& graph, const std::string& prefix, std::source_location where) {
  const std::string rate = prefix + learning_rate_name;
  const bool taken =
      std::ranges::any_of(graph.parameters(), [&](NodeId id) { return graph.node(id).name == rate; });
  expect(!taken,
         "[train_step] the graph holds a training step with the prefix '{}' already: give this one another "
         "(TrainStepOptions::prefix) ({})",
         prefix, to_string(where));
}

}  // namespace

UpdateScope::UpdateScope(Graph& graph, double learning_rate, std::string optimizer,
                         std::source_location where, std::string prefix)
    : graph_(&graph),
      optimizer_(std::move(optimizer)),
      prefix_(std::move(prefix)),
      where_(where),
      learning_rate_(
          graph.state(prefix_ + learning_rate_name, Tensor::scalar(Type::f32, learning_rate), where)) {}

Value UpdateScope::step() {
  return shared("step", [&] {
    const Value done = graph_->state(prefix_ + "optimizer.step", Tensor::scalar(Type::f32, 0), where_);
    const Value now = done + 1;
    graph_->update(done, now);
    return now;
  });
}

Value UpdateScope::shared(const std::string& name, const std::function<Value()>& make) {
  const auto found = shared_.find(name);
  if (found != shared_.end()) return found->second;
  return shared_.emplace(name, make()).first->second;
}

Value UpdateScope::state(const std::string& slot, const Value& parameter) {
  const std::string name = fmt::format("{}.{}/{}", optimizer_, slot, parameter.node().name);
  return graph_->state(name, Tensor(parameter.type(), sizes_of(parameter.shape())), where_);
}

void UpdateScope::update(const Value& state, const Value& value) { graph_->update(state, value); }

Optimizer sgd(const SgdOptions& options) {
  expect_rate("sgd", options.learning_rate);
  expect_decay("sgd", options.weight_decay);
  const auto rule = [options](UpdateScope& scope, const Value& p, const Value& g) {
    return p - scope.learning_rate() * decayed(g, p, options.weight_decay);
  };
  return {.name = "sgd", .learning_rate = options.learning_rate, .rule = rule};
}

Optimizer momentum(const MomentumOptions& options) {
  expect_rate("momentum", options.learning_rate);
  expect_between("momentum", "momentum", options.momentum, 0, 1);
  expect_decay("momentum", options.weight_decay);
  const auto rule = [options](UpdateScope& scope, const Value& p, const Value& gradient) {
    const Value g = decayed(gradient, p, options.weight_decay);
    const Value old = scope.state("v", p);
    const Value v = old * options.momentum + g;
    scope.update(old, v);
    return p - scope.learning_rate() * (options.nesterov ? g + v * options.momentum : v);
  };
  return {.name = "momentum", .learning_rate = options.learning_rate, .rule = rule};
}

Optimizer nesterov(MomentumOptions options) {
  options.nesterov = true;
  return momentum(options);
}

Optimizer adagrad(const AdagradOptions& options) {
  expect_rate("adagrad", options.learning_rate);
  expect_epsilon("adagrad", options.epsilon);
  expect_decay("adagrad", options.weight_decay);
  const auto rule = [options](UpdateScope& scope, const Value& p, const Value& gradient) {
    const Value g = decayed(gradient, p, options.weight_decay);
    const Value old = scope.state("s", p);
    const Value s = old + square(g);
    scope.update(old, s);
    return p - scope.learning_rate() * (g / (sqrt(s) + options.epsilon));
  };
  return {.name = "adagrad", .learning_rate = options.learning_rate, .rule = rule};
}

Optimizer rmsprop(const RmspropOptions& options) {
  expect_rate("rmsprop", options.learning_rate);
  expect_between("rmsprop", "decay", options.decay, 0, 1);
  expect_between("rmsprop", "momentum", options.momentum, 0, 1);
  expect_epsilon("rmsprop", options.epsilon);
  expect_decay("rmsprop", options.weight_decay);
  const auto rule = [options](UpdateScope& scope, const Value& p, const Value& gradient) {
    const Value g = decayed(gradient, p, options.weight_decay);
    const Value old = scope.state("v", p);
    const Value v = old * options.decay + square(g) * (1 - options.decay);
    scope.update(old, v);
    const Value move = g / (sqrt(v) + options.epsilon);
    if (options.momentum == 0) return p - scope.learning_rate() * move;
    const Value old_u = scope.state("u", p);
    const Value u = old_u * options.momentum + move;
    scope.update(old_u, u);
    return p - scope.learning_rate() * u;
  };
  return {.name = "rmsprop", .learning_rate = options.learning_rate, .rule = rule};
}

Optimizer adamw(const AdamWOptions& options) {
  return adam({.learning_rate = options.learning_rate,
               .beta1 = options.beta1,
               .beta2 = options.beta2,
               .epsilon = options.epsilon,
               .weight_decay = options.weight_decay});
}

Optimizer adam(const AdamOptions& options) {
  expect_rate("adam", options.learning_rate);
  expect_between("adam", "beta1", options.beta1, 0, 1);
  expect_between("adam", "beta2", options.beta2, 0, 1);
  expect_epsilon("adam", options.epsilon);
  expect_decay("adam", options.weight_decay);
  const auto rule = [options](UpdateScope& scope, const Value& p, const Value& g) {
    const Value old_m = scope.state("m", p);
    const Value old_v = scope.state("v", p);
    const Value m = old_m * options.beta1 + g * (1 - options.beta1);
    const Value v = old_v * options.beta2 + square(g) * (1 - options.beta2);
    scope.update(old_m, m);
    scope.update(old_v, v);
    // M / (sqrt(V) + e) = root / c1 * m / (sqrt(v) + e root), root = sqrt(c2), c = 1 - b^t: one division an
    // element.
    const Value root =
        scope.shared("root", [&] { return sqrt(bias_correction(scope.step(), options.beta2)); });
    const Value rate = scope.shared(
        "rate", [&] { return scope.learning_rate() * root / bias_correction(scope.step(), options.beta1); });
    const Value small = scope.shared("small", [&] { return root * options.epsilon; });
    const Value moved = p - rate * (m / (sqrt(v) + small));
    return options.weight_decay == 0 ? moved : moved - scope.learning_rate() * (p * options.weight_decay);
  };
  return {.name = "adam", .learning_rate = options.learning_rate, .rule = rule};
}

Graph extract(const std::vector<std::pair<std::string, Value>>& outputs) { return copy_of(outputs, false); }

Graph train_step(const Value& loss, const Optimizer& optimizer, const TrainStepOptions& options,
                 std::source_location where) {
  expect(
      loss.valid() && loss.shape().empty() && is_floating(loss.type()),
      "[train_step] the loss must be a floating scalar: got {}, take mean(loss) ({})",
      loss.valid() ? fmt::format("{} {}", to_string(loss.type()), to_string(loss.shape())) : "an empty value",
      to_string(where));
  expect(optimizer.rule != nullptr,
         "[train_step] the optimizer '{}' has no rule: take one such as adam() ({})", optimizer.name,
         to_string(where));
  std::vector<std::pair<std::string, Value>> outputs{{"loss", loss}};
  outputs.insert(outputs.end(), options.outputs.begin(), options.outputs.end());
  Graph graph = copy_of(outputs, true);
  const Value result = graph.result("loss");
  std::vector<Value> parameters = chosen_parameters(graph, loss, options.parameters, where);
  if (parameters.empty()) parameters = trained_parameters(graph, result);
  expect(!parameters.empty(), "[train_step] the loss depends on no floating parameter ({})",
         to_string(where));

  const GradOptions rules{.tie = options.tie, .table = options.table, .census = options.census};
  const std::vector<Value> gradients = clipped(grad(result, parameters, rules, where), options.clip);
  expect_no_step(graph, options.prefix, where);
  UpdateScope scope(graph, optimizer.learning_rate, optimizer.name, where, options.prefix);
  for (size_t i = 0; i < parameters.size(); ++i) {
    graph.update(parameters[i], optimizer.rule(scope, parameters[i], gradients[i]));
  }
  return graph;
}

}  // namespace crease
