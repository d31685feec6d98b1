// Exact affine forms: from a sink backwards, the matrix of each node is carried through its loops to its
// operands. The cost is loop points times elements of the sink, whatever the operation is.
#include <algorithm>
#include <limits>
#include <map>

#include "graph/analysis/affine_body.h"
#include "graph/analysis/linearity.h"
#include "graph/analysis/near_form.h"
#include "graph/analysis/points.h"
#include "graph/error.h"
#include "graph/scalar/tape.h"

namespace crease {

namespace {

constexpr int64_t kMatrixLimit = int64_t{1} << 24;
constexpr int64_t kPointLimit = int64_t{1} << 26;
constexpr int64_t kCountLimit = int64_t{1} << 22;
constexpr size_t kChunk = size_t{1} << 19;  // entries that wait for multiplication: 40 MB

size_t at(NodeId id) { return static_cast<size_t>(id); }

/// The walk from one sink to its frontier.
class BackwardWalk {
 public:
  BackwardWalk(const Graph& graph, const Linearity& facts, NodeId sink, const std::vector<NodeId>& cut)
      : graph_(graph), facts_(facts), sink_(sink), nodes_(affine_nodes(graph, facts, sink, cut)) {}

  /// Takes constants without rational value from `near`, or walks the magnitudes of all coefficients.
  BackwardWalk& with(const NearConstants& near, Coefficients coefficients) {
    near_ = &near;
    coefficients_ = coefficients;
    return *this;
  }

  FormOrReason run() {
    const int64_t count = elements(sink_);
    if (count > kMatrixLimit / std::max<int64_t>(count, 1)) {
      refuse(sink_, "is too large for a dense matrix");
      return {{}, reason_};
    }
    matrices_[sink_] = ExactMatrix::identity(count);
    offset_ = ExactMatrix(1, count);
    if (!evaluate_constants()) return {{}, reason_};
    for (size_t k = nodes_.size(); k-- > 0;) {
      if (!push(nodes_[k])) return {{}, reason_};
      if (nodes_[k] != sink_) matrices_.erase(nodes_[k]);
    }
    matrices_.erase(sink_);
    return {finish(), ""};
  }

 private:
  int64_t elements(NodeId id) const { return sample_count(graph_.node(id).shape); }

  bool refuse(NodeId id, const std::string& why) {
    reason_ = describe(graph_, id) + " " + why;
    return false;
  }

  Rational coefficient(const Rational& x) const {
    return coefficients_ == Coefficients::Magnitudes ? x.abs() : x;
  }

  bool is_data(NodeId id) const { return facts_.parts[at(id)] != Part::Constant; }

  /// Values of the constants that the sub-graph reads.
  bool evaluate_constants() {
    std::vector<NodeId> wanted;
    for (const NodeId id : nodes_)
      for (const NodeId operand : graph_.node(id).operands)
        if (!is_data(operand)) wanted.push_back(operand);
    for (const NodeId id : wanted) {
      if (constants_.contains(id)) continue;
      if (near_ != nullptr && near_->values.contains(id)) {
        constants_[id] = near_->values.at(id);
        continue;
      }
      auto values = evaluate_exactly(graph_, {}, std::span(&id, 1));
      if (!values) return refuse(id, "has no exact rational value");
      constants_[id] = std::move(values->at(id));
    }
    return true;
  }

  /// Adds part * matrix of `id` to the matrix of an operand.
  void add(NodeId operand, std::vector<MatrixEntry>& part, NodeId id) {
    if (part.empty()) return;
    ExactMatrix product = ExactMatrix::product(elements(operand), part, matrices_.at(id));
    const auto found = matrices_.find(operand);
    if (found == matrices_.end())
      matrices_[operand] = std::move(product);
    else
      found->second = found->second + product;
    part.clear();
  }

  void add_offset(std::vector<MatrixEntry>& part, NodeId id) {
    if (part.empty()) return;
    offset_ = offset_ + ExactMatrix::product(1, part, matrices_.at(id));
    part.clear();
  }

  /// Carries the matrix of a node to its operands and its constants to the offset.
  bool push(NodeId id) {
    if (!matrices_.contains(id)) return true;  // all its coefficients are 0
    PointWalk walk(graph_, id);
    if (walk.count() > kPointLimit) return refuse(id, "has too many loop points");
    for (const NodeId operand : graph_.node(id).operands)
      if (is_data(operand) && elements(operand) > kMatrixLimit / std::max<int64_t>(elements(sink_), 1))
        return refuse(operand, "is too large for a dense matrix");
    return push_points(id, walk);
  }

  bool push_points(NodeId id, PointWalk& walk) {
    const Node& node = graph_.node(id);
    std::vector<bool> data;
    for (const NodeId operand : node.operands) data.push_back(is_data(operand));
    AffineBody body(node.op->body.expression, data);
    std::map<NodeId, std::vector<MatrixEntry>> parts;
    std::vector<MatrixEntry> offsets;
    std::vector<Rational> arguments(node.operands.size());
    for (; walk.valid(); walk.next()) {
      if (!walk.inside()) continue;
      for (size_t k = 0; k < data.size(); ++k)
        if (!data[k]) arguments[k] = constants_.at(node.operands[k])[static_cast<size_t>(walk.read(k))];
      if (!body.run(arguments, walk.labels()))
        return refuse(id, "has a coefficient without exact rational value");
      for (size_t k = 0; k < data.size(); ++k) {
        if (!data[k] || body.slopes()[k].is_zero()) continue;
        auto& part = parts[node.operands[k]];
        part.push_back({walk.read(k), walk.write(), coefficient(body.slopes()[k])});
        if (part.size() >= kChunk) add(node.operands[k], part, id);
      }
      if (!body.offset().is_zero()) offsets.push_back({0, walk.write(), coefficient(body.offset())});
      if (offsets.size() >= kChunk) add_offset(offsets, id);
    }
    for (auto& [operand, part] : parts) add(operand, part, id);
    add_offset(offsets, id);
    return true;
  }

  AffineForm finish() {
    AffineForm form;
    form.sink = sink_;
    form.nodes = nodes_;
    std::map<NodeId, bool> inside;
    for (const NodeId id : nodes_) inside[id] = true;
    for (const NodeId id : nodes_)
      for (const NodeId operand : graph_.node(id).operands)
        if (is_data(operand) && !inside.contains(operand)) form.frontier.push_back(operand);
    std::sort(form.frontier.begin(), form.frontier.end());
    form.frontier.erase(std::unique(form.frontier.begin(), form.frontier.end()), form.frontier.end());
    for (const NodeId id : form.frontier) {
      const auto found = matrices_.find(id);
      form.weights.push_back(found == matrices_.end() ? ExactMatrix(elements(id), elements(sink_))
                                                      : std::move(found->second));
    }
    for (int64_t o = 0; o < elements(sink_); ++o) form.offset.push_back(offset_.at(0, o));
    return form;
  }

  const Graph& graph_;
  const Linearity& facts_;
  NodeId sink_;
  std::vector<NodeId> nodes_;
  std::map<NodeId, ExactMatrix> matrices_;  // [elements of the node, elements of the sink]
  std::map<NodeId, ExactValues> constants_;
  ExactMatrix offset_;
  std::string reason_;
  const NearConstants* near_ = nullptr;
  Coefficients coefficients_ = Coefficients::Signed;
};

/// Products that involve data in one evaluation of a body.
int64_t products_with_data(const Scalar& body, const std::vector<bool>& is_data) {
  std::map<const ScalarNode*, bool> varies;
  int64_t count = 0;
  for (const Scalar& node : topological(body)) {
    bool any = node.kind() == ScalarKind::Argument && is_data[static_cast<size_t>(node.position())];
    for (const Scalar& term : node.terms()) any = any || varies.at(term.id());
    varies[node.id()] = any;
    if (any && (node.kind() == ScalarKind::Multiply || node.kind() == ScalarKind::Divide)) ++count;
  }
  return count;
}

/// Loop points of one sample that count. Points lost to padding are few, and are counted as inside beyond a
/// size at which walking them would take seconds.
int64_t inside_points(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  PointWalk walk(graph, id);
  const bool always =
      is_plain(node.loops.write) && std::all_of(node.loops.reads.begin(), node.loops.reads.end(), is_plain);
  if (always || walk.count() > kCountLimit || has_lookup(node)) return walk.count();
  int64_t count = 0;
  for (; walk.valid(); walk.next()) count += walk.inside() ? 1 : 0;
  return count;
}

/// The nodes of a chain from its frontier node to the sink, or nothing if the sub-graph branches.
std::optional<std::vector<NodeId>> chain_of(const Graph& graph, const Linearity& facts,
                                            const AffineForm& form) {
  if (form.frontier.size() != 1) return {};
  std::vector<NodeId> chain{form.frontier[0]};
  for (const NodeId id : form.nodes) {
    std::vector<NodeId> data;
    for (const NodeId operand : graph.node(id).operands)
      if (facts.parts[at(operand)] != Part::Constant) data.push_back(operand);
    if (data != std::vector<NodeId>{chain.back()}) return {};
    chain.push_back(id);
  }
  return chain;
}

/// Fewest multiplications from boundary 0 to each boundary, and the boundary before it on the way.
void plan_segments(ChainPlan& plan, const std::vector<int64_t>& layers) {
  const size_t count = plan.dims.size();
  std::vector<int64_t> best(count, std::numeric_limits<int64_t>::max());
  std::vector<size_t> from(count, 0);
  best[0] = 0;
  for (size_t j = 1; j < count; ++j)
    for (size_t i = 0; i < j; ++i) {
      const int64_t dense = plan.dims[i] * plan.dims[j];
      const int64_t segment = i + 1 == j ? std::min(dense, layers[j]) : dense;
      if (best[i] + segment < best[j]) {
        best[j] = best[i] + segment;
        from[j] = i;
      }
    }
  plan.multiplications = best.back();
  for (size_t j = count - 1; j > 0; j = from[j]) plan.keep.insert(plan.keep.begin(), j);
  plan.keep.insert(plan.keep.begin(), 0);
}

}  // namespace

FormOrReason affine_form(const Graph& graph, const Linearity& facts, NodeId sink,
                         const std::vector<NodeId>& cut) {
  expect(facts.parts[at(sink)] == Part::Affine,
         "[affine_form] not an affine node: got {}, want a node of Part::Affine", describe(graph, sink));
  return BackwardWalk(graph, facts, sink, cut).run();
}

FormOrReason near_form(const Graph& graph, const Linearity& facts, NodeId sink,
                       const std::vector<NodeId>& cut, const NearConstants& near, Coefficients coefficients) {
  return BackwardWalk(graph, facts, sink, cut).with(near, coefficients).run();
}

int64_t multiplications(const Graph& graph, const Linearity& facts, NodeId id) {
  const Node& node = graph.node(id);
  if (node.role != Role::Apply) return 0;
  std::vector<bool> is_data;
  for (const NodeId operand : node.operands) is_data.push_back(facts.parts[at(operand)] != Part::Constant);
  const int64_t products = products_with_data(node.op->body.expression, is_data);
  return products == 0 ? 0 : products * inside_points(graph, id);
}

CollapseCost collapse_cost(const Graph& graph, const Linearity& facts, const AffineForm& form) {
  CollapseCost cost;
  for (const NodeId id : form.nodes) {
    const int64_t own = multiplications(graph, facts, id);
    cost.before += own;
    if (facts.sink_uses[at(id)] <= 1) cost.owned += own;
  }
  for (const ExactMatrix& weights : form.weights) cost.dense += weights.rows() * weights.columns();
  return cost;
}

std::optional<ChainPlan> chain_plan(const Graph& graph, const Linearity& facts, const AffineForm& form) {
  const auto chain = chain_of(graph, facts, form);
  if (!chain) return {};
  ChainPlan plan;
  std::vector<int64_t> layers;  // multiplications between a boundary and the one before
  int64_t pending = 0;
  for (size_t k = 0; k < chain->size(); ++k) {
    const int64_t own = k == 0 ? 0 : multiplications(graph, facts, (*chain)[k]);
    if (own > 0 && (pending > 0 || plan.nodes.empty())) {
      plan.nodes.push_back((*chain)[k - 1]);
      layers.push_back(pending);
      pending = 0;
    }
    pending += own;
  }
  if (pending == 0) return {};
  plan.nodes.push_back(form.sink);
  layers.push_back(pending);
  plan.nodes.front() = form.frontier[0];
  for (const NodeId id : plan.nodes) plan.dims.push_back(sample_count(graph.node(id).shape));
  plan_segments(plan, layers);
  return plan;
}

}  // namespace crease
