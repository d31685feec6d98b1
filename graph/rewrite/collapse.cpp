#include "graph/rewrite/collapse.h"

#include <algorithm>
#include <map>
#include <set>

#include "graph/analysis/certificate.h"
#include "graph/analysis/enclosed_form.h"
#include "graph/analysis/linearity.h"
#include "graph/analysis/points.h"
#include "graph/analysis/single_convolution.h"
#include "graph/error.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/hold.h"

namespace crease {

namespace {

size_t at(NodeId id) { return static_cast<size_t>(id); }

/// What replaces one node: forms applied one after the other.
struct Plan {
  std::vector<AffineForm> segments;
  CollapsedSink report;
  std::optional<SingleConvolution> convolution = {};  // what the only segment is applied as
};

bool has_held(const Graph& graph, const std::vector<NodeId>& nodes) {
  return std::ranges::any_of(nodes, [&](NodeId id) { return is_held(graph.node(id)); });
}

/// Updated parameters that a sub-graph reads, through constants too.
bool reads_updated(const Graph& graph, const std::vector<NodeId>& nodes) {
  std::set<NodeId> updated;
  for (const Update& update : graph.updates()) updated.insert(update.parameter);
  if (updated.empty()) return false;
  std::set<NodeId> seen;
  std::vector<NodeId> open = nodes;
  const std::set<NodeId> inside(nodes.begin(), nodes.end());
  while (!open.empty()) {
    const NodeId id = open.back();
    open.pop_back();
    if (updated.contains(id)) return true;
    if (!seen.insert(id).second) continue;
    for (const NodeId operand : graph.node(id).operands)
      if (graph.node(operand).role == Role::Parameter || inside.contains(operand) ||
          graph.node(operand).role == Role::Apply)
        open.push_back(operand);
  }
  return false;
}

/// The named dimensions of a shape in order.
Shape symbols_of(const Shape& shape) {
  Shape result;
  for (const Dim& dim : shape)
    if (dim.is_symbol()) result.push_back(dim);
  return result;
}

/// Plans the collapse of one sink.
class Planner {
 public:
  Planner(const Graph& graph, const Linearity& facts) : graph_(graph), facts_(facts) {}

  /// The plan, or why there is none. An empty reason: nothing to merge.
  std::pair<std::optional<Plan>, std::string> plan(NodeId sink) const {
    const std::vector<NodeId> nodes = affine_nodes(graph_, facts_, sink);
    int64_t owned = 0, dense = 0, layers = 0;
    for (const NodeId id : nodes) {
      const int64_t own = multiplications(graph_, facts_, id);
      layers += own > 0 ? 1 : 0;
      if (facts_.sink_uses[at(id)] <= 1) owned += own;
    }
    if (layers < 2) return {};
    for (const NodeId id : facts_.frontiers[at(sink)])
      dense += sample_count(graph_.node(id).shape) * sample_count(graph_.node(sink).shape);
    if (reads_updated(graph_, nodes)) return {{}, "a parameter in it is trained"};
    if (has_held(graph_, nodes)) return {{}, "stop_gradient holds a part of it constant"};
    if (facts_.frontiers[at(sink)].empty()) return {};
    auto result = affine_form(graph_, facts_, sink);
    std::optional<Certificate> enclosure;
    if (!result.form) {
      const EnclosedFormOrReason near = enclosed_form(graph_, facts_, sink);
      if (!near.form) return {{}, near.reason};
      enclosure = enclosure_certificate(graph_, *near.form);
      result.form = near.form->form;
    }
    auto convolution = as_convolution(*result.form);
    if (convolution && convolution->multiplications >= std::min(dense, owned)) convolution.reset();
    if (!convolution && !enclosure)
      if (const auto chain = chain_plan(graph_, facts_, *result.form);
          chain && chain->multiplications < owned)
        return segmented(*result.form, *chain, owned);
    const int64_t after = convolution ? convolution->multiplications : dense;
    if (after >= owned)
      return {{}, fmt::format("it would take {} multiplications instead of {}", after, owned)};
    Plan plan{.convolution = std::move(convolution)};
    plan.report = {.sink = sink,
                   .boundaries = result.form->frontier,
                   .multiplications_before = owned,
                   .multiplications_after = after,
                   .certificates = {enclosure ? *enclosure : affine_certificate(graph_, *result.form)}};
    plan.report.boundaries.push_back(sink);
    plan.segments = {std::move(*result.form)};
    return {std::move(plan), ""};
  }

 private:
  /// The convolution that a form of images with one leading dimension is.
  std::optional<SingleConvolution> as_convolution(const AffineForm& form) const {
    const Shape &from = graph_.node(form.frontier[0]).shape, &to = graph_.node(form.sink).shape;
    const bool images =
        (from.size() == 3 || from.size() == 4) && from.size() == to.size() && from[0] == to[0];
    const bool one_each = images && sample_count(from) == sample_count({from.begin() + 1, from.end()});
    if (!one_each) return {};
    auto found = single_convolution(graph_, form);  // without its leading dimension it can be another one
    return found && found->stride.size() + 2 == from.size() ? std::move(found) : std::nullopt;
  }

  /// A chain whose narrow boundaries are kept.
  std::pair<std::optional<Plan>, std::string> segmented(const AffineForm& whole, const ChainPlan& chain,
                                                        int64_t owned) const {
    if (chain.multiplications >= owned) return {{}, "its layers are already the cheapest way"};
    Plan plan;
    plan.report = {.sink = whole.sink,
                   .boundaries = {},
                   .multiplications_before = owned,
                   .multiplications_after = chain.multiplications,
                   .certificates = {}};
    for (const size_t boundary : chain.keep) plan.report.boundaries.push_back(chain.nodes[boundary]);
    for (size_t k = 0; k + 1 < plan.report.boundaries.size(); ++k) {
      auto form = affine_form(graph_, facts_, plan.report.boundaries[k + 1], {plan.report.boundaries[k]});
      if (!form.form) return {{}, form.reason};
      plan.report.certificates.push_back(affine_certificate(graph_, *form.form));
      plan.segments.push_back(std::move(*form.form));
    }
    return {std::move(plan), ""};
  }

  const Graph& graph_;
  const Linearity& facts_;
};

/// W rounded once to `type`, in the shape [frontier dimensions..., sink dimensions...].
Tensor rounded(const ExactMatrix& weights, Type type, std::vector<int64_t> sizes) {
  Tensor tensor(type, std::move(sizes));
  for (int64_t i = 0; i < weights.rows(); ++i)
    for (int64_t o = 0; o < weights.columns(); ++o) {
      const Rational value = weights.at(i, o);
      tensor.set(i * weights.columns() + o, type == Type::f32 ? value.to_float() : value.to_double());
    }
  return tensor;
}

Tensor rounded(const std::vector<Rational>& offset, Type type, std::vector<int64_t> sizes) {
  Tensor tensor(type, std::move(sizes));
  for (size_t o = 0; o < offset.size(); ++o)
    tensor.set(static_cast<int64_t>(o), type == Type::f32 ? offset[o].to_float() : offset[o].to_double());
  return tensor;
}

std::vector<int64_t> fixed_sizes(const Shape& shape) {
  std::vector<int64_t> sizes;
  for (const Dim& dim : shape)
    if (!dim.is_symbol()) sizes.push_back(dim.size());
  return sizes;
}

/// Labels for the dimensions of a shape: named ones by their name, so that rows stay rows, others by
/// `prefix` and a number, which no label of a name is.
std::string labels_of(const Shape& shape, const char* prefix, bool with_symbols) {
  std::string text;
  int number = 0;
  for (const Dim& dim : shape) {
    if (dim.is_symbol() && !with_symbols) continue;
    text += (text.empty() ? "" : " ") +
            (dim.is_symbol() ? "row_" + dim.symbol() : prefix + std::to_string(number++));
  }
  return text;
}

/// Builds the new graph.
class Builder {
 public:
  Builder(const Graph& old, std::map<NodeId, Plan> plans) : old_(old), plans_(std::move(plans)) {}

  Rewrite run() {
    result_.new_id.assign(at(old_.size()), -1);
    if (old_.tie()) result_.graph.set_tie(*old_.tie());
    const std::set<NodeId> needed = needed_nodes();
    for (NodeId id = 0; id < old_.size(); ++id) {
      const bool is_input = old_.node(id).role == Role::Input;  // a caller may bind it
      if (needed.contains(id) || is_input) set(id, plans_.contains(id) ? replace(plans_.at(id)) : copied(id));
    }
    for (const Output& output : old_.outputs()) result_.graph.output(output.name, fresh(output.node));
    for (const Update& update : old_.updates())
      result_.graph.update(fresh(update.parameter), fresh(update.value));
    return std::move(result_);
  }

 private:
  /// What outputs and updates need when replaced sinks need only their frontier.
  std::set<NodeId> needed_nodes() const {
    std::vector<NodeId> open = roots(old_);
    for (const Update& update : old_.updates()) open.push_back(update.parameter);
    std::set<NodeId> needed;
    while (!open.empty()) {
      const NodeId id = open.back();
      open.pop_back();
      if (!needed.insert(id).second) continue;
      const auto plan = plans_.find(id);
      const auto& next =
          plan == plans_.end() ? old_.node(id).operands : plan->second.segments.front().frontier;
      open.insert(open.end(), next.begin(), next.end());
    }
    return needed;
  }

  void set(NodeId id, const Value& value) { result_.new_id[at(id)] = value.id(); }
  Value fresh(NodeId id) const { return result_.graph.value(result_.new_id[at(id)]); }

  Value copied(NodeId id) {
    std::vector<Value> operands;
    for (const NodeId operand : old_.node(id).operands) operands.push_back(fresh(operand));
    return result_.graph.copy(old_.node(id), operands);
  }

  Value replace(const Plan& plan) {
    Value value;
    for (size_t k = 0; k < plan.segments.size(); ++k)
      value = plan.convolution ? convolve(plan.segments[0], *plan.convolution)
              : k == 0         ? apply(plan.segments[0], {})
                               : apply(plan.segments[k], value);
    const std::string& name = old_.node(plan.report.sink).name;
    if (!name.empty()) result_.graph.set_name(value, name);
    return value;
  }

  /// sum over the frontier of f W[f], plus b.
  Value apply(const AffineForm& form, const Value& previous) {
    const Node& sink = old_.node(form.sink);
    const std::string stem = stem_of(form.sink) + ".collapsed.";
    Value total;
    for (size_t k = 0; k < form.frontier.size(); ++k) {
      const Value from = previous.valid() ? previous : fresh(form.frontier[k]);
      const Value part = contract(from, form, k, stem + "weight." + std::to_string(k), sink);
      total = total.valid() ? total + part : part;
    }
    if (!has_offset(form)) return total;
    const Value bias =
        parameter(stem + "bias", rounded(form.offset, sink.type, bias_sizes(sink.shape)), sink);
    return total + Operand(bias, sink.where);
  }

  Value convolve(const AffineForm& form, const SingleConvolution& convolution) {
    const Node& sink = old_.node(form.sink);
    const std::string stem = stem_of(form.sink) + ".collapsed.";
    const Value kernel =
        parameter(stem + "kernel", rounded(convolution.kernel, sink.type, convolution.sizes), sink);
    const ConvOptions options{.stride = convolution.stride, .padding = convolution.padding};
    const Value source = fresh(convolution.source);
    const Value y = convolution.stride.size() == 1 ? conv1d({source, sink.where}, kernel, options)
                                                   : conv2d({source, sink.where}, kernel, options);
    if (!has_offset(form)) return y;
    std::vector<int64_t> sizes(convolution.sizes.size() - 1, 1);
    sizes[0] = convolution.sizes[0];
    return y +
           Operand(parameter(stem + "bias", rounded(convolution.bias, sink.type, sizes), sink), sink.where);
  }

  static bool has_offset(const AffineForm& form) {
    return std::ranges::any_of(form.offset, [](const Rational& b) { return !b.is_zero(); });
  }

  std::string stem_of(NodeId sink) const {
    const std::string key = node_key(old_, sink);
    return key.starts_with('%') ? "node" + key.substr(1) : key;
  }

  /// Sizes that broadcast onto the sink: named dimensions as 1, leading ones left out.
  static std::vector<int64_t> bias_sizes(const Shape& shape) {
    std::vector<int64_t> sizes = sample_sizes(shape);
    const auto first =
        std::find_if(shape.begin(), shape.end(), [](const Dim& dim) { return !dim.is_symbol(); });
    sizes.erase(sizes.begin(), sizes.begin() + (first - shape.begin()));
    return sizes;
  }

  Value contract(const Value& from, const AffineForm& form, size_t k, const std::string& name,
                 const Node& sink) {
    std::vector<int64_t> sizes = fixed_sizes(from.shape());
    const bool is_row = sizes.size() == 1 && !from.shape().back().is_symbol() && from.shape().size() > 1;
    const std::vector<int64_t> out = fixed_sizes(sink.shape);
    const bool to_row = out.size() == 1 && !sink.shape.back().is_symbol();
    const auto rows = [](const Shape& shape) {
      return shape.empty() ? Shape() : Shape(shape.begin(), shape.end() - 1);
    };
    const bool same_rows = rows(from.shape()) == rows(sink.shape);
    sizes.insert(sizes.end(), out.begin(), out.end());
    const Value weight = parameter(name, rounded(form.weights[k], sink.type, sizes), sink);
    if (is_row && to_row && same_rows) return matmul(from, weight, sink.where);
    const Op map{.name = "affine_map",
                 .doc = "A collapsed affine sub-graph: every element of one sample with every other.",
                 .loops = labels_of(from.shape(), "i", true) + ", " +
                          (labels_of(from.shape(), "i", false) + " " + labels_of(sink.shape, "o", false)) +
                          " -> " + labels_of(sink.shape, "o", true),
                 .body = [](Scalar x, Scalar w) { return x * w; },
                 .combine = Combine::Sum};
    return map(from, weight, sink.where);
  }

  Value parameter(std::string name, Tensor value, const Node& sink) {
    for (int number = 2; taken(name); ++number) name += "." + std::to_string(number);
    names_.insert(name);
    return result_.graph.parameter(name, std::move(value), sink.where);
  }

  bool taken(const std::string& name) const {
    if (names_.contains(name)) return true;
    for (NodeId id = 0; id < old_.size(); ++id)
      if (old_.node(id).name == name) return true;
    return false;
  }

  const Graph& old_;
  std::map<NodeId, Plan> plans_;
  Rewrite result_;
  std::set<std::string> names_;
};

}  // namespace

Collapsed collapse_explained(const Graph& graph) {
  const Linearity facts = linearity(graph);
  const Planner planner(graph, facts);
  Collapsed collapsed;
  std::map<NodeId, Plan> plans;
  for (const NodeId sink : facts.sinks) {
    auto [plan, reason] = planner.plan(sink);
    // Rows that the sink has and its source lacks would have to be invented.
    const bool same_rows =
        plan && std::all_of(plan->segments.begin(), plan->segments.end(), [&](const AffineForm& form) {
          return std::all_of(form.frontier.begin(), form.frontier.end(), [&](NodeId id) {
            return symbols_of(graph.node(id).shape) == symbols_of(graph.node(form.sink).shape);
          });
        });
    if (plan && !same_rows) reason = "its source has other named dimensions";
    if (!reason.empty()) collapsed.kept.push_back(node_key(graph, sink) + ": " + reason);
    if (!plan || !same_rows) continue;
    collapsed.sinks.push_back(plan->report);
    plans.emplace(sink, std::move(*plan));
  }
  collapsed.rewrite = Builder(graph, std::move(plans)).run();
  return collapsed;
}

Rewrite collapse(const Graph& graph) { return collapse_explained(graph).rewrite; }

}  // namespace crease
