// Replays an affine collapse. Steps without data are evaluated forwards. Then the claim is carried backwards:
// with the sink's elements as unknown functionals of every node, each step is replaced by its operands,
// exactly, until only the frontier and an offset are left, which must be the claim.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "graph/analysis/certificate.h"
#include "graph/analysis/check_fields.h"
#include "graph/analysis/check_kinds.h"
#include "graph/analysis/check_replay.h"
#include "graph/analysis/digest.h"
#include "graph/error.h"
#include "graph/piecewise.h"
#include "graph/scalar/forms.h"

namespace crease::checker {

namespace {

using Json = nlohmann::json;

/// A scalar that is affine in some arguments: slopes (none: constant) and offset.
struct Line {
  std::vector<Rational> slopes;
  Rational offset;
};

Line scaled(Line line, const Rational& factor) {
  for (Rational& slope : line.slopes) slope *= factor;
  line.offset *= factor;
  return line;
}

/// The data of one loop point: values of constant arguments; others vary.
struct Arguments {
  const std::vector<bool>& varies;
  std::span<const Rational> values;
  std::span<const int64_t> labels;
};

Line line_of(const Scalar& body, const Arguments& arguments);

Line combined(const Scalar& body, const std::vector<Line>& terms, const Arguments& arguments) {
  const auto is_constant = [](const Line& line) { return line.slopes.empty(); };
  if (std::all_of(terms.begin(), terms.end(), is_constant))
    return {{}, value_of(body, arguments.values, arguments.labels)};
  switch (body.kind()) {
    case ScalarKind::Negate: return scaled(terms[0], -1);
    case ScalarKind::Multiply:
      if (is_constant(terms[0])) return scaled(terms[1], terms[0].offset);
      if (is_constant(terms[1])) return scaled(terms[0], terms[1].offset);
      break;
    case ScalarKind::Divide:
      if (is_constant(terms[1]) && !terms[1].offset.is_zero())
        return scaled(terms[0], Rational(1) / terms[1].offset);
      break;
    case ScalarKind::Add:
    case ScalarKind::Subtract: {
      Line sum = terms[0];
      sum.slopes.resize(arguments.varies.size());
      const Rational sign = body.kind() == ScalarKind::Add ? 1 : -1;
      for (size_t k = 0; k < terms[1].slopes.size(); ++k) sum.slopes[k] += sign * terms[1].slopes[k];
      sum.offset += sign * terms[1].offset;
      return sum;
    }
    default: break;
  }
  throw Refused(std::string(name_of(body.kind())) + " is not affine in the data");
}

Line line_of(const Scalar& body, const Arguments& arguments) {
  return fold_asked<Line>(body, [&](const Scalar& e, const auto& of) -> Line {
    if (e.kind() == ScalarKind::Argument) {
      const auto position = static_cast<size_t>(e.position());
      if (!arguments.varies[position]) return {{}, arguments.values[position]};
      Line line{std::vector<Rational>(arguments.varies.size()), 0};
      line.slopes[position] = 1;
      return line;
    }
    if (e.terms().empty()) return {{}, value_of(e, arguments.values, arguments.labels)};
    if (e.kind() == ScalarKind::Select) {
      const Line& condition = of(e.terms()[0]);
      if (!condition.slopes.empty()) throw Refused("select depends on the data");
      return of(e.terms()[condition.offset.is_zero() ? 2 : 1]);
    }
    std::vector<Line> terms;
    for (const Scalar& term : e.terms()) terms.push_back(of(term));
    return combined(e, terms, arguments);
  });
}

/// max(x, 0) + min(x, 0) and the like: affine though its parts are not.
std::optional<Line> line_by_table(const Scalar& body, const std::vector<bool>& varies) {
  if (varies.size() != 1 || !varies[0]) return {};
  const auto table = piecewise_linear(body);
  if (!table || !is_affine(*table)) return {};
  return Line{{table->slopes[0]}, table->offsets[0]};
}

/// One row of coefficients (over the sink's elements) for each element of a node.
using Rows = std::vector<std::vector<Rational>>;

class AffineReplay {
 public:
  AffineReplay(const Json& certificate, const Graph& graph) : graph_(graph) {
    const Json& claim = certificate.at("claim");
    sink_ = find_node(graph, claim.at("sink").get<std::string>());
    frontier_ = frontier_of(claim, graph);
    for (const Json& step : certificate.at("steps")) {
      require_fields(step, {"rule", "node"}, {});
      steps_.push_back(find_node(graph, step.at("node").get<std::string>()));
    }
    width_ = static_cast<size_t>(sample_size(graph.node(sink_).shape));
    offset_.resize(width_);
  }

  /// Leaves coefficients of the frontier in rows and everything constant in the offset.
  void run() {
    forward();
    Rows start(width_, std::vector<Rational>(width_));
    for (size_t i = 0; i < width_; ++i) start[i][i] = 1;
    rows_[sink_] = std::move(start);
    for (size_t k = data_steps_.size(); k-- > 0;) substitute(data_steps_[k]);
    for (const auto& [id, rows] : rows_)
      if (!frontier_.contains(id)) throw Refused("no step for " + describe(graph_, id));
  }

  void compare(const Json& claim) const {
    const std::vector<Rational> offset = numbers(claim.at("b"));
    if (offset.size() != width_) throw Refused("b has another size than the sink");
    for (size_t o = 0; o < width_; ++o)
      if (offset[o] != offset_[o])
        throw Refused(fmt::format("b[{}] is {}, the certificate claims {}", o, to_string(offset_[o]),
                                  to_string(offset[o])));
    if (claim.at("W").size() != frontier_.size())
      throw Refused("W has another number of matrices than the frontier");
    for (const NodeId id : frontier_) compare_matrix(id, claim.at("W").at(node_key(graph_, id)));
  }

 private:
  /// Sorts steps into those without data, which get values, and the others.
  void forward() {
    std::set<NodeId> done;
    for (const NodeId id : steps_) {
      if (graph_.node(id).role != Role::Apply) throw Refused(describe(graph_, id) + " is no operation");
      if (frontier_.contains(id)) throw Refused(describe(graph_, id) + " is both a step and in the frontier");
      if (!done.insert(id).second) throw Refused("two steps for " + describe(graph_, id));
      require_separate_samples(graph_, id);
      bool data = false;
      for (const NodeId operand : graph_.node(id).operands) data = is_varying(operand, done) || data;
      if (data) {
        data_steps_.push_back(id);
        varying_.insert(id);
      } else {
        values_[id] = values_of(graph_, id, values_);
      }
    }
  }

  /// Whether an operand of a step depends on the frontier; else makes sure that its value is known.
  bool is_varying(NodeId operand, const std::set<NodeId>& done) {
    if (frontier_.contains(operand) || varying_.contains(operand)) return true;
    if (values_.contains(operand)) return false;
    const Role role = graph_.node(operand).role;
    if (role != Role::Parameter && role != Role::Constant)
      throw Refused((done.contains(operand) ? "order of steps: " : "no step before it is used for ") +
                    describe(graph_, operand));
    values_[operand] = values_of(graph_, operand, values_);
    return false;
  }

  /// Replaces a node by its operands.
  void substitute(NodeId id) {
    const auto found = rows_.find(id);
    if (found == rows_.end()) return;
    const Rows from = std::move(found->second);
    rows_.erase(found);
    const Node& node = graph_.node(id);
    const Combine combine = node.op->combine;
    const Refused no_sum(describe(graph_, id) + " does not combine by sums");
    if (gives_position(combine)) throw no_sum;
    std::vector<bool> varies;
    for (const NodeId operand : node.operands) {
      varies.push_back(frontier_.contains(operand) || varying_.contains(operand));
      if (!varies.back()) continue;
      Rows& rows = rows_[operand];
      if (rows.empty())
        rows.assign(static_cast<size_t>(sample_size(graph_.node(operand).shape)),
                    std::vector<Rational>(width_));
    }
    const auto table = line_by_table(node.op->body.expression, varies);
    std::vector<Rational> values(node.operands.size());
    std::vector<bool> assigned(from.size());
    visit_points(graph_, id, [&](const Touch& touch) {
      const auto written = static_cast<size_t>(touch.write);
      if (combine == Combine::Assign && assigned[written])
        throw Refused("two loop points assign one element");
      if (combine != Combine::Sum && assigned[written]) throw no_sum;
      assigned[written] = true;
      for (size_t k = 0; k < varies.size(); ++k)
        if (!varies[k]) values[k] = values_.at(node.operands[k])[static_cast<size_t>(touch.reads[k])];
      const Line line = table ? *table : line_of(node.op->body.expression, {varies, values, touch.labels});
      add(offset_, from[written], line.offset);
      for (size_t k = 0; k < line.slopes.size(); ++k)
        if (varies[k])
          add(rows_[node.operands[k]][static_cast<size_t>(touch.reads[k])], from[written], line.slopes[k]);
    });
    // A product over nothing is 1, an extremum infinite.
    const bool needs_one = combine != Combine::Sum && combine != Combine::Assign;
    if (needs_one && std::ranges::find(assigned, false) != assigned.end()) throw no_sum;
  }

  static void add(std::vector<Rational>& to, const std::vector<Rational>& from, const Rational& factor) {
    if (factor.is_zero()) return;
    for (size_t o = 0; o < to.size(); ++o)
      if (!from[o].is_zero()) to[o] += factor * from[o];
  }

  /// Coefficient of element i of a frontier node in element o of the sink.
  Rational derived(NodeId id, size_t i, size_t o) const {
    const auto found = rows_.find(id);
    return found == rows_.end() ? Rational(0) : found->second[i][o];
  }

  void compare_matrix(NodeId id, const Json& claimed) const {
    const auto columns = static_cast<size_t>(sample_size(graph_.node(id).shape));
    const std::string key = node_key(graph_, id);
    if (claimed.is_object()) {
      std::string text;
      for (size_t o = 0; o < width_; ++o)
        for (size_t i = 0; i < columns; ++i) text += to_string(derived(id, i, o)) + "\n";
      const bool equal = claimed.at("rows") == width_ && claimed.at("columns") == columns &&
                         claimed.at("sha256") == sha256(text);
      if (!equal) throw Refused("W of " + key + " has another digest");
      return;
    }
    if (claimed.size() != width_) throw Refused("W of " + key + " has another number of rows than the sink");
    for (size_t o = 0; o < width_; ++o) {
      const std::vector<Rational> row = numbers(claimed.at(o));
      if (row.size() != columns)
        throw Refused("W of " + key + " has another number of columns than the frontier");
      for (size_t i = 0; i < columns; ++i)
        if (row[i] != derived(id, i, o))
          throw Refused(fmt::format("W of {} at [{}, {}] is {}, the certificate claims {}", key, o, i,
                                    to_string(derived(id, i, o)), to_string(row[i])));
    }
  }

  const Graph& graph_;
  NodeId sink_ = -1;
  std::set<NodeId> frontier_;
  std::vector<NodeId> steps_;
  std::vector<NodeId> data_steps_;
  std::set<NodeId> varying_;
  std::map<NodeId, std::vector<Rational>> values_;
  size_t width_ = 0;
  std::map<NodeId, Rows> rows_;
  std::vector<Rational> offset_;
};

}  // namespace

void compare_forms(const Graph& graph, const std::vector<Form>& forms, const Json& claim) {
  const std::vector<Rational> offset = numbers(claim.at("b"));
  if (offset.size() != forms.size()) throw Refused("b has another size than the sink");
  const std::set<NodeId> frontier = frontier_of(claim, graph);
  for (size_t o = 0; o < forms.size(); ++o) {
    if (forms[o].constant != offset[o])
      throw Refused(fmt::format("b[{}] is {}, the certificate claims {}", o, to_string(forms[o].constant),
                                to_string(offset[o])));
    for (const auto& [atom, coefficient] : forms[o].terms)
      if (!frontier.contains(atom.node))
        throw Refused("the sink depends on " + to_string(graph, atom) + ", which is not in the frontier");
  }
  if (claim.at("W").size() != frontier.size()) throw Refused("W has another frontier");
  for (const auto& [key, rows] : claim.at("W").items()) {
    const NodeId id = node_of_key(graph, key);
    if (!frontier.contains(id)) throw Refused("W of " + key + ", which is not in the frontier");
    const auto columns = static_cast<size_t>(sample_size(graph.node(id).shape));
    if (rows.size() != forms.size()) throw Refused("W of " + key + " has another number of rows");
    for (size_t o = 0; o < forms.size(); ++o) {
      const std::vector<Rational> row = numbers(rows.at(o));
      if (row.size() != columns) throw Refused("W of " + key + " has another number of columns");
      for (size_t i = 0; i < columns; ++i) {
        const auto found = forms[o].terms.find({id, static_cast<int64_t>(i), 0});
        const Rational derived = found == forms[o].terms.end() ? Rational(0) : found->second;
        if (derived != row[i])
          throw Refused(fmt::format("W of {} at [{}, {}] is {}, the certificate claims {}", key, o, i,
                                    to_string(derived), to_string(row[i])));
      }
    }
  }
}

std::string check_affine(const Json& certificate, const Graph& graph) {
  require_fields(certificate, {"cert", "kind", "graph", "semantics", "claim", "steps"}, {"box"});
  require_fields(certificate.at("claim"), {"sink", "frontier", "W", "b"}, {});
  const auto is_affine_step = [](const Json& step) { return step.at("rule") == "AFFINE"; };
  if (certificate.contains("box") || !std::ranges::all_of(certificate.at("steps"), is_affine_step))
    return check_piecewise_collapse(certificate, graph);
  AffineReplay replay(certificate, graph);
  replay.run();
  replay.compare(certificate.at("claim"));
  return spoken(graph, find_node(graph, certificate.at("claim").at("sink").get<std::string>())) +
         " is the claimed affine map of its frontier";
}

}  // namespace crease::checker
