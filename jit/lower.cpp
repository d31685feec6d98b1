#include "jit/lower.h"

#include <algorithm>
#include <set>

#include "graph/error.h"
#include "graph/trap.h"
#include "jit/lower_node.h"

namespace crease {
namespace {

class Lowering {
 public:
  Lowering(const Graph& graph, const Sizes& specialise) : graph_(graph), specialise_(specialise) {}

  Kernels run() {
    for (const std::string& symbol : graph_.symbols())
      if (!specialise_.contains(symbol)) program_.symbols.push_back(symbol);
    buffer_of_.assign(static_cast<size_t>(graph_.size()), -1);
    for (NodeId id : ancestors(graph_, roots(graph_))) lower(id);
    for (NodeId id : graph_.inputs()) ensure_leaf(id);
    for (NodeId id : graph_.parameters()) ensure_leaf(id);
    for (NodeId id : ancestors(graph_, roots(graph_)))
      if (is_trap(graph_.node(id))) mark_trap(id);
    for (NodeId id : ancestors(graph_, roots(graph_)))
      if (const auto trap = trap_told_of(graph_, id)) mark_told(id, *trap);
    for (const Output& output : graph_.outputs()) mark_output(output);
    for (const Update& update : graph_.updates()) mark_update(update);
    return std::move(program_);
  }

 private:
  Shape fixed(Shape shape) const {
    for (Dim& dim : shape)
      if (dim.is_symbol() && specialise_.contains(dim.symbol())) dim = Dim(specialise_.at(dim.symbol()));
    return shape;
  }

  /// A name that no other buffer has.
  std::string unique_name(const std::string& wish) {
    std::string name = wish;
    for (int i = 2; !names_.insert(name).second; ++i) name = fmt::format("{}_{}", wish, i);
    return name;
  }

  int add_buffer(NodeId id, BufferKind kind, const std::string& wish) {
    const Node& node = graph_.node(id);
    program_.buffers.push_back(
        {.kind = kind, .name = unique_name(wish), .type = node.type, .shape = fixed(node.shape), .node = id});
    return static_cast<int>(program_.buffers.size()) - 1;
  }

  std::string wish_of(NodeId id) const {
    const Node& node = graph_.node(id);
    if (!node.name.empty()) return node.name;
    if (node.op) return fmt::format("{}_{}", node.op->name, id);
    return fmt::format("{}_{}", to_string(node.role), id);
  }

  /// The leaf exists as a buffer even if no result needs it: programs bind and keep it all the same.
  void ensure_leaf(NodeId id) {
    if (buffer_of_[static_cast<size_t>(id)] < 0) lower(id);
  }

  void lower(NodeId id) {
    const Node& node = graph_.node(id);
    int& buffer = buffer_of_[static_cast<size_t>(id)];
    switch (node.role) {
      case Role::Input: buffer = add_buffer(id, BufferKind::Input, wish_of(id)); return;
      case Role::Parameter: buffer = add_buffer(id, BufferKind::Parameter, wish_of(id)); return;
      case Role::Constant: buffer = add_buffer(id, BufferKind::Constant, wish_of(id)); return;
      case Role::Random:
      case Role::Apply: buffer = add_buffer(id, BufferKind::Intermediate, wish_of(id));
    }
    const NodeSource source = source_of(id);
    if (node.role == Role::Apply && is_view(source)) {
      const Buffer& operand = program_.buffers[static_cast<size_t>(source.operands[0])];
      if (operand.shape == program_.buffers.back().shape) {
        program_.buffers.pop_back();
        buffer = source.operands[0];
        return;
      }
      program_.buffers[static_cast<size_t>(buffer)].alias = source.operands[0];
      return;
    }
    for (Kernel& kernel : lower_node(source)) {
      kernel.nodes = {id};
      program_.kernels.push_back(std::move(kernel));
    }
  }

  NodeSource source_of(NodeId id) const {
    const Node& node = graph_.node(id);
    NodeSource source{.node = node,
                      .name = node.op ? node.op->name : std::string(to_string(node.role)),
                      .operands = {},
                      .literal = {},
                      .result = buffer_of_[static_cast<size_t>(id)],
                      .buffers = program_.buffers,
                      .specialise = specialise_};
    for (NodeId operand : node.operands) {
      source.operands.push_back(buffer_of_[static_cast<size_t>(operand)]);
      const Node& from = graph_.node(operand);
      const bool literal = from.role == Role::Constant && from.value.count() == 1;
      source.literal.push_back(literal ? &from.value : nullptr);
    }
    return source;
  }

  /// A fresh buffer of `kind` with the value of `id`.
  int copied(NodeId id, BufferKind kind, const std::string& wish) {
    const int copy = add_buffer(id, kind, wish);
    program_.kernels.push_back(
        copy_kernel(program_.buffers, buffer_of_[static_cast<size_t>(id)], copy, "copy"));
    program_.kernels.back().nodes = {id};
    return copy;
  }

  void mark_output(const Output& output) {
    const int buffer = buffer_of_[static_cast<size_t>(output.node)];
    Buffer& storage = program_.buffers[static_cast<size_t>(storage_of(program_, buffer))];
    if (storage.kind == BufferKind::Intermediate) storage.kind = BufferKind::Result;
    const bool owned = storage.kind == BufferKind::Result;
    const int result = owned ? buffer : copied(output.node, BufferKind::Result, "output_" + output.name);
    program_.outputs.emplace_back(output.name, result);
  }

  int kept_after_run(NodeId id) {
    const int buffer = buffer_of_[static_cast<size_t>(id)];
    program_.buffers[static_cast<size_t>(buffer)].kind = BufferKind::Result;
    return buffer;
  }

  void mark_trap(NodeId id) { program_.traps.push_back({.position = kept_after_run(id), .operands = {}}); }

  void mark_told(NodeId id, NodeId trap) {
    const int position = buffer_of_[static_cast<size_t>(trap)];
    const int operand = kept_after_run(id);
    std::ranges::find(program_.traps, position, &Trap::position)->operands.push_back(operand);
  }

  void mark_update(const Update& update) {
    if (update.parameter == update.value) return;
    const int parameter = buffer_of_[static_cast<size_t>(update.parameter)];
    int next = storage_of(program_, buffer_of_[static_cast<size_t>(update.value)]);
    if (program_.buffers[static_cast<size_t>(next)].kind != BufferKind::Intermediate) {
      const std::string wish = "next_" + program_.buffers[static_cast<size_t>(parameter)].name;
      next = copied(update.value, BufferKind::Next, wish);
    }
    program_.buffers[static_cast<size_t>(next)].kind = BufferKind::Next;
    program_.buffers[static_cast<size_t>(next)].source = parameter;
  }

  const Graph& graph_;
  const Sizes& specialise_;
  Kernels program_;
  std::vector<int> buffer_of_;
  std::set<std::string> names_;
};

}  // namespace

Kernels lower(const Graph& graph, const Sizes& specialise) { return Lowering(graph, specialise).run(); }

}  // namespace crease
