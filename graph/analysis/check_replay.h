// What the checker needs of a graph, written apart from the analyses: loop points of one sample, and exact
// values.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "graph/rational.h"

namespace crease::checker {

/// Why a certificate is refused.
class Refused : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Elements of a shape for one sample: each named dimension counts as 1.
int64_t sample_size(const Shape& shape);

/// Elements touched at one point of an operation's loops.
struct Touch {
  std::span<const int64_t> labels;
  std::span<const int64_t> reads;  // flat element of each operand
  int64_t write;
};

/// Calls `visit` at every loop point of one sample at which no access leaves its tensor.
/// Errors: Refused if an access looks up.
void visit_points(const Graph& graph, NodeId id, const std::function<void(const Touch&)>& visit);

/// Errors: Refused unless what an operation stores is the real value of its body.
void require_real(const Graph& graph, NodeId id);

/// Errors: Refused unless the node treats the rows of every named dimension separately and alike: then one
/// sample stands for all.
void require_separate_samples(const Graph& graph, NodeId id);

/// Value of a body. Errors: Refused where it has no rational value.
Rational value_of(const Scalar& body, std::span<const Rational> arguments, std::span<const int64_t> labels);

/// The elements of a node from those of its operands (leaves: from their stored value).
/// Errors: Refused for what has no exact value.
std::vector<Rational> values_of(const Graph& graph, NodeId id,
                                const std::map<NodeId, std::vector<Rational>>& known);

}  // namespace crease::checker
