#include "autodiff/scan.h"

#include <algorithm>
#include <set>

#include "autodiff/directional.h"
#include "autodiff/scan_body.h"
#include "graph/error.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/leaf.h"
#include "graph/scalar/forms.h"

namespace crease {
namespace {

/// Values kept for the way back rather than computed again: sums of products, each after the additions
/// that alone read it, whose derivatives do not.
class Kept {
 public:
  explicit Kept(const Graph& body) : body_(body), readers_(static_cast<size_t>(body.size())) {
    for (NodeId id = 0; id < body.size(); ++id)
      for (const NodeId operand : body.node(id).operands)
        readers_[static_cast<size_t>(operand)].push_back(id);
    for (const Output& output : body.outputs()) readers_[static_cast<size_t>(output.node)].push_back(-1);
  }

  std::vector<NodeId> nodes() const {
    std::vector<NodeId> list;
    for (NodeId id = 0; id < body_.size(); ++id)
      if (is_sum(body_.node(id))) list.push_back(after_additions(id));
    return list;
  }

 private:
  static bool is_sum(const Node& node) {
    return node.role == Role::Apply && node.op->combine == Combine::Sum && node.operands.size() >= 2 &&
           is_floating(node.type);
  }

  bool is_addition(NodeId id, const Node& of) const {
    if (id < 0) return false;
    const Node& node = body_.node(id);
    return node.role == Role::Apply && adds_operands(node.op->body.expression) &&
           node.op->combine == Combine::Assign && node.shape == of.shape && node.type == of.type;
  }

  NodeId after_additions(NodeId id) const {
    for (;;) {
      const auto& readers = readers_[static_cast<size_t>(id)];
      if (readers.size() != 1 || !is_addition(readers[0], body_.node(id))) return id;
      id = readers[0];
    }
  }

  const Graph& body_;
  std::vector<std::vector<NodeId>> readers_;
};

/// The backward loop of one scan.
class Reverse {
 public:
  Reverse(const Graph& graph, NodeId id, const std::map<int, Value>& of_results,
          const std::vector<bool>& wanted, const GradOptions& options, const std::source_location& where)
      : graph_(graph.handle()),
        node_(graph.node(id)),
        scan_(*node_.scan),
        of_results_(of_results),
        wanted_(wanted),
        options_(options),
        where_(where),
        builder_(scan_, graph.tie()) {}

  std::vector<ScanAdjoint> run() {
    add_carries();
    add_sequences();
    add_invariants();
    std::vector<Value> outputs;
    for (const Output& output : scan_.body.outputs()) outputs.push_back(builder_.copy(output.node));
    const std::vector<Value> gradients = step(outputs);
    for (const NodeId id : Kept(scan_.body).nodes())
      builder_.read_instead(id, [this, id] { return result(scan_.inner(id)); });
    return results(finish(gradients));
  }

 private:
  bool wants(int k) const {
    return wanted_[static_cast<size_t>(k)] &&
           is_floating(graph_.node(node_.operands[static_cast<size_t>(k)]).type);
  }
  Value result(int number) const { return apply_scan(node_.scan, number, operands(), where_); }
  Value operand(int k) const { return graph_.value(node_.operands[static_cast<size_t>(k)]); }
  const Node& input(int k) const { return scan_.body.node(scan_.body.inputs()[static_cast<size_t>(k)]); }
  std::optional<Value> adjoint_of(int result) const {
    const auto found = of_results_.find(result);
    return found == of_results_.end() ? std::nullopt : std::optional(found->second);
  }

  /// Adjoints of floating carries.
  void add_carries() {
    for (int c = 0; c < scan_.carries; ++c) {
      if (!is_floating(input(c).type)) continue;
      const auto start = [this, c] {
        const auto given = adjoint_of(c);
        return given ? *given : zeros_like(operand(c), where_);
      };
      moving_.push_back(c);
      adjoint_in_.push_back(builder_.add(Section::Carry, c, fmt::format("adjoint{}", c), start, false));
    }
  }

  /// What each step may read: the carries it started from, its elements, and adjoints of what it gave.
  void add_sequences() {
    for (int c = 0; c < scan_.carries; ++c) {
      const int before = scan_.inner(scan_.body.inputs()[static_cast<size_t>(c)]);
      carry_.push_back(builder_.add(
          Section::Sequence, c, fmt::format("carry{}", c), [this, before] { return result(before); }, true));
    }
    for (int k = scan_.carries; k < scan_.carries + scan_.sequences; ++k)
      element_.push_back(builder_.add(
          Section::Sequence, k, fmt::format("element{}", k), [this, k] { return operand(k); }, true));
    for (const auto& [number, adjoint] : of_results_)
      if (!scan_.is_final(number))
        given_.emplace(
            number, builder_.add_like(Section::Sequence, scan_.source(number), fmt::format("given{}", number),
                                      [value = adjoint] { return value; }));
  }

  void add_invariants() {
    for (int k = scan_.carries + scan_.sequences; k < static_cast<int>(node_.operands.size()); ++k)
      invariant_.emplace(k, builder_.add(
                                Section::Invariant, k, fmt::format("invariant{}", k),
                                [this, k] { return operand(k); }, true));
  }

  std::vector<Value> operands() const {
    std::vector<Value> values;
    for (int k = 0; k < static_cast<int>(node_.operands.size()); ++k) values.push_back(operand(k));
    return values;
  }

  /// Gradients by carries, wanted sequences and wanted invariants, in this order.
  std::vector<Value> step(const std::vector<Value>& outputs) {
    std::vector<Value> ends, cotangents, variables;
    for (size_t i = 0; i < moving_.size(); ++i) {
      ends.push_back(outputs[static_cast<size_t>(moving_[i])]);
      cotangents.push_back(adjoint_in_[i]);
    }
    for (const auto& [number, adjoint] : given_) {
      ends.push_back(builder_.copy(scan_.source(number)));
      cotangents.push_back(adjoint);
    }
    for (const int c : moving_) variables.push_back(carry_[static_cast<size_t>(c)]);
    for (int k = scan_.carries; k < scan_.carries + scan_.sequences; ++k)
      if (wants(k)) variables.push_back(element_[static_cast<size_t>(k - scan_.carries)]);
    for (const auto& [k, value] : invariant_)
      if (wants(k)) variables.push_back(value);
    if (variables.empty()) return {};
    if (ends.empty()) {
      for (Value& variable : variables) variable = zeros_like(variable, where_);
      return variables;
    }
    return vjp(ends, variables, cotangents, options_, where_);
  }

  /// Next carries: adjoints of the carries, then sums for invariants; stacked: adjoints of sequences, then
  /// factors of the sums that are taken outside.
  BodyBuilder::Loop finish(const std::vector<Value>& gradients) {
    size_t at = 0;
    for (; at < moving_.size(); ++at) builder_.output(gradients[at]);
    for (int k = scan_.carries; k < scan_.carries + scan_.sequences; ++k)
      if (wants(k)) sequence_.emplace_back(k, gradients[at++].id());
    for (const auto& [k, value] : invariant_)
      if (wants(k)) add_sum(k, gradients[at++]);
    first_stacked_ = static_cast<int>(moving_.size() + carried_.size());
    for (const auto& [k, id] : sequence_) stack(id);
    for (const Sum& sum : outside_)
      for (const NodeId operand : sum.gradient.node().operands)
        if (!builder_.is_outside(operand)) stack(operand);
    return builder_.finish(first_stacked_, !scan_.reverse);
  }

  /// The adjoint of an invariant: one product over all steps if it is a sum of products, else a carry. What a
  /// loop in the body gives is not kept for that, since such a loop keeps memory low (checkpoints).
  void add_sum(int k, const Value& gradient) {
    const auto can_leave = [&](NodeId operand) {
      return builder_.is_outside(operand) || builder_.value(operand).node().role == Role::Apply;
    };
    if (is_sum_of_products(gradient.node()) && std::ranges::all_of(gradient.node().operands, can_leave)) {
      outside_.push_back({k, gradient});
      return;
    }
    carried_.push_back(k);
    const auto zero = [this, k] { return zeros_like(operand(k), where_); };
    const Value sum = builder_.add(Section::Carry, k, fmt::format("sum{}", k), zero, false);
    builder_.output(add(sum, gradient, where_));
  }

  void stack(NodeId id) {
    if (stacked_.emplace(id, first_stacked_ + static_cast<int>(stacked_.size())).second)
      builder_.output(builder_.value(id));
  }

  std::vector<ScanAdjoint> results(const BodyBuilder::Loop& loop) {
    std::vector<ScanAdjoint> list;
    const auto result = [&](int number) { return apply_scan(loop.scan, number, loop.operands, where_); };
    const auto give = [&](int k, const Value& value) {
      list.push_back({node_.operands[static_cast<size_t>(k)], value});
    };
    int number = 0;
    for (const int c : moving_) {
      if (wants(c)) give(c, result(number));
      ++number;
    }
    for (const int k : carried_) give(k, result(number++));
    for (const auto& [k, id] : sequence_) give(k, result(stacked_.at(id)));
    for (const Sum& sum : outside_) {
      std::vector<OuterOperand> operands;
      for (const NodeId operand : sum.gradient.node().operands)
        operands.push_back(builder_.is_outside(operand) ? builder_.outside(operand)
                                                        : OuterOperand{result(stacked_.at(operand)), true});
      give(sum.k, sum_over_steps(graph_, sum.gradient.node(), operands, scan_.length, where_));
    }
    return list;
  }

  Graph graph_;
  const Node node_;
  const Scan& scan_;
  const std::map<int, Value>& of_results_;
  const std::vector<bool>& wanted_;
  const GradOptions& options_;
  std::source_location where_;
  BodyBuilder builder_;
  struct Sum {
    int k;
    Value gradient;  // in one step
  };
  std::vector<int> moving_;   // carries with an adjoint
  std::vector<int> carried_;  // invariants whose sum is a carry
  std::vector<Sum> outside_;  // the others
  std::vector<Value> adjoint_in_, carry_, element_;
  std::map<int, Value> given_, invariant_;
  int first_stacked_ = 0;
  std::map<NodeId, int> stacked_;                 // results by node of the body
  std::vector<std::pair<int, NodeId>> sequence_;  // by operand: its gradient in one step
};

}  // namespace

std::vector<ScanAdjoint> scan_adjoint(const Graph& graph, NodeId id, const std::map<int, Value>& of_results,
                                      const std::vector<bool>& wanted, const GradOptions& options,
                                      const std::source_location& where) {
  return Reverse(graph, id, of_results, wanted, options, where).run();
}

ScanTangents::Result ScanTangents::of(NodeId id, const std::vector<Value>& operands,
                                      const std::vector<std::optional<Value>>& tangents) {
  const Node node = graph_.node(id);
  Made& made = made_[{node.scan.get(), node.operands}];
  if (!made.value_of.contains(node.result)) made = make(id, operands, tangents);
  const auto result = [&](int number) { return apply_scan(made.scan, number, made.operands, where_); };
  const bool rebased = !std::ranges::equal(operands, node.operands, {}, &Value::id);
  Result answer{.value = made.jumps || rebased ? result(made.value_of.at(node.result)) : graph_.value(id)};
  const auto tangent = made.tangent_of.find(node.result);
  if (tangent != made.tangent_of.end()) answer.tangent = result(tangent->second);
  return answer;
}

ScanTangents::Made ScanTangents::make(NodeId id, const std::vector<Value>& operands,
                                      const std::vector<std::optional<Value>>& tangents) {
  const std::shared_ptr<const Scan> original = graph_.node(id).scan;
  const Scan& scan = *original;
  BodyBuilder builder(scan, graph_.tie());
  std::vector<Value> variables, directions;
  int carried = 0;
  for (int k = 0; k < static_cast<int>(operands.size()); ++k) {
    const Section section = k < scan.carries                    ? Section::Carry
                            : k < scan.carries + scan.sequences ? Section::Sequence
                                                                : Section::Invariant;
    const Value& operand = operands[static_cast<size_t>(k)];
    const Value variable =
        builder.add(section, k, fmt::format("value{}", k), [operand] { return operand; }, true);
    const auto& tangent = tangents[static_cast<size_t>(k)];
    if (!is_floating(variable.type()) || (!tangent && section != Section::Carry)) continue;
    Source start = [operand, this] { return zeros_like(operand, where_); };
    if (tangent) start = [value = *tangent] { return value; };
    variables.push_back(variable);
    directions.push_back(builder.add(section, k, fmt::format("tangent{}", k), start, false));
    carried += section == Section::Carry ? 1 : 0;
  }

  // Results of the original: carries, what is stacked, then the inner values that siblings want.
  std::set<int> wanted;
  for (int r = 0; r < scan.inner(0); ++r) wanted.insert(r);
  for (const NodeId sibling : siblings(graph_, id, graph_.size())) wanted.insert(graph_.node(sibling).result);
  std::vector<Value> outputs, floating;
  for (const int r : wanted) {
    outputs.push_back(builder.copy(scan.source(r)));
    if (is_floating(outputs.back().type())) floating.push_back(outputs.back());
  }
  const LockedOutputs found = differentiate(outputs, floating, variables, directions);

  // A tangent stands behind its value, among the inputs and among the results.
  Made made;
  int number = 0;
  size_t moving = 0;
  for (const int r : wanted) {
    const Value &value = found.values[made.value_of.size()], &before = outputs[made.value_of.size()];
    made.jumps |= value.id() != before.id();
    builder.output(value);
    made.value_of[r] = number++;
    if (!is_floating(before.type()) || found.tangents.empty()) continue;
    builder.output(found.tangents[moving++]);
    made.tangent_of[r] = number++;
  }
  BodyBuilder::Loop loop = builder.finish(scan.carries + carried, scan.reverse);
  made.scan = loop.scan;
  made.operands = std::move(loop.operands);
  return made;
}

LockedOutputs ScanTangents::differentiate(const std::vector<Value>& outputs,
                                          const std::vector<Value>& floating,
                                          const std::vector<Value>& variables,
                                          const std::vector<Value>& directions) const {
  if (floating.empty() || variables.empty()) return {outputs, {}};
  if (rule_) return {outputs, linear_jvp(floating, variables, directions, *rule_, where_)};
  return values_and_jvp(outputs, floating, variables, directions, where_);
}

}  // namespace crease
