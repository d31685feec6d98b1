// The points of a node's loops as rows of equal steps through memory: what fast kernels walk. Points at which
// an access leaves its tensor are cut off, not tested one by one.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "graph/graph.h"

namespace crease {

/// `count` points; access a touches element first[a] + k * step[a] at the k-th.
struct LoopRow {
  std::array<int64_t, 3> first;
  std::array<int64_t, 3> step;
  int64_t count;
};

/// Loops of one node for one sample (named dimensions count as 1) with up to three of its accesses.
class LoopNest {
 public:
  /// Which element a point touches: of operand k, of the result, or the number of the point itself.
  static constexpr int kResult = -1, kPoint = -2;

  /// Errors: Bug if an access of the node looks up.
  LoopNest(const Graph& graph, NodeId id, std::span<const int> accesses);

  /// Points, inside or not.
  int64_t count() const { return count_; }

  /// Calls visit(const LoopRow&) for each row that has points.
  template <class Visit>
  void rows(Visit&& visit) const {
    if (count_ == 0) return;
    std::vector<int64_t> labels(outer_.size());
    LoopRow row;
    do {
      if (start(labels, row)) visit(static_cast<const LoopRow&>(row));
    } while (advance(labels));
  }

 private:
  /// first + sum of steps * labels, in a tensor; the last label is the one along a row.
  struct Path {
    int64_t first = 0;
    std::vector<int64_t> steps;
  };
  /// 0 <= offset + sum of steps * labels < size.
  struct Limit {
    Path index;
    int64_t size;
  };
  bool start(const std::vector<int64_t>& labels, LoopRow& row) const;
  bool advance(std::vector<int64_t>& labels) const;
  void add_limits(const Access& access, const Shape& shape, const std::vector<size_t>& order);
  Path path(const Access& access, const Shape& shape, const std::vector<size_t>& order) const;

  std::vector<int64_t> outer_;  // extents of the other labels
  int64_t inner_ = 1;           // extent along a row
  std::array<Path, 3> paths_;
  std::vector<Limit> limits_;  // only those that some point breaks
  int64_t count_ = 1;
};

}  // namespace crease
