#include "graph/rewrite/share.h"

#include <unordered_map>

#include "graph/rewrite/rewrite.h"

namespace crease {
namespace {

size_t mix(size_t hash, size_t value) { return (hash ^ value) * 0x9e3779b97f4a7c15ULL + (hash >> 29); }

size_t hash_of(const Node& node) {
  size_t hash = mix(static_cast<size_t>(node.role), static_cast<size_t>(node.type));
  for (const NodeId operand : node.operands) hash = mix(hash, static_cast<size_t>(operand));
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

bool same_computation(const Node& a, const Node& b) {
  return a.role == b.role && a.type == b.type && a.shape == b.shape && a.operands == b.operands &&
         a.tie == b.tie && a.seed == b.seed && same_op(a.op.get(), b.op.get()) && a.loops == b.loops &&
         a.scan == b.scan && a.result == b.result && (a.role != Role::Constant || a.value == b.value);
}

}  // namespace

Rewrite share(const Graph& graph) {
  std::unordered_multimap<size_t, NodeId> seen;
  const auto remake = [&](Graph& to, const Node& node, const std::vector<Value>& operands) {
    const Value fresh = to.copy(node, operands);
    const size_t hash = hash_of(fresh.node());
    const auto [first, last] = seen.equal_range(hash);
    for (auto it = first; it != last; ++it)
      if (same_computation(to.node(it->second), fresh.node())) return to.value(it->second);
    seen.emplace(hash, fresh.id());
    return fresh;
  };
  const Rewrite shared = rebuild(graph, remake);
  return then(shared, remove_dead(shared.graph));
}

}  // namespace crease
