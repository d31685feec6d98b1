#include "frontends/optimizers.h"

#include <algorithm>
#include <cmath>

#include "autodiff/reverse.h"
#include "graph/error.h"
#include "graph/ops/arithmetic.h"

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

Value decayed(const Value& gradient, const Value& parameter, double decay) {
  return decay == 0 ? gradient : gradient + parameter * decay;
}

/// 1 - beta^t without cancellation.
Value bias_correction(const Value& step, double beta) { return -expm1_op(step * std::log(beta)); }

std::vector<Value> trained_parameters(const Graph& graph, const Value& loss) {
  const NodeId root = loss.id();
  std::vector<Value> result;
  for (const NodeId id : ancestors(graph, std::span(&root, 1))) {
    const Node& node = graph.node(id);
    const bool is_state =
        std::ranges::any_of(graph.updates(), [&](const Update& u) { return u.parameter == id; });
    if (node.role == Role::Parameter && is_floating(node.type) && !is_state)
      result.push_back(graph.value(id));
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
  for (const NodeId id : ancestors(source, wanted)) {
    const Node& node = source.node(id);
    std::vector<Value> operands;
    for (const NodeId operand : node.operands) operands.push_back(copy(operand));
    copy(id) = result.copy(node, operands);
  }
  for (const auto& [name, value] : outputs) result.output(name, copy(value.id()));
  for (const Update& update : updates) result.update(copy(update.parameter), copy(update.value));
  return result;
}

}  // namespace

UpdateScope::UpdateScope(Graph& graph, double learning_rate, std::string optimizer,
                         std::source_location where)
    : graph_(&graph),
      optimizer_(std::move(optimizer)),
      where_(where),
      learning_rate_(graph.parameter(learning_rate_name, Tensor::scalar(Type::f32, learning_rate), where)) {}

Value UpdateScope::step() {
  return shared("step", [&] {
    const Value done = graph_->parameter("optimizer.step", Tensor::scalar(Type::f32, 0), where_);
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
  return graph_->parameter(name, Tensor(parameter.type(), sizes_of(parameter.shape())), where_);
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

Optimizer adam(const AdamOptions& options) {
  expect_rate("adam", options.learning_rate);
  expect_between("adam", "beta1", options.beta1, 0, 1);
  expect_between("adam", "beta2", options.beta2, 0, 1);
  expect(std::isfinite(options.epsilon) && options.epsilon > 0,
         "[adam] epsilon must be positive and finite: got {}", options.epsilon);
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
  expect(static_cast<bool>(loss) && loss.shape().empty() && is_floating(loss.type()),
         "[train_step] the loss must be a floating scalar: got {}, take mean(loss) ({})",
         loss ? fmt::format("{} {}", to_string(loss.type()), to_string(loss.shape())) : "an empty value",
         to_string(where));
  std::vector<std::pair<std::string, Value>> outputs{{"loss", loss}};
  outputs.insert(outputs.end(), options.outputs.begin(), options.outputs.end());
  Graph graph = copy_of(outputs, true);
  const Value result = graph.result("loss");
  std::vector<Value> parameters;
  for (const Value& chosen : options.parameters) parameters.push_back(graph.find(chosen.node().name));
  if (parameters.empty()) parameters = trained_parameters(graph, result);
  expect(!parameters.empty(), "[train_step] the loss depends on no floating parameter ({})",
         to_string(where));

  const std::vector<Value> gradients = grad(result, parameters, {.tie = options.tie}, where);
  UpdateScope scope(graph, optimizer.learning_rate, optimizer.name, where);
  for (size_t i = 0; i < parameters.size(); ++i) {
    graph.update(parameters[i], optimizer.rule(scope, parameters[i], gradients[i]));
  }
  return graph;
}

}  // namespace crease
