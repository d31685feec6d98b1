// The loops of a node where rows and what is looked up may be any: for the checker of rescalings, to which
// all of them are alike.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <vector>

#include "graph/graph.h"

namespace crease::checker {

/// The loop points of a node for one sample. A lookup is a label of its own that runs over the whole axis;
/// along a named dimension every read stands for any row.
class AnyPoints {
 public:
  /// Errors: Refused if a named dimension runs along an axis of a given size, of which one row says nothing.
  AnyPoints(const Graph& graph, const Node& node);

  double count() const;
  /// Calls visit(flat element of each operand, flat element of the result) where all accesses are inside.
  void each(const std::function<void(std::span<const int64_t> reads, int64_t write)>& visit) const;

 private:
  const Access& access(size_t k) const {
    return k < node_.operands.size() ? node_.loops.reads[k] : node_.loops.write;
  }
  void add_lookups(const Access& access, const std::vector<int64_t>& sizes);
  void require_fixed_rows(size_t k) const;
  bool locate(const std::vector<int64_t>& point, std::vector<int64_t>& elements) const;

  const Node& node_;
  std::vector<int64_t> extents_;
  std::vector<std::vector<int64_t>> shapes_;  // operands, result
  std::map<int, size_t> lookup_label_;
};

/// Whether all rows of an element's terms are counted: not where a lookup chooses them, where they run over a
/// named dimension, or where rows fall off its ends.
bool has_known_count(const Graph& graph, const Node& node);

}  // namespace crease::checker
