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

const double* attribute_of(const Node& node) {
  if (!node.op) return nullptr;
  const auto found = std::ranges::find(node.op->attributes, "trap", &std::pair<std::string, double>::first);
  return found == node.op->attributes.end() ? nullptr : &found->second;
}

}  // namespace

bool is_trap(const Node& node) { return attribute_of(node) != nullptr; }

std::optional<std::string> sprung_trap(const Node& trap, double value, const Sizes& sizes) {
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
  return fmt::format("[trap] {} sits on a kink at element {}: no slope is selected (node %{}{}, {})",
                     watched(trap.op->name), to_string(at), *attribute_of(trap), name, to_string(trap.where));
}

}  // namespace crease
