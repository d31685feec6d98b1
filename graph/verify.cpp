#include "graph/verify.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "graph/error.h"
#include "graph/ops/hold.h"
#include "graph/scan.h"

namespace crease {
namespace {

bool is_label_name(std::string_view name) {
  const auto word = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  return !name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) == 0 &&
         std::all_of(name.begin(), name.end(), word);
}

/// Size leaves of a body.
std::set<std::string> sizes_in(const Scalar& body) {
  std::set<std::string> symbols;
  rewrite(body, [&](const Scalar& node, std::span<const Scalar>) {
    if (node.kind() == ScalarKind::Size) symbols.insert(node.symbol());
    return node;
  });
  return symbols;
}

class Verifier {
 public:
  explicit Verifier(const Graph& graph) : graph_(graph) {
    for (const NodeId id : graph.inputs())
      for (const Dim& dim : graph.node(id).shape)
        if (dim.is_symbol()) bound_.insert(dim.symbol());
  }

  std::vector<std::string> run() {
    for (id_ = 0; id_ < graph_.size(); ++id_) check_node(graph_.node(id_));
    check_results();
    return std::move(problems_);
  }

 private:
  template <class... Arguments>
  void require(bool holds, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    if (holds) return;
    const Node& node = graph_.node(id_);
    const std::string_view op = node.op ? std::string_view(node.op->name) : to_string(node.role);
    problems_.push_back(fmt::format("[{}] {} (node {})", op,
                                    fmt::format(format, std::forward<Arguments>(arguments)...),
                                    describe(graph_, id_)));
  }

  void check_node(const Node& node) {
    for (const NodeId operand : node.operands)
      require(operand >= 0 && operand < id_, "operand %{} does not precede its node", operand);
    check_bound(node.shape, "shape");
    switch (node.role) {
      case Role::Input: check_leaf(node); return check_name(node);
      case Role::Parameter: check_name(node); [[fallthrough]];
      case Role::Constant: check_leaf(node); return check_value(node);
      case Role::Random: return check_random(node);
      case Role::Apply: return check_apply(node);
      case Role::Scan: return check_scan(node);
    }
  }

  bool operands_precede(const Node& node) const {
    return std::ranges::all_of(node.operands, [&](NodeId id) { return id >= 0 && id < id_; });
  }

  void check_bound(const Shape& shape, std::string_view what) {
    for (const Dim& dim : shape)
      require(!dim.is_symbol() || bound_.contains(dim.symbol()),
              "dimension '{}' of its {} {} is bound by no input",
              dim.is_symbol() ? dim.symbol() : std::string(), what, to_string(shape));
  }

  void check_name(const Node& node) {
    const auto [it, fresh] = names_.emplace(node.name, id_);
    require(fresh, "the name '{}' is taken by node {}", node.name, describe(graph_, it->second));
    require(!node.name.empty(), "{} has no name", to_string(node.role));
  }

  void check_leaf(const Node& node) {
    require(node.operands.empty() && node.op == nullptr, "{} has operands or an operation",
            to_string(node.role));
  }

  void check_value(const Node& node) {
    if (has_symbol(node.shape)) {
      require(false, "{} has a named dimension in {}: want sizes", to_string(node.role),
              to_string(node.shape));
      return;
    }
    require(node.value.type() == node.type && node.value.sizes() == sizes_of(node.shape),
            "holds a tensor {}{}, declared {}{}", to_string(node.value.type()), to_string(node.value.sizes()),
            to_string(node.type), to_string(node.shape));
  }

  void check_random(const Node& node) {
    require(is_floating(node.type), "random numbers are {}: want f32 or f64", to_string(node.type));
    require(node.operands.size() == 1, "has {} operands: want one counter", node.operands.size());
    for (const NodeId id : node.operands) {
      if (id < 0 || id >= id_) continue;
      const Node& counter = graph_.node(id);
      require(counter.type == Type::i64 && counter.shape.empty(), "the counter is {}{}: want one i64",
              to_string(counter.type), to_string(counter.shape));
    }
  }

  void check_apply(const Node& node) {
    require(node.op != nullptr, "has no operation");
    if (node.op == nullptr) return;
    const Loops& loops = node.loops;
    require(loops.reads.size() == node.operands.size(), "{} operands, but accesses for {}",
            node.operands.size(), loops.reads.size());
    check_labels(loops);
    for (size_t k = 0; k < std::min(loops.reads.size(), node.operands.size()); ++k)
      if (node.operands[k] >= 0 && node.operands[k] < id_)
        check_access(node, loops.reads[k], graph_.node(node.operands[k]).shape, operand_text(k));
    check_access(node, loops.write, node.shape, result_text_);
    if (operands_precede(node))
      for (const std::string& problem : problems(*node.op, loops, operand_types(graph_, node)))
        require(false, "{}", problem);
    check_sizes(node);
    check_type(node);
    check_assign(node);
  }

  /// "operand 1", made once: every access of every node has such a name.
  const std::string& operand_text(size_t k) {
    while (operand_texts_.size() <= k)
      operand_texts_.push_back(fmt::format("operand {}", operand_texts_.size()));
    return operand_texts_[k];
  }

  void check_scan(const Node& node) {
    require(node.scan != nullptr, "has no loop");
    if (node.scan == nullptr) return;
    if (!operands_precede(node)) return;
    std::vector<Shape> shapes;
    for (const NodeId id : node.operands) shapes.push_back(graph_.node(id).shape);
    const auto wrong = problems(*node.scan, shapes, operand_types(graph_, node));
    for (const std::string& problem : wrong) require(false, "{}", problem);
    for (const std::string& problem : problems(node.scan->body)) require(false, "in the body: {}", problem);
    if (!wrong.empty()) return;
    const bool has_result = node.result >= 0 && node.result < node.scan->results();
    require(has_result, "result {} of a loop with {}", node.result, node.scan->results());
    if (!has_result) return;
    require(node.shape == node.scan->shape(node.result) &&
                node.type == node.scan->body.node(node.scan->source(node.result)).type,
            "is {}{}, result {} is {}", to_string(node.type), to_string(node.shape), node.result,
            to_string(node.scan->shape(node.result)));
  }

  void check_labels(const Loops& loops) {
    std::set<std::string> names;
    Shape extents;
    for (const Label& label : loops.labels) {
      require(is_label_name(label.name), "label '{}' is not a name", label.name);
      require(names.insert(label.name).second, "label '{}' stands for two loops", label.name);
      extents.push_back(label.extent);
    }
    check_bound(extents, "loops");
  }

  void check_access(const Node& node, const Access& access, const Shape& shape, const std::string& what) {
    if (access.size() != shape.size())
      require(false, "the access of {} has {} dimensions, its shape is {}", what, access.size(),
              to_string(shape));
    for (size_t d = 0; d < std::min(access.size(), shape.size()); ++d) {
      const AffineIndex& index = access[d];
      check_terms(index, what);
      const int label = index.plain_label();
      if (label < 0 || label >= static_cast<int>(node.loops.labels.size())) continue;
      // Extents may be smaller (slices, padding) or greater (skipped points) than the tensor, but only in
      // numbers: against a name nothing is known.
      const Dim& extent = node.loops.labels[static_cast<size_t>(label)].extent;
      if (extent == shape[d] || (!extent.is_symbol() && !shape[d].is_symbol())) continue;
      require(false, "loop '{}' runs to {}, but dimension {} of {} is {}",
              node.loops.labels[static_cast<size_t>(label)].name, to_string(extent), d, what,
              to_string(shape[d]));
    }
  }

  void check_terms(const AffineIndex& index, const std::string& what) {
    const int labels = static_cast<int>(graph_.node(id_).loops.labels.size());
    require(index.lookup < 0 || (index.terms.empty() && index.offset == 0),
            "the access of {} mixes a lookup with loops", what);
    for (size_t t = 0; t < index.terms.size(); ++t) {
      const Term& term = index.terms[t];
      require(term.label >= 0 && term.label < labels, "the access of {} uses loop {} of {}", what, term.label,
              labels);
      require(term.coefficient != 0, "the access of {} has a term with coefficient 0", what);
      require(t == 0 || index.terms[t - 1].label < term.label,
              "the terms of the access of {} are not in order", what);
    }
  }

  /// Size leaves of bodies, of which many nodes share one.
  void check_sizes(const Node& node) {
    const Scalar& body = node.op->body.expression;
    const auto [known, fresh] = sizes_.try_emplace(body.id());
    if (fresh) known->second = sizes_in(body);
    for (const std::string& symbol : known->second)
      if (!bound_.contains(symbol))
        require(false, "dimension '{}' of the body {} is bound by no input", symbol, to_string(body));
  }

  void check_type(const Node& node) {
    const bool position = node.op->type == ResultType::Index || gives_position(node.op->combine);
    require(!position || node.type == Type::i64, "gives positions as {}: want i64", to_string(node.type));
    require(node.op->type != ResultType::Boolean || node.type == Type::boolean,
            "gives truth values as {}: want bool", to_string(node.type));
  }

  /// Assign writes every element at most once: no loop of more than one point may be missing from the write.
  void check_assign(const Node& node) {
    if (node.op->combine != Combine::Assign) return;
    for (const int label : reduced_labels(node.loops)) {
      const Label& loop = node.loops.labels[static_cast<size_t>(label)];
      require(loop.extent == Dim(1) || loop.extent == Dim(0),
              "assigns one element at all {} points of loop '{}': want sum, max or another combination",
              to_string(loop.extent), loop.name);
    }
  }

  void check_results() {
    std::set<std::string> outputs;
    std::set<NodeId> updated;
    const auto inside = [&](NodeId id) { return id >= 0 && id < graph_.size(); };
    for (const Output& output : graph_.outputs()) {
      if (!outputs.insert(output.name).second)
        problems_.push_back(fmt::format("output '{}' exists twice", output.name));
      if (!inside(output.node))
        problems_.push_back(fmt::format("output '{}' is node %{}", output.name, output.node));
    }
    for (const Update& update : graph_.updates()) {
      if (!inside(update.parameter) || !inside(update.value)) {
        problems_.push_back(
            fmt::format("update of %{} by %{} is outside the graph", update.parameter, update.value));
        continue;
      }
      check_update(update, updated.insert(update.parameter).second);
    }
  }

  void check_update(const Update& update, bool first) {
    const Node &parameter = graph_.node(update.parameter), &value = graph_.node(update.value);
    id_ = update.parameter;
    require(parameter.role == Role::Parameter, "{} is updated: want a parameter", to_string(parameter.role));
    require(first, "parameter '{}' is updated twice", parameter.name);
    require(parameter.shape == value.shape && parameter.type == value.type,
            "is {}{}, its new value is {}{}, node {}", to_string(parameter.type), to_string(parameter.shape),
            to_string(value.type), to_string(value.shape), describe(graph_, update.value));
  }

  const Graph& graph_;
  NodeId id_ = 0;
  std::map<const ScalarNode*, std::set<std::string>> sizes_;
  std::set<std::string> bound_;
  std::map<std::string, NodeId> names_;
  std::vector<std::string> problems_;
  const std::string result_text_ = "the result";
  std::vector<std::string> operand_texts_;
};

bool is_kinked(const Node& node) {
  if (node.op == nullptr) return false;
  return node.op->combine == Combine::Max || node.op->combine == Combine::Min ||
         !kink_conditions(node.op->body.expression).empty();
}

std::string tie_text(const std::optional<Tie>& tie) { return tie ? "tie " + to_string(*tie) : "no tie"; }

/// Whether `old` went to a node that stands for another one with a tie of its own, as max(x, x) goes to x.
/// The same operation under another tie is no such case.
bool takes_its_place(const Graph& before, const Rewrite& after, const Node& old, NodeId moved) {
  const Node& fresh = after.graph.node(moved);
  const bool same_operation = old.op->body.expression.same(fresh.op->body.expression) &&
                              old.op->combine == fresh.op->combine && old.loops == fresh.loops;
  if (same_operation) return false;
  for (NodeId id = 0; id < before.size(); ++id)
    if (after.new_id[static_cast<size_t>(id)] == moved && is_kinked(before.node(id)) &&
        before.node(id).tie == fresh.tie)
      return true;
  return false;
}

/// What a derivative is at a singular point of an operation that stays the same must stay, too.
void check_conventions(const Graph& before, const Graph& after, NodeId id, NodeId moved,
                       const std::string& pass) {
  const Node &old = before.node(id), &fresh = after.node(moved);
  if (!old.op || !fresh.op || old.op == fresh.op) return;
  if (!old.op->body.expression.same(fresh.op->body.expression)) return;
  if (conventions(*old.op) == conventions(*fresh.op)) return;
  // A movement that goes leaves its place to what it moved, which may be held constant.
  if (old.op->body.expression.kind() == ScalarKind::Argument && !is_held(old)) return;
  ensure(false,
         "[{}] node {} became node {} and changed its order or its slope at 0, or is not held as it was",
         pass, describe(before, id), describe(after, moved));
}

void check_moved_node(const Graph& before, const Rewrite& after, NodeId id, const std::string& pass) {
  const Graph& graph = after.graph;
  const NodeId moved = after.new_id[static_cast<size_t>(id)];
  // The texts are made only where they are needed: this runs for every node of every pass.
  if (moved < -1 || moved >= graph.size())
    ensure(false, "[{}] node {} went to %{} of a graph with {} nodes", pass, describe(before, id), moved,
           graph.size());
  if (moved < 0) return;
  const Node &old = before.node(id), &fresh = graph.node(moved);
  if (fresh.shape != old.shape || fresh.type != old.type)
    ensure(false, "[{}] node {} was {}{} and became {}{} (node {})", pass, describe(before, id),
           to_string(old.type), to_string(old.shape), to_string(fresh.type), to_string(fresh.shape),
           describe(graph, moved));
  check_conventions(before, graph, id, moved, pass);
  if (old.tie == fresh.tie || !is_kinked(old) || !is_kinked(fresh)) return;
  ensure(takes_its_place(before, after, old, moved), "[{}] kinked node {} had {} and became node {} with {}",
         pass, describe(before, id), tie_text(old.tie), describe(graph, moved), tie_text(fresh.tie));
}

void check_moved_results(const Graph& before, const Rewrite& after, const std::string& pass) {
  const Graph& graph = after.graph;
  const auto moved = [&](NodeId id) { return after.new_id[static_cast<size_t>(id)]; };
  ensure(before.tie() == graph.tie(), "[{}] the graph had {} and has {}", pass, tie_text(before.tie()),
         tie_text(graph.tie()));
  ensure(
      before.outputs().size() == graph.outputs().size() && before.updates().size() == graph.updates().size(),
      "[{}] {} outputs and {} updates became {} and {}", pass, before.outputs().size(),
      before.updates().size(), graph.outputs().size(), graph.updates().size());
  for (size_t i = 0; i < before.outputs().size(); ++i) {
    const Output &old = before.outputs()[i], &fresh = graph.outputs()[i];
    ensure(old.name == fresh.name && moved(old.node) == fresh.node,
           "[{}] output '{}', node {}, became '{}', %{}", pass, old.name, describe(before, old.node),
           fresh.name, fresh.node);
  }
  for (size_t i = 0; i < before.updates().size(); ++i) {
    const Update &old = before.updates()[i], &fresh = graph.updates()[i];
    ensure(moved(old.parameter) == fresh.parameter && moved(old.value) == fresh.value,
           "[{}] the update of {} by {} became one of %{} by %{}", pass, describe(before, old.parameter),
           describe(before, old.value), fresh.parameter, fresh.value);
  }
}

}  // namespace

std::vector<std::string> problems(const Graph& graph) { return Verifier(graph).run(); }

void verify(const Graph& graph) {
  const std::vector<std::string> found = problems(graph);
  if (found.empty()) return;
  std::string text;
  for (const std::string& problem : found) text += "\n  " + problem;
  fail("the graph is not sound, {} {}:{}", found.size(), found.size() == 1 ? "problem" : "problems", text);
}

void verify_pass(const Graph& before, const Rewrite& after, const std::string& pass) {
  ensure(after.new_id.size() == static_cast<size_t>(before.size()), "[{}] maps {} nodes of a graph with {}",
         pass, after.new_id.size(), before.size());
  for (NodeId id = 0; id < before.size(); ++id) check_moved_node(before, after, id, pass);
  check_moved_results(before, after, pass);
}

}  // namespace crease
