// Walks the points of a node's loops and says which elements they touch: how analyses read an operation
// without knowing which one it is. Named dimensions are walked at one row: callers first make sure that rows
// are independent.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace crease {

/// Element counts of a shape with each named dimension counted as 1.
int64_t sample_count(const Shape& shape);
/// Sizes with each named dimension as 1.
std::vector<int64_t> sample_sizes(const Shape& shape);

/// The points of one Apply node, in row-major order of its labels.
///   for (PointWalk walk(graph, id); walk.valid(); walk.next()) ... walk.read(0) ...
class PointWalk {
 public:
  PointWalk(const Graph& graph, NodeId id);
  bool valid() const { return valid_; }
  void next();

  /// Flat index of the element that operand k contributes, or of the result's; -1: outside of the tensor.
  /// Errors: Bug for an access that looks up.
  int64_t read(size_t operand) const { return element(reads_[operand]); }
  int64_t write() const { return element(write_); }
  /// Whether no access leaves its tensor: only such points count.
  bool inside() const;
  const std::vector<int64_t>& labels() const { return labels_; }
  /// Number of points, inside or not.
  int64_t count() const { return count_; }

 private:
  struct Axis {
    std::vector<Term> terms;
    int64_t offset;
    int64_t size;
  };
  /// An access that never leaves its tensor is followed by steps alone.
  struct Path {
    std::vector<Axis> axes;
    std::vector<int64_t> steps = {};  // of the flat index, by label
    int64_t flat = 0;                 // at the present point
    bool stays = true;
  };
  Path path(const Access& access, const Shape& shape) const;
  int64_t element(const Path& path) const { return path.stays ? path.flat : searched(path); }
  int64_t searched(const Path& path) const;
  static void move(Path& path, size_t label, int64_t by) { path.flat += path.steps[label] * by; }

  std::vector<int64_t> extents_;
  std::vector<int64_t> labels_;
  std::vector<Path> reads_;
  Path write_;
  int64_t count_ = 1;
  bool valid_ = true;
  bool stays_ = true;  // all accesses stay in their tensors
};

/// Whether any access of the node looks up.
bool has_lookup(const Node& node);

}  // namespace crease
