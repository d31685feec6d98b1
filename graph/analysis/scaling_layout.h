// Which elements of which tensors can have factors of their own, and how the loops of a node reach them.
// Knows shapes and accesses only; the laws are in scaling_law.h, the equations in scaling.cpp.
#pragma once

#include <functional>
#include <vector>

#include "graph/analysis/scaling.h"

namespace crease {

/// The classes of each tensor's elements: one for each position along the axes that vary.
struct ScaleLayout {
  std::vector<bool> live;                   // an output needs it
  std::vector<bool> weight;                 // made of parameters and constants only
  std::vector<bool> fixed;                  // a leaf whose factor is always 1
  std::vector<int> uses;                    // times it is read, or is an output
  std::vector<std::vector<int64_t>> sizes;  // sample_sizes
  std::vector<std::vector<bool>> varies;    // by axis

  /// Number of classes of a tensor.
  int64_t count(NodeId id) const;
  /// Class of the element at a position along each axis.
  int64_t class_of(NodeId id, std::span<const int64_t> index) const;
  /// Position of a class along each axis, -1 along those that do not vary.
  std::vector<int64_t> index_of(NodeId id, int64_t scale_class) const;
};

/// Errors: Error if the graph has no outputs.
ScaleLayout scale_layout(const Graph& graph, const ScalingOptions& options);

/// How one access reaches the classes of one tensor.
struct ScaleColumn {
  struct Axis {
    std::vector<Term> terms;       // by coefficient, labels of extent 1 left out
    std::vector<int64_t> extents;  // of the labels
    int64_t offset, size, stride;
  };
  NodeId tensor;
  std::vector<Axis> axes;   // those that vary
  std::vector<int> labels;  // loop labels that decide the class, ascending
  bool in_range = true;     // at every point
  bool bijective = false;   // over the labels of the column: one class a point, all classes

  /// Class at a point (a value for each label of the loops), or -1 if the access leaves the tensor.
  int64_t class_at(std::span<const int64_t> point) const;
  /// Sets the labels of a bijective column so that class_at(point) is `scale_class`.
  void set_point(int64_t scale_class, std::span<int64_t> point) const;
};

ScaleColumn scale_column(const ScaleLayout& layout, NodeId tensor, const Access& access,
                         const std::vector<Label>& labels);

/// Calls `visit` for points that span all equations sum_c coefficient_c * unknown_c(class at the point).
/// If no access leaves its tensor these are the points whose nonzero labels all belong to one column: at any
/// other point the alternating sum over the subsets of its nonzero labels vanishes, since each column misses
/// one of them. So a dense layer takes widths, not weights.
void for_spanning_points(std::span<const ScaleColumn* const> columns, const std::vector<Label>& labels,
                         const std::function<void(std::span<const int64_t> point)>& visit);

/// Extent of a label, a named one as 1.
int64_t sample_extent(const Label& label);

}  // namespace crease
