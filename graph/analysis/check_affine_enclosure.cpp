// Certificates of kind "affine-enclosure" (format: certificate.h): every step must be affine in the data by
// its form; then the sink is enclosed with the frontier at 0 and at each unit vector, whose differences are
// the columns of W.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "graph/analysis/certificate.h"
#include "graph/analysis/check_enclosure.h"
#include "graph/analysis/check_fields.h"
#include "graph/analysis/check_kinds.h"
#include "graph/analysis/check_nearly.h"
#include "graph/analysis/decimals.h"

namespace crease::checker {
namespace {

using nlohmann::json;

/// Loop points of all steps times frontier elements: some seconds.
constexpr int64_t most_points = int64_t{1} << 22;

class EnclosureReplay {
 public:
  EnclosureReplay(const json& certificate, const Graph& graph) : graph_(graph) {
    const json& claim = certificate.at("claim");
    sink_ = find_node(graph, claim.at("sink").get<std::string>());
    frontier_ = frontier_of(claim, graph);
    error_ = Rational::parse(claim.at("error").get<std::string>());
    if (error_.sign() < 0) throw Refused("the error is negative");
    for (const json& step : certificate.at("steps")) {
      require_fields(step, {"rule", "node"}, {});
      if (step.at("rule") != "AFFINE") throw Refused("a step is not AFFINE");
      take(find_node(graph, step.at("node").get<std::string>()));
    }
    if (frontier_.contains(sink_) || !data_.contains(sink_)) throw Refused("no step for the sink");
  }

  void compare(const json& claim) {
    if (claim.at("W").size() != frontier_.size())
      throw Refused("W has another number of matrices than the frontier");
    const auto zero = sink_at(-1, 0);
    const auto offset = numbers(claim.at("b").get<std::vector<std::string>>());
    if (offset.size() != zero.size()) throw Refused("b has another size than the sink");
    for (size_t o = 0; o < offset.size(); ++o) require_near(offset[o], zero[o], fmt::format("b[{}]", o));
    for (const NodeId id : frontier_) {
      const std::string key = node_key(graph_, id);
      const json& rows = claim.at("W").at(key);
      if (!rows.is_array() || rows.size() != zero.size())
        throw Refused("W of " + key + " has another number of rows than the sink");
      compare_columns(id, key, rows, zero);
    }
  }

 private:
  void take(NodeId id) {
    if (graph_.node(id).role != Role::Apply) throw Refused(describe(graph_, id) + " is no operation");
    if (frontier_.contains(id)) throw Refused(describe(graph_, id) + " is both a step and in the frontier");
    if (data_.contains(id) || constants_.contains(id)) throw Refused("two steps for " + describe(graph_, id));
    require_separate_samples(graph_, id);
    const Node& node = graph_.node(id);
    std::vector<bool> data;
    data.reserve(node.operands.size());
    for (const NodeId operand : node.operands) data.push_back(is_data(operand));
    if (!varies(node.op->body.expression, data)) {
      constants_[id] = enclosed_node(graph_, id, constants_);
      return;
    }
    if (node.op->combine != Combine::Sum && node.op->combine != Combine::Assign)
      throw Refused(describe(graph_, id) + " does not combine by sums");
    visit_points(graph_, id, [&](const Touch&) { ++points_; });
    data_.insert(id);
    steps_.push_back(id);
  }

  bool is_data(NodeId operand) {
    if (frontier_.contains(operand) || data_.contains(operand)) return true;
    if (constants_.contains(operand)) return false;
    const Role role = graph_.node(operand).role;
    if (role != Role::Parameter && role != Role::Constant)
      throw Refused("no step before it is used for " + describe(graph_, operand));
    constants_[operand] = enclosed_node(graph_, operand, constants_);
    return false;
  }

  /// The sink with element `i` of frontier node `id` at 1, all others at 0.
  std::vector<Enclosure> sink_at(NodeId id, size_t i) {
    EnclosedValues known = constants_;
    for (const NodeId node : frontier_)
      known[node].assign(static_cast<size_t>(sample_size(graph_.node(node).shape)), {0, 0});
    if (id >= 0) known[id][i] = {1, 1};
    for (const NodeId step : steps_) known[step] = enclosed_node(graph_, step, known);
    return known.at(sink_);
  }

  void compare_columns(NodeId id, const std::string& key, const json& rows,
                       const std::vector<Enclosure>& zero) {
    const auto columns = static_cast<size_t>(sample_size(graph_.node(id).shape));
    if (points_ * static_cast<int64_t>(columns) > most_points)
      throw Refused("the steps are too many for the columns of W");
    std::vector<std::vector<Rational>> claimed;
    for (const json& row : rows) {
      claimed.push_back(numbers(row.get<std::vector<std::string>>()));
      if (claimed.back().size() != columns)
        throw Refused("W of " + key + " has another number of columns than the frontier");
    }
    for (size_t i = 0; i < columns; ++i) {
      const auto one = sink_at(id, i);
      for (size_t o = 0; o < one.size(); ++o)
        require_near(claimed[o][i], {one[o].low - zero[o].high, one[o].high - zero[o].low},
                     fmt::format("W of {} at [{}, {}]", key, o, i));
    }
  }

  void require_near(const Rational& claimed, const Enclosure& exact, const std::string& what) const {
    if (exact.low < claimed - error_ || claimed + error_ < exact.high)
      throw Refused(fmt::format("{} is {:.17g}, the certificate claims {:.17g}", what, exact.low.to_double(),
                                claimed.to_double()));
  }

  const Graph& graph_;
  NodeId sink_ = -1;
  std::set<NodeId> frontier_;
  Rational error_;
  EnclosedValues constants_;
  std::set<NodeId> data_;
  std::vector<NodeId> steps_;
  int64_t points_ = 0;
};

}  // namespace

std::string check_affine_enclosure(const json& certificate, const Graph& graph) {
  require_fields(certificate, {"cert", "kind", "graph", "semantics", "claim", "steps"}, {});
  const json& claim = certificate.at("claim");
  require_fields(claim, {"sink", "frontier", "W", "b", "error"}, {});
  EnclosureReplay(certificate, graph).compare(claim);
  return fmt::format("{} is an affine map of its frontier whose numbers are within {} of the claimed ones",
                     spoken(graph, find_node(graph, claim.at("sink").get<std::string>())),
                     at_most_text(Rational::parse(claim.at("error").get<std::string>()), 3));
}

}  // namespace crease::checker
