#include "jit/lower.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "graph/error.h"
#include "graph/rewrite/tidy.h"
#include "graph/scan.h"
#include "graph/trap.h"
#include "jit/extent.h"
#include "jit/lower_node.h"

namespace crease {
namespace {

class Lowering {
 public:
  Lowering(const Graph& graph, const Sizes& specialise, const Simplify& simplify_body)
      : specialise_(specialise), simplify_body_(simplify_body) {
    enter(graph);
  }

  Kernels run() {
    for (const std::string& symbol : graph().symbols())
      if (!specialise_.contains(symbol)) program_.symbols.push_back(symbol);
    for (NodeId id : ancestors(graph(), roots(graph()))) lower(id);
    for (NodeId id : graph().inputs()) ensure_leaf(id);
    for (NodeId id : graph().parameters()) ensure_leaf(id);
    for (NodeId id : ancestors(graph(), roots(graph())))
      if (is_trap(graph().node(id))) mark_trap(id);
    for (NodeId id : ancestors(graph(), roots(graph())))
      if (const auto trap = trap_told_of(graph(), id)) mark_told(id, *trap);
    for (const Output& output : graph().outputs()) mark_output(output);
    for (const Update& update : graph().updates()) mark_update(update);
    return std::move(program_);
  }

 private:
  /// A graph that is being lowered: the program's, and inside a loop over time that of its body.
  struct Frame {
    const Graph* graph;
    std::vector<int> buffer_of;  // by node
    NodeId named = -1;           // node of the program's graph that kernels are for; -1: their own
    int step_loop = -1;
  };

  const Graph& graph() const { return *frame_.graph; }
  int& buffer_of(NodeId id) { return frame_.buffer_of[static_cast<size_t>(id)]; }
  int buffer_of(NodeId id) const { return frame_.buffer_of[static_cast<size_t>(id)]; }
  Buffer& buffer(int number) { return program_.buffers[static_cast<size_t>(number)]; }

  void enter(const Graph& graph) {
    frame_ = {.graph = &graph, .buffer_of = std::vector<int>(static_cast<size_t>(graph.size()), -1)};
  }

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
    const Node& node = graph().node(id);
    program_.buffers.push_back({.kind = kind,
                                .name = unique_name(wish),
                                .type = node.type,
                                .shape = fixed(node.shape),
                                .node = frame_.named < 0 ? id : frame_.named});
    return static_cast<int>(program_.buffers.size()) - 1;
  }

  void add_kernel(Kernel kernel, NodeId id) {
    kernel.nodes = {frame_.named < 0 ? id : frame_.named};
    kernel.step_loop = frame_.step_loop;
    program_.kernels.push_back(std::move(kernel));
  }

  std::string wish_of(NodeId id) const {
    const Node& node = graph().node(id);
    if (!node.name.empty()) return node.name;
    if (node.op) return fmt::format("{}_{}", node.op->name, id);
    return fmt::format("{}_{}", to_string(node.role), id);
  }

  /// The leaf exists as a buffer even if no result needs it: programs bind and keep it all the same.
  void ensure_leaf(NodeId id) {
    if (buffer_of(id) < 0) lower(id);
  }

  void lower(NodeId id) {
    if (buffer_of(id) >= 0) return;  // a result of a loop that is done, or an input of its body
    const Node& node = graph().node(id);
    switch (node.role) {
      case Role::Input: buffer_of(id) = add_buffer(id, BufferKind::Input, wish_of(id)); return;
      case Role::Parameter: buffer_of(id) = add_buffer(id, BufferKind::Parameter, wish_of(id)); return;
      case Role::Constant:
        buffer_of(id) = add_buffer(id, BufferKind::Constant, wish_of(id));
        program_.buffers.back().value = node.value;
        return;
      case Role::Scan: return lower_scan(id);
      case Role::Random:
      case Role::Apply: buffer_of(id) = add_buffer(id, BufferKind::Intermediate, wish_of(id));
    }
    const NodeSource source = source_of(id);
    if (node.role == Role::Apply && is_view(source)) {
      const Buffer& operand = program_.buffers[static_cast<size_t>(source.operands[0])];
      if (operand.shape == program_.buffers.back().shape) {
        program_.buffers.pop_back();
        buffer_of(id) = source.operands[0];
        return;
      }
      program_.buffers[static_cast<size_t>(buffer_of(id))].alias = source.operands[0];
      return;
    }
    for (Kernel& kernel : lower_node(source)) add_kernel(std::move(kernel), id);
  }

  NodeSource source_of(NodeId id) const {
    const Node& node = graph().node(id);
    NodeSource source{.node = node,
                      .name = node.op ? node.op->name : std::string(to_string(node.role)),
                      .operands = {},
                      .literal = {},
                      .result = buffer_of(id),
                      .buffers = program_.buffers,
                      .specialise = specialise_};
    for (NodeId operand : node.operands) {
      source.operands.push_back(buffer_of(operand));
      const Node& from = graph().node(operand);
      const bool literal = from.role == Role::Constant && from.value.count() == 1;
      source.literal.push_back(literal ? &from.value : nullptr);
    }
    return source;
  }

  /// A fresh buffer of `kind` with the value of `id`.
  int copied(NodeId id, BufferKind kind, const std::string& wish) {
    const int copy = add_buffer(id, kind, wish);
    add_copy(buffer_of(id), copy, id);
    return copy;
  }

  void add_copy(int from, int to, NodeId id) {
    add_kernel(copy_kernel(program_.buffers, from, to, "copy"), id);
  }

  void mark_output(const Output& output) {
    const int number = buffer_of(output.node);
    Buffer& storage = buffer(storage_of(program_, number));
    if (storage.kind == BufferKind::Intermediate) storage.kind = BufferKind::Result;
    const bool owned = storage.kind == BufferKind::Result;
    const int result = owned ? number : copied(output.node, BufferKind::Result, "output_" + output.name);
    program_.outputs.emplace_back(output.name, result);
  }

  int kept_after_run(NodeId id) {
    const int number = buffer_of(id);
    buffer(number).kind = BufferKind::Result;
    return number;
  }

  void mark_trap(NodeId id) { program_.traps.push_back({.position = kept_after_run(id), .operands = {}}); }

  void mark_told(NodeId id, NodeId trap) {
    const int position = buffer_of(trap);
    const int operand = kept_after_run(id);
    std::ranges::find(program_.traps, position, &Trap::position)->operands.push_back(operand);
  }

  void mark_update(const Update& update) {
    if (update.parameter == update.value) return;
    const int parameter = buffer_of(update.parameter);
    int next = storage_of(program_, buffer_of(update.value));
    if (buffer(next).kind != BufferKind::Intermediate) {
      const std::string wish = "next_" + buffer(parameter).name;
      next = copied(update.value, BufferKind::Next, wish);
    }
    buffer(next).kind = BufferKind::Next;
    buffer(next).source = parameter;
  }

  // ---- loops over time ----

  /// All results of the loop that the program needs.
  void lower_scan(NodeId first) {
    const Node& node = graph().node(first);
    const Scan& scan = *node.scan;
    const std::map<int, int> sequences = results_of(first);
    std::vector<int> operands;
    for (const NodeId operand : node.operands) operands.push_back(buffer_of(operand));
    const std::vector<int> carries = start_carries(first, scan, operands);
    for (const NodeId id : siblings(graph(), first, graph().size())) {
      const auto sequence = sequences.find(graph().node(id).result);
      buffer_of(id) = sequence != sequences.end() ? sequence->second
                                                  : carries[static_cast<size_t>(graph().node(id).result)];
    }

    Graph whole = scan.body;  // with an output for each inner value that is wanted
    for (const auto& [result, sequence] : sequences)
      if (scan.is_inner(result))
        whole.output(fmt::format("inner{}", result), whole.value(scan.source(result)));
    const Graph body = simplify_body_ ? simplify_body_(whole) : tidy(whole, Derivatives::Settled).graph;
    std::vector<Stacked> stacked;
    auto inner = static_cast<size_t>(scan.inner(0));
    for (const auto& [result, sequence] : sequences)
      stacked.push_back(
          {body.outputs()[scan.is_inner(result) ? inner++ : static_cast<size_t>(result)].node, sequence});

    Frame outer = std::exchange(frame_, {});
    enter(body);
    frame_.named = outer.named < 0 ? first : outer.named;
    frame_.step_loop = static_cast<int>(program_.step_loops.size());
    program_.step_loops.push_back(
        {.turns = extent_of(fixed({scan.length})), .reverse = scan.reverse, .parent = outer.step_loop});
    bind_inputs(body.inputs(), scan, carries, operands);
    lower_turn(body, carries, stacked);
    frame_ = std::move(outer);
  }

  /// The stacked results of a loop that the program needs, with a buffer for each.
  std::map<int, int> results_of(NodeId first) {
    const Scan& scan = *graph().node(first).scan;
    std::map<int, int> sequences;
    for (const NodeId id : siblings(graph(), first, graph().size())) {
      const int result = graph().node(id).result;
      if (!scan.is_final(result) && !sequences.contains(result))
        sequences[result] = add_buffer(id, BufferKind::Intermediate, wish_of(id));
    }
    return sequences;
  }

  void bind_inputs(const std::vector<NodeId>& inputs, const Scan& scan, const std::vector<int>& carries,
                   const std::vector<int>& operands) {
    for (int k = 0; k < static_cast<int>(inputs.size()); ++k) {
      const NodeId id = inputs[static_cast<size_t>(k)];
      const bool sequence = k >= scan.carries && k < scan.carries + scan.sequences;
      const int operand = operands[static_cast<size_t>(k)];
      if (k < scan.carries)
        buffer_of(id) = carries[static_cast<size_t>(k)];
      else
        buffer_of(id) = sequence ? element(id, operand) : operand;
    }
  }

  /// Buffers of the carries, filled with what they start from.
  std::vector<int> start_carries(NodeId first, const Scan& scan, const std::vector<int>& operands) {
    const Node& node = graph().node(first);
    std::vector<int> carries;
    for (int c = 0; c < scan.carries; ++c) {
      const NodeId operand = node.operands[static_cast<size_t>(c)];
      carries.push_back(
          add_buffer(operand, BufferKind::Carried, fmt::format("carry{}_{}", c, wish_of(first))));
      add_copy(operands[static_cast<size_t>(c)], carries.back(), operand);
    }
    return carries;
  }

  /// The element of a sequence that belongs to a turn.
  int element(NodeId id, int sequence) {
    const int number = add_buffer(id, BufferKind::Carried, wish_of(id));
    buffer(number).alias = sequence;
    buffer(number).element_of = frame_.step_loop;
    return number;
  }

  /// A node of the body whose values are stacked, and the buffer for them.
  struct Stacked {
    NodeId node;
    int sequence;
  };

  void lower_turn(const Graph& body, const std::vector<int>& carries, const std::vector<Stacked>& stacked) {
    // Before the next values come: those can then take the places of the carries.
    const auto is_input = [&](const Stacked& it) { return body.node(it.node).role == Role::Input; };
    for (const Stacked& it : stacked)
      if (is_input(it)) add_copy(buffer_of(it.node), element(it.node, it.sequence), it.node);
    std::vector<NodeId> wanted;
    for (size_t c = 0; c < carries.size(); ++c) wanted.push_back(body.outputs()[c].node);
    for (const Stacked& it : stacked) wanted.push_back(it.node);
    for (const NodeId id : ancestors(body, wanted)) lower(id);
    for (const Stacked& it : stacked)
      if (!is_input(it)) stack(it.node, it.sequence);
    for (size_t c = 0; c < carries.size(); ++c) carry_on(body.outputs()[c].node, carries[c]);
  }

  /// A buffer that this turn makes and nobody has claimed yet.
  bool is_free(int number) const {
    const Buffer& it = program_.buffers[static_cast<size_t>(number)];
    return it.kind == BufferKind::Intermediate && it.alias < 0 && made_here(number);
  }

  bool made_here(int number) const {
    return std::ranges::any_of(program_.kernels, [&](const Kernel& kernel) {
      return kernel.step_loop == frame_.step_loop &&
             std::ranges::any_of(kernel.stores, [&](const Store& store) { return store.buffer == number; });
    });
  }

  /// The value of a node becomes the turn's element of a sequence.
  void stack(NodeId id, int sequence) {
    const int number = buffer_of(id);
    if (!is_free(number)) {
      add_copy(number, element(id, sequence), id);
      return;
    }
    buffer(number).kind = BufferKind::Carried;
    buffer(number).alias = sequence;
    buffer(number).element_of = frame_.step_loop;
  }

  /// The value of a node becomes the next value of a carry.
  void carry_on(NodeId id, int carry) {
    int next = buffer_of(id);
    if (next == carry) return;  // it stays as it is
    if (is_free(next))
      buffer(next).kind = BufferKind::Carried;
    else
      next = copied(id, BufferKind::Carried, "next_" + buffer(carry).name);
    buffer(next).source = carry;
    program_.step_loops[static_cast<size_t>(frame_.step_loop)].carries.emplace_back(next, carry);
  }

  const Sizes& specialise_;
  const Simplify& simplify_body_;
  Frame frame_;
  Kernels program_;
  std::set<std::string> names_;
};

}  // namespace

Kernels lower(const Graph& graph, const Sizes& specialise, const Simplify& simplify_body) {
  return Lowering(graph, specialise, simplify_body).run();
}

}  // namespace crease
