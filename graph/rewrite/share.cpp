#include "graph/rewrite/share.h"

#include <algorithm>
#include <unordered_map>

#include "graph/rewrite/rewrite.h"

namespace crease {
namespace {

size_t mix(size_t hash, size_t value) { return (hash ^ value) * 0x9e3779b97f4a7c15ULL + (hash >> 29); }

/// Of what tells computations apart: the node with these operands.
size_t hash_of(const Node& node, const std::vector<Value>& operands) {
  size_t hash = mix(static_cast<size_t>(node.role), static_cast<size_t>(node.type));
  for (const Value& operand : operands) hash = mix(hash, static_cast<size_t>(operand.id()));
  if (node.op) hash = mix(hash, reinterpret_cast<uintptr_t>(node.op->body.expression.id()));
  if (node.role == Role::Constant)
    hash = mix(hash, std::hash<std::string_view>{}({reinterpret_cast<const char*>(node.value.data()),
                                                    static_cast<size_t>(node.value.bytes())}));
  hash = mix(hash, reinterpret_cast<uintptr_t>(node.scan.get()) + static_cast<uintptr_t>(node.result));
  return mix(hash, node.seed);
}

bool same_op(const Op* a, const Op* b) {
  return a == b || (a != nullptr && b != nullptr && a->combine == b->combine &&
                    a->body.expression.same(b->body.expression) && conventions(*a) == conventions(*b));
}

/// Whether `known` computes what `node` does with these operands, which are of its graph.
bool same_computation(const Node& known, const Node& node, const std::vector<Value>& operands) {
  return known.role == node.role && known.type == node.type && known.shape == node.shape &&
         std::ranges::equal(known.operands, operands, {}, {}, &Value::id) && known.tie == node.tie &&
         known.seed == node.seed && same_op(known.op.get(), node.op.get()) && known.loops == node.loops &&
         known.scan == node.scan && known.result == node.result &&
         (known.role != Role::Constant || known.value == node.value);
}

}  // namespace

Rewrite share(const Graph& graph) {
  std::unordered_multimap<size_t, NodeId> seen;
  const auto remake = [&](Graph& to, const Node& node, const std::vector<Value>& operands) {
    const size_t hash = hash_of(node, operands);
    const auto [first, last] = seen.equal_range(hash);
    for (auto it = first; it != last; ++it)
      if (same_computation(to.node(it->second), node, operands)) return to.value(it->second);
    const Value fresh = to.copy(node, operands);
    seen.emplace(hash, fresh.id());
    return fresh;
  };
  const Rewrite shared = rebuild_needed(graph, remake);
  return then(shared, remove_dead(shared.graph));
}

}  // namespace crease
