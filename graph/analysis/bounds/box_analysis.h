// Everything bounds can say about a network on a box, made once and read by units, ranges, saturation and
// simplification: intervals, linear bounds, and for small networks the normal form on the box in exact
// arithmetic. All three are sound; their intersection is what is reported.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "graph/analysis/bounds/linear_bounds.h"
#include "graph/analysis/normal_form/normal_form.h"

namespace crease {

struct BoxOptions {
  LineOptions linear = {};
  /// Networks with more loop points are not bounded in exact arithmetic.
  int64_t exact_limit = 10'000;
  /// Nor those that take more operations on rational numbers, longer ones counted more than once: about five
  /// seconds.
  int64_t work_limit = 12'000'000;
};

/// An interval with the exact ends that are known.
struct ExactInterval {
  Interval outer;                     // contains all values
  std::optional<Rational> low, high;  // exact bounds; absent: unbounded
};

/// The bounds of one graph on one box.
class BoxAnalysis {
 public:
  /// Bounds what the outputs need. Errors: those of box_of; Error if the graph has no outputs.
  BoxAnalysis(const Graph& graph, const InputBox& box, const BoxOptions& options = {});

  const Graph& graph() const { return graph_; }
  const InputBox& box() const { return box_; }
  /// Nodes that the outputs need, ascending.
  const std::vector<NodeId>& nodes() const { return nodes_; }

  /// By intervals alone.
  Interval by_intervals(NodeId node, int64_t element) const;
  /// By intervals and lines.
  Interval by_lines(NodeId node, int64_t element) const;
  /// The best that is known; remembered, so not for several threads at once.
  ExactInterval best(NodeId node, int64_t element) const;
  bool is_constant(NodeId node) const;
  /// Why some element of the node has no finite interval; else empty.
  const std::string& reason(NodeId node) const;

  const LinearBounds& lines() const { return lines_; }
  /// The normal form on the box, where the network is small enough.
  const std::optional<NormalForm>& exact() const { return exact_; }
  /// Why there is none; else empty.
  const std::string& no_exact() const { return no_exact_; }
  /// What exact arithmetic took until now, as BoxOptions::work_limit.
  int64_t work() const { return work_; }
  /// {"x": [["-1", "1"], ...]}: the box as certificates name it; empty if an end is infinite.
  std::string box_json() const;

 private:
  using Ends = std::pair<std::optional<Rational>, std::optional<Rational>>;
  struct KnownRange {
    Combination form;
    Ends ends;
  };

  bool is_spent() const { return work_ >= work_limit_; }
  void make_exact(const BoxOptions& options);
  ExactInterval found(NodeId node, int64_t element) const;
  FormRange exact_range(const Variables& variables, const Combination& form) const;
  Ends exact_ends(const Combination& form) const;
  Ends leaf_range(const UnitName& leaf) const;

  const Graph& graph_;
  const InputBox box_;
  std::vector<NodeId> nodes_;
  LinearBounds lines_;
  std::optional<NormalForm> exact_;
  std::string no_exact_;
  const int64_t work_limit_;
  mutable int64_t work_ = 0;
  mutable std::multimap<double, KnownRange> known_;  // what exact arithmetic found, by a number of the form
  mutable std::map<std::pair<NodeId, int64_t>, ExactInterval> best_;
};

}  // namespace crease
