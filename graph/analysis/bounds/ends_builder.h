// A graph of ends, made node by node from another graph. Private to bounds_graph.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "graph/analysis/bounds/bounds_graph.h"
#include "graph/graph.h"

namespace crease {

/// A node of the source in the new graph: a value that is known exactly, or the ends of its interval.
struct Bound {
  Value point = {};
  Value negated_low = {}, high = {};
  bool is_point() const { return point.valid(); }
};

/// An operation of the new graph; `body` is that of an end.
std::shared_ptr<const Op> end_record(std::string name, Combine combine, const Body& body);

/// Loops over all elements of operands and result of one shape.
Loops plain_loops(const Shape& shape, size_t operands);
/// The two operands whose product an operation sums, if that is all it does.
std::optional<std::pair<size_t, size_t>> weighted_sum_of(const Op& op);

class EndsBuilder {
 public:
  /// Bounds nodes of `from` by values of `to`, in arithmetic of `type`.
  EndsBuilder(const Graph& from, const Graph& to, Type type, LineUse lines = LineUse::None);

  /// Bounds an input, in place of inputs of the new graph for its ends.
  void give(NodeId input, const Bound& bound);
  /// The bounds of nodes and of all that they need.
  std::vector<Bound> run(const std::vector<NodeId>& wanted);

  /// The ends of a bound, as operations where it is a point.
  Bound as_ends(const Bound& bound);
  /// An elementwise operation of values of one shape.
  Value map(std::string name, const Scalar& body, const std::vector<Value>& operands);

 private:
  Bound bound(NodeId id);
  void narrow(NodeId id);
  const Bound& of(const Node& node, size_t operand) const;

  Bound input(const Node& node);
  Bound stored(const Tensor& tensor);
  Bound filled(const Shape& shape, double negated_low, double high);

  bool copies_points(const Node& node) const;
  Value copied(const Node& node);

  bool depends_on_places(const Node& node) const;
  bool numbers_fit(const Node& node) const;
  std::pair<Value, Value> parts(const Value& weight);
  Bound weighted_sum(const Node& node, size_t weight, size_t data);
  Bound by_body(const Node& node);

  /// e / sum(e) as a share, each element against the others (ends_shares.cpp).
  std::optional<Bound> shares(const Node& node, const Bound& natural);
  Bound terms_of_shares(const Node& node, const Node& total, const Node& terms);

  /// One result of a loop over time, all results at once (ends_scan.cpp).
  Bound scanned(const Node& node);
  std::optional<std::vector<Bound>> scan_results(const Node& node);

  const Graph& from_;
  Graph to_;
  Type type_;
  LineUse lines_;
  std::vector<std::optional<Bound>> bounds_;
  std::vector<bool> narrowed_;
  std::map<NodeId, std::pair<Value, Value>> parts_;
  std::map<std::pair<const Scan*, std::vector<NodeId>>, std::optional<std::vector<Bound>>> scans_;
};

}  // namespace crease
