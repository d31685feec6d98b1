#include "graph/analysis/check_any_points.h"

#include <algorithm>

#include "graph/analysis/check_replay.h"

namespace crease::checker {
namespace {

constexpr int64_t any_row = -1;  // the size of a named dimension

std::vector<int64_t> row_sizes(const Shape& shape) {
  std::vector<int64_t> result;
  for (const Dim& dim : shape) result.push_back(dim.is_symbol() ? any_row : dim.size());
  return result;
}

bool is_named(const Loops& loops, int label) {
  return loops.labels[static_cast<size_t>(label)].extent.is_symbol();
}

}  // namespace

AnyPoints::AnyPoints(const Graph& graph, const Node& node) : node_(node) {
  for (const Label& label : node.loops.labels)
    extents_.push_back(label.extent.is_symbol() ? 1 : label.extent.size());
  for (const NodeId operand : node.operands) shapes_.push_back(row_sizes(graph.node(operand).shape));
  shapes_.push_back(row_sizes(node.shape));
  for (size_t k = 0; k < shapes_.size(); ++k) {
    add_lookups(access(k), shapes_[k]);
    require_fixed_rows(k);
  }
}

double AnyPoints::count() const {
  double total = 1;
  for (const int64_t extent : extents_) total *= static_cast<double>(extent);
  return total;
}

void AnyPoints::each(const std::function<void(std::span<const int64_t>, int64_t)>& visit) const {
  if (std::ranges::find(extents_, 0) != extents_.end()) return;
  std::vector<int64_t> point(extents_.size(), 0), elements(shapes_.size());
  while (true) {
    if (locate(point, elements)) visit(std::span(elements).first(elements.size() - 1), elements.back());
    size_t digit = point.size();
    while (digit > 0 && ++point[digit - 1] == extents_[digit - 1]) point[--digit] = 0;
    if (digit == 0) return;
  }
}

void AnyPoints::add_lookups(const Access& access, const std::vector<int64_t>& sizes) {
  for (size_t axis = 0; axis < access.size(); ++axis) {
    if (access[axis].lookup < 0) continue;
    const int64_t size = sizes[axis] == any_row ? 1 : sizes[axis];
    const auto [place, fresh] = lookup_label_.try_emplace(access[axis].lookup, extents_.size());
    if (fresh)
      extents_.push_back(size);
    else
      extents_[place->second] = std::max(extents_[place->second], size);
  }
}

void AnyPoints::require_fixed_rows(size_t k) const {
  for (size_t axis = 0; axis < access(k).size(); ++axis)
    for (const Term& term : access(k)[axis].terms)
      if (shapes_[k][axis] != any_row && is_named(node_.loops, term.label))
        throw Refused("a named dimension runs along an axis of a given size");
}

bool AnyPoints::locate(const std::vector<int64_t>& point, std::vector<int64_t>& elements) const {
  for (size_t k = 0; k < shapes_.size(); ++k) {
    int64_t element = 0;
    for (size_t axis = 0; axis < access(k).size(); ++axis) {
      if (shapes_[k][axis] == any_row) continue;
      const AffineIndex& place = access(k)[axis];
      int64_t index = place.offset;
      if (place.lookup >= 0) index = point[lookup_label_.at(place.lookup)];
      for (const Term& term : place.terms) index += term.coefficient * point[static_cast<size_t>(term.label)];
      if (index < 0 || index >= shapes_[k][axis]) return false;
      element = element * shapes_[k][axis] + index;
    }
    elements[k] = element;
  }
  return true;
}

bool has_known_count(const Graph& graph, const Node& node) {
  const auto reduced = reduced_labels(node.loops);
  if (std::ranges::any_of(reduced, [&](int label) { return is_named(node.loops, label); })) return false;
  for (size_t k = 0; k < node.operands.size(); ++k) {
    const Shape& shape = graph.node(node.operands[k]).shape;
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      const AffineIndex& place = node.loops.reads[k][axis];
      const int label = place.plain_label();
      if (place.lookup >= 0) return false;
      if (shape[axis].is_symbol() && (label < 0 || !is_named(node.loops, label))) return false;
    }
  }
  return true;
}

}  // namespace crease::checker
