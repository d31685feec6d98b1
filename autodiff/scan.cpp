#include "autodiff/scan.h"

#include <algorithm>
#include <functional>
#include <set>

#include "autodiff/directional.h"
#include "graph/error.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/leaf.h"
#include "graph/trap.h"

namespace crease {
namespace {

/// An operand of a loop, made only if the loop needs it.
using Source = std::function<Value()>;

enum class Section : uint8_t { Carry, Sequence, Invariant };

/// A loop under construction, around a copy of another loop's body.
class BodyBuilder {
 public:
  BodyBuilder(const Scan& scan, const std::optional<Tie>& tie) : scan_(scan) {
    if (tie) body_.set_tie(*tie);
    copies_.resize(static_cast<size_t>(scan_.body.size()));
  }

  /// An input like input k of the copied body. `copied`: it takes that input's place.
  Value add(Section section, int k, const std::string& name, const Source& operand, bool copied) {
    const NodeId id = scan_.body.inputs()[static_cast<size_t>(k)];
    const Value input = add_like(section, id, name, operand);
    if (copied) copies_[static_cast<size_t>(id)] = input;
    return input;
  }

  /// An input like node `id` of the copied body.
  Value add_like(Section section, NodeId id, const std::string& name, const Source& operand) {
    const Node& node = scan_.body.node(id);
    const Value input = body_.input(name, node.shape, node.type, node.where);
    inputs_.push_back({section, input.id(), operand});
    return input;
  }

  /// The copy of a node, and of what it needs.
  Value copy(NodeId wanted) {
    for (const NodeId id : ancestors(scan_.body, {&wanted, 1})) {
      Value& value = copies_[static_cast<size_t>(id)];
      if (value) continue;
      std::vector<Value> over;
      for (const NodeId operand : scan_.body.node(id).operands)
        over.push_back(copies_[static_cast<size_t>(operand)]);
      value = body_.copy(scan_.body.node(id), over);
    }
    return copies_[static_cast<size_t>(wanted)];
  }

  /// The value of the original loop at the copy of node `id` is read, step by step, instead of computed.
  void read_instead(NodeId id, const Source& sequence) {
    const Value& value = copies_[static_cast<size_t>(id)];
    if (value) read_.emplace(value.id(), sequence);
  }

  void output(const Value& value) { body_.output(fmt::format("result{}", body_.outputs().size()), value); }

  struct Loop {
    std::shared_ptr<const Scan> scan;
    std::vector<Value> operands;
  };
  /// The loop without what its outputs do not need; carries stay.
  Loop finish(int carries, bool reverse) const {
    const std::vector<bool> needed = needed_nodes();
    const auto made = std::make_shared<Scan>(
        Scan{.body = {}, .carries = carries, .sequences = 0, .length = scan_.length, .reverse = reverse});
    Loop loop{.scan = made, .operands = {}};
    std::vector<Value> values(needed.size());
    const auto add_input = [&](NodeId id, const std::string& name, const Source& operand) {
      const Node& node = body_.node(id);
      values[static_cast<size_t>(id)] = made->body.input(name, node.shape, node.type, node.where);
      loop.operands.push_back(operand());
    };
    if (body_.tie()) made->body.set_tie(*body_.tie());
    for (const Section section : {Section::Carry, Section::Sequence, Section::Invariant}) {
      for (const Input& input : inputs_)
        if (input.section == section && (section == Section::Carry || needed[static_cast<size_t>(input.id)]))
          add_input(input.id, body_.node(input.id).name, input.operand);
      if (section != Section::Sequence) continue;
      for (const auto& [id, sequence] : read_)
        if (needed[static_cast<size_t>(id)]) add_input(id, fmt::format("kept{}", id), sequence);
      made->sequences = static_cast<int>(loop.operands.size()) - carries;
    }
    copy_needed(needed, values, made->body);
    for (NodeId id = 0; id < made->body.size(); ++id)
      expect(!is_trap(made->body.node(id)),
             "[grad] Tie::trap does not watch kinks inside a loop over time ({}): give another tie, or write "
             "the steps one after the other",
             describe(made->body, id));
    return loop;
  }

 private:
  struct Input {
    Section section;
    NodeId id;
    Source operand;
  };

  std::vector<bool> needed_nodes() const {
    std::vector<bool> needed(static_cast<size_t>(body_.size()));
    for (const Output& output : body_.outputs()) needed[static_cast<size_t>(output.node)] = true;
    for (NodeId id = body_.size(); id-- > 0;) {
      if (!needed[static_cast<size_t>(id)] || read_.contains(id)) continue;
      for (const NodeId operand : body_.node(id).operands) needed[static_cast<size_t>(operand)] = true;
    }
    return needed;
  }

  void copy_needed(const std::vector<bool>& needed, std::vector<Value>& values, Graph& to) const {
    for (NodeId id = 0; id < body_.size(); ++id) {
      Value& value = values[static_cast<size_t>(id)];
      if (!needed[static_cast<size_t>(id)] || value) continue;
      std::vector<Value> over;
      for (const NodeId operand : body_.node(id).operands)
        over.push_back(values[static_cast<size_t>(operand)]);
      value = to.copy(body_.node(id), over);
    }
    for (const Output& output : body_.outputs())
      to.output(output.name, values[static_cast<size_t>(output.node)]);
  }

  const Scan& scan_;
  Graph body_;
  std::vector<Input> inputs_;
  std::vector<Value> copies_;      // by node of the copied body
  std::map<NodeId, Source> read_;  // by node of the new body
};

/// Whether the value of a node is kept for the way back rather than computed again: sums of products.
bool is_worth_keeping(const Node& node) {
  return node.role == Role::Apply && node.op->combine == Combine::Sum && node.operands.size() >= 2 &&
         is_floating(node.type);
}

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
    finish(step(outputs));
    for (NodeId id = 0; id < scan_.body.size(); ++id)
      if (is_worth_keeping(scan_.body.node(id)))
        builder_.read_instead(id, [this, id] { return result(scan_.inner(id)); });
    return results(builder_.finish(static_cast<int>(moving_.size() + sums_.size()), !scan_.reverse));
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

  /// Adjoints of floating carries, then a sum for each invariant that wants an adjoint.
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
    for (int k = scan_.carries + scan_.sequences; k < static_cast<int>(node_.operands.size()); ++k) {
      if (!wants(k)) continue;
      sums_.push_back(k);
      const auto zero = [this, k] { return zeros_like(operand(k), where_); };
      sum_in_.push_back(builder_.add(Section::Carry, k, fmt::format("sum{}", k), zero, false));
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
    for (const int k : sums_) variables.push_back(invariant_.at(k));
    if (variables.empty()) return {};
    if (ends.empty()) {
      for (Value& variable : variables) variable = zeros_like(variable, where_);
      return variables;
    }
    return vjp(ends, variables, cotangents, options_, where_);
  }

  /// Next carries: adjoints of the carries, then the sums for invariants; stacked: adjoints of sequences.
  void finish(const std::vector<Value>& gradients) {
    size_t at = 0;
    for (; at < moving_.size(); ++at) builder_.output(gradients[at]);
    const size_t first = at;
    for (int k = scan_.carries; k < scan_.carries + scan_.sequences; ++k) at += wants(k) ? 1 : 0;
    const size_t sums = at;
    for (size_t i = 0; i < sums_.size(); ++i) builder_.output(add(sum_in_[i], gradients[sums + i], where_));
    for (size_t i = first; i < sums; ++i) builder_.output(gradients[i]);
  }

  std::vector<ScanAdjoint> results(const BodyBuilder::Loop& loop) const {
    std::vector<ScanAdjoint> list;
    int number = 0;
    const auto give = [&](int k) {
      list.push_back(
          {node_.operands[static_cast<size_t>(k)], apply_scan(loop.scan, number++, loop.operands, where_)});
    };
    for (const int c : moving_) {
      if (wants(c))
        give(c);
      else
        ++number;
    }
    for (const int k : sums_) give(k);
    for (int k = scan_.carries; k < scan_.carries + scan_.sequences; ++k)
      if (wants(k)) give(k);
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
  std::vector<int> moving_, sums_;  // carries with an adjoint; invariants that want one
  std::vector<Value> adjoint_in_, sum_in_, carry_, element_;
  std::map<int, Value> given_, invariant_;
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
    const Value operand = operands[static_cast<size_t>(k)];
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
    const Value value = found.values[made.value_of.size()], before = outputs[made.value_of.size()];
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
