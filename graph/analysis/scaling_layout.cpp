#include "graph/analysis/scaling_layout.h"

#include <algorithm>
#include <set>

#include "graph/error.h"

namespace crease {
namespace {

ScaleColumn::Axis column_axis(const AffineIndex& index, const std::vector<Label>& labels, int64_t size,
                              int64_t stride) {
  ScaleColumn::Axis axis{.terms = {}, .extents = {}, .offset = index.offset, .size = size, .stride = stride};
  for (const Term& term : index.terms)
    if (sample_extent(labels[static_cast<size_t>(term.label)]) != 1) axis.terms.push_back(term);
  std::ranges::sort(axis.terms, {}, &Term::coefficient);
  for (const Term& term : axis.terms)
    axis.extents.push_back(sample_extent(labels[static_cast<size_t>(term.label)]));
  return axis;
}

bool is_in_range(const ScaleColumn::Axis& axis) {
  int64_t low = axis.offset, high = axis.offset;
  for (size_t k = 0; k < axis.terms.size(); ++k) {
    const int64_t reach = axis.terms[k].coefficient * (axis.extents[k] - 1);
    (reach < 0 ? low : high) += reach;
  }
  return low >= 0 && high < axis.size;
}

/// The labels are the digits of the position, each position once.
bool is_mixed_radix(const ScaleColumn::Axis& axis) {
  int64_t weight = 1;
  for (size_t k = 0; k < axis.terms.size(); ++k) {
    if (axis.terms[k].coefficient != weight) return false;
    weight *= axis.extents[k];
  }
  return axis.offset == 0 && weight == axis.size;
}

bool has_zero(const Tensor& tensor) {
  for (int64_t i = 0; i < tensor.count(); ++i)
    if (tensor.at(i) == 0) return true;
  return false;
}

/// A leaf that nothing can rescale. Integers and booleans count and decide; they are not scaled.
bool is_fixed_leaf(const Node& node, const ScalingOptions& options) {
  switch (node.role) {
    case Role::Input: return options.mode != ScalingMode::InputFree || !is_floating(node.type);
    case Role::Parameter: return !is_floating(node.type) || options.fixed.contains(node.name);
    case Role::Constant: return !is_floating(node.type) || !has_zero(node.value);
    case Role::Random: return true;
    case Role::Apply: return false;
    case Role::Scan: return true;  // it reads nothing that is rescaled: scaling.h
  }
  return false;
}

bool is_weight(const std::vector<bool>& weight, const Node& node) {
  if (node.role == Role::Parameter || node.role == Role::Constant) return true;
  if (node.role != Role::Apply || node.operands.empty()) return false;
  return std::ranges::all_of(node.operands, [&](NodeId id) { return weight[static_cast<size_t>(id)]; });
}

/// Axes that some reader indexes by data: any position may be meant, so all must have one factor.
std::vector<std::vector<bool>> looked_up_axes(const Graph& graph, const ScaleLayout& layout) {
  std::vector<std::vector<bool>> result;
  for (NodeId id = 0; id < graph.size(); ++id) result.emplace_back(graph.node(id).shape.size(), false);
  for (NodeId id = 0; id < graph.size(); ++id) {
    const Node& node = graph.node(id);
    if (node.role != Role::Apply || !layout.live[static_cast<size_t>(id)]) continue;
    const auto mark = [&](NodeId tensor, const Access& access) {
      for (size_t axis = 0; axis < access.size(); ++axis)
        if (access[axis].lookup >= 0) result[static_cast<size_t>(tensor)][axis] = true;
    };
    for (size_t k = 0; k < node.operands.size(); ++k) mark(node.operands[k], node.loops.reads[k]);
    mark(id, node.loops.write);
  }
  return result;
}

/// Labels along which the factor of some operand can vary, or along which elements are missing and read as 0.
std::set<int> varying_labels(const ScaleLayout& layout, const Node& node) {
  std::set<int> labels;
  for (size_t k = 0; k < node.operands.size(); ++k) {
    const auto operand = static_cast<size_t>(node.operands[k]);
    const Access& read = node.loops.reads[k];
    for (size_t axis = 0; axis < read.size(); ++axis) {
      const bool missing =
          node.op->combine == Combine::Assign &&
          !is_in_range(column_axis(read[axis], node.loops.labels, layout.sizes[operand][axis], 1));
      if (layout.varies[operand][axis] || missing)
        for (const Term& term : read[axis].terms) labels.insert(term.label);
    }
  }
  return labels;
}

/// Elements that no point writes are 0: they have any factor, unlike their neighbours.
bool leaves_zeros(const Node& node, const AffineIndex& write, int64_t size) {
  return write.lookup < 0 && !is_mixed_radix(column_axis(write, node.loops.labels, size, 1));
}

std::vector<bool> varying_axes(const ScaleLayout& layout, const Node& node, bool fixed) {
  std::vector<bool> varies(node.shape.size(), false);
  if (fixed) return varies;
  const std::set<int> labels = node.role == Role::Apply ? varying_labels(layout, node) : std::set<int>{};
  for (size_t axis = 0; axis < varies.size(); ++axis) {
    if (node.shape[axis].is_symbol()) continue;
    if (node.role != Role::Apply) {
      varies[axis] = true;
      continue;
    }
    const AffineIndex& write = node.loops.write[axis];
    const auto moves = [&](const Term& term) { return labels.contains(term.label); };
    varies[axis] =
        std::ranges::any_of(write.terms, moves) || leaves_zeros(node, write, node.shape[axis].size());
  }
  return varies;
}

void count_uses(const Graph& graph, ScaleLayout& layout) {
  for (NodeId id = 0; id < graph.size(); ++id)
    if (layout.live[static_cast<size_t>(id)])
      for (const NodeId operand : graph.node(id).operands) ++layout.uses[static_cast<size_t>(operand)];
  for (const Output& output : graph.outputs()) ++layout.uses[static_cast<size_t>(output.node)];
}

}  // namespace

int64_t sample_extent(const Label& label) { return label.extent.is_symbol() ? 1 : label.extent.size(); }

int64_t ScaleLayout::count(NodeId id) const {
  int64_t result = 1;
  for (size_t axis = 0; axis < sizes[static_cast<size_t>(id)].size(); ++axis)
    if (varies[static_cast<size_t>(id)][axis]) result *= sizes[static_cast<size_t>(id)][axis];
  return result;
}

int64_t ScaleLayout::class_of(NodeId id, std::span<const int64_t> index) const {
  int64_t result = 0;
  for (size_t axis = 0; axis < index.size(); ++axis)
    if (varies[static_cast<size_t>(id)][axis])
      result = result * sizes[static_cast<size_t>(id)][axis] + index[axis];
  return result;
}

std::vector<int64_t> ScaleLayout::index_of(NodeId id, int64_t scale_class) const {
  const auto& size = sizes[static_cast<size_t>(id)];
  std::vector<int64_t> index(size.size(), -1);
  for (size_t axis = size.size(); axis-- > 0;)
    if (varies[static_cast<size_t>(id)][axis]) {
      index[axis] = scale_class % size[axis];
      scale_class /= size[axis];
    }
  return index;
}

ScaleLayout scale_layout(const Graph& graph, const ScalingOptions& options) {
  expect(!graph.outputs().empty(), "[scaling] the graph has no outputs: name one with graph.output(...)");
  std::vector<NodeId> results;
  for (const Output& output : graph.outputs()) results.push_back(output.node);
  const size_t size = static_cast<size_t>(graph.size());
  ScaleLayout layout;
  layout.live.assign(size, false);
  layout.uses.assign(size, 0);
  for (const NodeId id : ancestors(graph, results)) layout.live[static_cast<size_t>(id)] = true;
  count_uses(graph, layout);
  const auto looked_up = looked_up_axes(graph, layout);
  for (NodeId id = 0; id < graph.size(); ++id) {
    const Node& node = graph.node(id);
    layout.sizes.push_back(sample_sizes(node.shape));
    layout.weight.push_back(is_weight(layout.weight, node));
    layout.fixed.push_back(is_fixed_leaf(node, options));
    auto varies = varying_axes(layout, node, layout.fixed.back() || !layout.live[static_cast<size_t>(id)]);
    for (size_t axis = 0; axis < varies.size(); ++axis)
      if (looked_up[static_cast<size_t>(id)][axis] || options.unit == ScalingUnit::Tensor)
        varies[axis] = false;
    layout.varies.push_back(std::move(varies));
  }
  return layout;
}

int64_t ScaleColumn::class_at(std::span<const int64_t> point) const {
  int64_t result = 0;
  for (const Axis& axis : axes) {
    int64_t index = axis.offset;
    for (const Term& term : axis.terms) index += term.coefficient * point[static_cast<size_t>(term.label)];
    if (index < 0 || index >= axis.size) return -1;
    result += index * axis.stride;
  }
  return result;
}

void ScaleColumn::set_point(int64_t scale_class, std::span<int64_t> point) const {
  for (const Axis& axis : axes) {
    int64_t rest = scale_class / axis.stride % axis.size;
    for (size_t k = 0; k < axis.terms.size(); ++k) {
      point[static_cast<size_t>(axis.terms[k].label)] = rest % axis.extents[k];
      rest /= axis.extents[k];
    }
  }
}

ScaleColumn scale_column(const ScaleLayout& layout, NodeId tensor, const Access& access,
                         const std::vector<Label>& labels) {
  ScaleColumn column{.tensor = tensor, .axes = {}, .labels = {}, .in_range = true, .bijective = true};
  std::set<int> seen;
  size_t mentions = 0;
  int64_t stride = layout.count(tensor);
  for (size_t i = 0; i < access.size(); ++i) {
    if (!layout.varies[static_cast<size_t>(tensor)][i]) continue;
    const int64_t size = layout.sizes[static_cast<size_t>(tensor)][i];
    stride /= std::max<int64_t>(size, 1);
    const ScaleColumn::Axis axis = column_axis(access[i], labels, size, stride);
    for (const Term& term : axis.terms) seen.insert(term.label);
    mentions += axis.terms.size();
    column.in_range = column.in_range && is_in_range(axis);
    column.bijective = column.bijective && is_mixed_radix(axis);
    column.axes.push_back(axis);
  }
  column.labels.assign(seen.begin(), seen.end());
  column.bijective = column.bijective && mentions == seen.size();
  return column;
}

namespace {

/// Visits every point of the grid over `free`, all other labels 0.
void for_grid(std::span<const int> free, const std::vector<Label>& labels,
              const std::function<void(std::span<const int64_t>)>& visit) {
  for (const int label : free)
    if (sample_extent(labels[static_cast<size_t>(label)]) == 0) return;
  std::vector<int64_t> point(labels.size(), 0);
  while (true) {
    visit(point);
    size_t digit = free.size();
    while (digit > 0) {
      const auto label = static_cast<size_t>(free[digit - 1]);
      if (++point[label] < sample_extent(labels[label])) break;
      point[label] = 0;
      --digit;
    }
    if (digit == 0) return;
  }
}

}  // namespace

void for_spanning_points(std::span<const ScaleColumn* const> columns, const std::vector<Label>& labels,
                         const std::function<void(std::span<const int64_t> point)>& visit) {
  std::set<int> all;
  bool in_range = true;
  for (const ScaleColumn* column : columns) {
    all.insert(column->labels.begin(), column->labels.end());
    in_range = in_range && column->in_range;
  }
  if (!in_range) return for_grid(std::vector<int>(all.begin(), all.end()), labels, visit);
  for (size_t c = 0; c < columns.size(); ++c) {
    const auto& mine = columns[c]->labels;
    const bool covered = [&] {
      for (size_t other = 0; other < columns.size(); ++other) {
        const auto& theirs = columns[other]->labels;
        if (other != c && std::ranges::includes(theirs, mine) && (theirs.size() > mine.size() || other < c))
          return true;
      }
      return false;
    }();
    if (!covered) for_grid(mine, labels, visit);
  }
}

}  // namespace crease
