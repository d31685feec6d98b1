#include "graph/trap.h"

#include <algorithm>
#include <limits>

#include "graph/error.h"

namespace crease {
namespace {

constexpr std::string_view prefix = "trap_";

std::string watched(const std::string& name) {
  return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
}

const double* attribute_of(const Node& node, const char* name) {
  if (!node.op) return nullptr;
  const auto found = std::ranges::find(node.op->attributes, name, &std::pair<std::string, double>::first);
  return found == node.op->attributes.end() ? nullptr : &found->second;
}

/// ", where its operand is 0", ", where its operands are 2, 2".
std::string told(std::span<const double> operands) {
  if (operands.empty()) return "";
  return fmt::format(", where its {} {}", operands.size() == 1 ? "operand is" : "operands are",
                     fmt::join(operands, ", "));
}

}  // namespace

bool is_trap(const Node& node) { return attribute_of(node, "trap") != nullptr; }

std::optional<NodeId> trap_told_of(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  if (attribute_of(node, "trap_value") == nullptr) return {};
  for (const NodeId operand : node.operands)
    if (is_trap(graph.node(operand))) return operand;
  return {};
}

std::optional<std::string> sprung_trap(const Node& trap, double value, std::span<const double> operands,
                                       const Sizes& sizes) {
  if (value == -std::numeric_limits<double>::infinity()) return {};
  auto left = static_cast<int64_t>(-value);
  Shape extents;
  for (const Label& label : trap.loops.labels) extents.push_back(label.extent);
  std::vector<int64_t> at = sizes_of(extents, sizes);
  for (size_t d = at.size(); d-- > 0;) {
    const int64_t extent = at[d];
    at[d] = left % extent;
    left /= extent;
  }
  const std::string name = trap.name.empty() ? "" : fmt::format(" '{}'", watched(trap.name));
  return fmt::format(
      "[trap] {} has no derivative at element {}{}: Tie::trap selects none (node %{}{}, {}); select one by "
      "set_tie(value, Tie::left) or grad(..., {{.tie = Tie::left}}), or move the point",
      watched(trap.op->name), to_string(at), told(operands), *attribute_of(trap, "trap"), name,
      to_string(trap.where));
}

}  // namespace crease
