// Equality of graphs.
#include <algorithm>
#include <bit>

#include "graph/scan.h"
#include "graph/text.h"

namespace crease {
namespace {

bool same_attributes(const Attributes& a, const Attributes& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.first == y.first && std::bit_cast<uint64_t>(x.second) == std::bit_cast<uint64_t>(y.second);
  });
}

bool same_op(const Op* a, const Op* b) {
  if (a == nullptr || b == nullptr) return a == b;
  return a->name == b->name && a->combine == b->combine && a->body.expression.same(b->body.expression) &&
         same_attributes(a->attributes, b->attributes);
}

bool same_scan(const Scan* a, const Scan* b) {
  if (a == nullptr || b == nullptr || a == b) return a == b;
  return a->carries == b->carries && a->sequences == b->sequences && a->length == b->length &&
         a->reverse == b->reverse && equal(a->body, b->body);
}

bool same_node(const Node& a, const Node& b) {
  if (a.role != b.role || a.name != b.name || a.shape != b.shape || a.type != b.type) return false;
  if (a.state != b.state) return false;
  if (a.operands != b.operands || a.tie != b.tie || a.seed != b.seed || !(a.loops == b.loops)) return false;
  if (a.role == Role::Constant && !(a.value == b.value)) return false;
  return same_op(a.op.get(), b.op.get()) && a.result == b.result && same_scan(a.scan.get(), b.scan.get());
}

}  // namespace

bool equal(const Graph& a, const Graph& b) {
  if (a.size() != b.size() || a.tie() != b.tie()) return false;
  for (NodeId id = 0; id < a.size(); ++id)
    if (!same_node(a.node(id), b.node(id))) return false;
  const auto same_output = [](const Output& x, const Output& y) {
    return x.name == y.name && x.node == y.node;
  };
  const auto same_update = [](const Update& x, const Update& y) {
    return x.parameter == y.parameter && x.value == y.value;
  };
  return std::equal(a.outputs().begin(), a.outputs().end(), b.outputs().begin(), b.outputs().end(),
                    same_output) &&
         std::equal(a.updates().begin(), a.updates().end(), b.updates().begin(), b.updates().end(),
                    same_update);
}

}  // namespace crease
