// Certificates of kind "gradient" (format: autodiff/gradient_certificate.cpp): the point, the kinks and the
// gradient are derived again, exactly, and compared with what is claimed.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ranges>
#include <set>

#include "graph/analysis/certificate.h"
#include "graph/analysis/check_fields.h"
#include "graph/analysis/check_germ.h"
#include "graph/analysis/check_kinds.h"

namespace crease::checker {
namespace {

using nlohmann::json;
using Numbers = std::vector<Rational>;
using Point = std::map<NodeId, Numbers>;

int64_t count_of(const Shape& shape, const Sizes& sizes) {
  int64_t count = 1;
  for (const Dim& dim : shape) {
    if (dim.is_symbol() && !sizes.contains(dim.symbol()))
      throw Refused("the size of '" + dim.symbol() + "' is missing");
    count *= dim.is_symbol() ? sizes.at(dim.symbol()) : dim.size();
  }
  return count;
}

/// Tensors by the name of an input or parameter.
Point tensors(const json& object, const Graph& graph, const Sizes& sizes) {
  Point result;
  for (const auto& [name, list] : object.items()) {
    const NodeId id = graph.find(name).id();
    result[id] = numbers(list.get<std::vector<std::string>>());
    if (static_cast<int64_t>(result[id].size()) != count_of(graph.node(id).shape, sizes))
      throw Refused("'" + name + "' has another number of elements");
  }
  return result;
}

/// Equal up to the rounding of the variables' type: derivatives are computed in it.
bool agrees(const Rational& got, const Rational& exact, const Rational& scale, Type type) {
  const Rational bound =
      (scale < 1 ? Rational(1) : scale) * Rational::dyadic(1, type == Type::f64 ? -44 : -18);
  return (got - exact).abs() <= bound;
}

/// One certificate.
class GradientCheck {
 public:
  GradientCheck(const json& certificate, const Graph& graph) : json_(certificate), graph_(graph) {
    require_fields(json_,
                   {"cert", "kind", "graph", "semantics", "claim", "sizes", "point", "directions", "kinks"},
                   {"smallest"});
    require_fields(json_.at("claim"), {"name", "loss", "value", "gradient", "unresolved"}, {});
    name_ = json_.at("claim").at("name").get<std::string>();
    loss_ = find_node(graph, json_.at("claim").at("loss").get<std::string>());
    if (!graph.node(loss_).shape.empty()) throw Refused("the loss is no scalar");
    for (const auto& [symbol, size] : json_.at("sizes").items()) setting_.sizes[symbol] = size.get<int64_t>();
    setting_.leaves = tensors(json_.at("point"), graph, setting_.sizes);
    claimed_ = tensors(json_.at("claim").at("gradient"), graph, setting_.sizes);
    if (claimed_.empty()) throw Refused("there is no gradient");
    for (const auto& [id, values] : claimed_) setting_.variables.push_back(id);
    for (const json& direction : json_.at("directions")) {
      directions_.push_back(tensors(direction, graph, setting_.sizes));
      const bool fits =
          std::ranges::equal(directions_.back() | std::views::keys, claimed_ | std::views::keys);
      if (!fits) throw Refused("a direction moves others than the variables");
    }
  }

  std::string run() {
    const GermReplay plain(graph_, loss_, setting_);
    compare("value", Rational::parse(json_.at("claim").at("value").get<std::string>()), plain.loss().value);
    if (name_ == "smooth") return check_smooth(plain);
    if (name_ == "clarke_single") return check_single(plain);
    GermSetting along = setting_;
    along.directions = directions_;
    const GermReplay locked(graph_, loss_, along);
    if (name_ == "discontinuous") return check_jump(plain, locked);
    if (name_ != "b_directional" && name_ != "b_static" && name_ != "partial")
      throw Refused("a gradient that is " + name_ +
                    " is not claimed to be anything: there is nothing to check");
    if (directions_.empty()) throw Refused("there is no direction");
    if (locked.loss().value != plain.loss().value) throw Refused("the loss jumps next to the point");
    compare_kinks(locked);
    const auto undecided = std::ranges::count(locked.ties(), false, &GermTie::decided);
    const auto unresolved = json_.at("claim").at("unresolved").get<int64_t>();
    if (unresolved != undecided)
      throw Refused(
          fmt::format("{} kinks are not decided, the certificate claims {}", undecided, unresolved));
    if (name_ == "partial" && undecided == 0) throw Refused("every kink is decided");
    if (name_ != "partial" && undecided > 0) throw Refused("a kink is not decided by any direction");
    compare_gradient(locked.gradient());
    if (name_ == "partial") return fmt::format("nothing is claimed: {} kinks are not decided", undecided);
    return fmt::format(
        "the gradient of the smooth piece next to the point, with {} kinks decided: an element of the "
        "B-subdifferential",
        locked.ties().size());
  }

 private:
  void compare(const std::string& what, const Rational& got, const Rational& exact) const {
    if (!agrees(got, exact, exact.abs(), type()))
      throw Refused(what + " is " + to_string(exact) + ", the certificate claims another");
  }
  Type type() const { return graph_.node(setting_.variables.front()).type; }

  void require_none(const char* field) const {
    if (!json_.at(field).empty()) throw Refused(std::string("'") + field + "' has no meaning here");
  }

  std::string check_smooth(const GermReplay& plain) const {
    if (!plain.ties().empty())
      throw Refused("a kink is hit at " + describe(graph_, plain.ties().front().node));
    require_none("directions");
    require_none("kinks");
    if (json_.contains("smallest") || json_.at("claim").at("unresolved") != 0)
      throw Refused("no kink was hit");
    compare_gradient(plain.gradient());
    return "the gradient; no kink is hit";
  }

  /// The gradient lies between those of the two sides of the only kink.
  std::string check_single(const GermReplay& plain) const {
    if (plain.ties().size() != 1 || plain.ties()[0].ways != 2)
      throw Refused(fmt::format("{} kinks are hit: want one of two sides", plain.ties().size()));
    require_none("directions");
    if (json_.contains("smallest") || json_.at("claim").at("unresolved") != 0)
      throw Refused("a single kink needs no direction");
    GermTie tie = plain.ties()[0];
    std::set<int64_t> listed;
    for (const json& kink : json_.at("kinks")) {
      if (find_node(graph_, kink.at(0).get<std::string>()) != tie.node || kink.at(1) != tie.comparison)
        throw Refused("another kink is listed than the one that is hit");
      if (kink.at(3) != 0) throw Refused("a sign without a direction");
      listed.insert(kink.at(2).get<int64_t>());
    }
    if (listed != std::set<int64_t>(tie.points.begin(), tie.points.end()) ||
        listed.size() != json_.at("kinks").size())
      throw Refused("another kink is listed than the one that is hit");
    Point sides[2];
    for (const int side : {1, 2}) {
      GermSetting forced = setting_;
      forced.forced = side;
      const GermReplay replay(graph_, loss_, forced);
      if (replay.loss().value != plain.loss().value) throw Refused("the loss jumps at the kink");
      sides[side - 1] = replay.gradient();
    }
    compare_between(sides[0], sides[1]);
    return "between the gradients of the two sides of the only kink that is hit: an element of Clarke's "
           "subdifferential";
  }

  void compare_between(const Point& a, const Point& b) const {
    std::optional<Rational> weight;  // of b
    Point between = a;
    for (const auto& [id, values] : a)
      for (size_t e = 0; e < values.size(); ++e)
        if (const Rational gap = b.at(id)[e] - values[e]; !gap.is_zero() && !weight)
          weight = (claimed_.at(id)[e] - values[e]) / gap;
    if (weight && (*weight < 0 || *weight > 1))
      throw Refused("the gradient is not between those of the two sides");
    for (auto& [id, values] : between)
      for (size_t e = 0; e < values.size(); ++e)
        values[e] += weight.value_or(Rational()) * (b.at(id)[e] - values[e]);
    compare_gradient(between);
  }

  std::string check_jump(const GermReplay& plain, const GermReplay& locked) const {
    const GermReplay behind = with_negated(0);
    if (locked.loss().value != plain.loss().value || behind.loss().value != plain.loss().value)
      return "nothing is claimed: the loss jumps at the point";
    if (directions_.size() < 2 || with_negated(1).loss().tangents[0] == locked.loss().tangents[0])
      throw Refused("the loss does not jump along the direction");
    // Were the loss continuous, it would move along the first direction as fast on either side of it.
    return "nothing is claimed: the loss jumps beside the point, along the first direction";
  }

  /// The replay along the directions, those from `first` on turned round.
  GermReplay with_negated(size_t first) const {
    GermSetting turned = setting_;
    turned.directions = directions_;
    for (size_t j = first; j < turned.directions.size(); ++j)
      for (auto& [id, values] : turned.directions[j])
        for (Rational& value : values) value = -value;
    return {graph_, loss_, turned};
  }

  /// Every tie is listed, everything listed is level and moves as it says.
  void compare_kinks(const GermReplay& locked) const {
    std::set<std::tuple<NodeId, int, int64_t>> listed;
    std::optional<Rational> smallest;
    for (const json& kink : json_.at("kinks")) {
      if (kink.size() != 4) throw Refused("a kink is [node, comparison, point, sign]");
      const NodeId node = find_node(graph_, kink.at(0).get<std::string>());
      const auto comparison = kink.at(1).get<int>();
      const auto point = kink.at(2).get<int64_t>();
      const Rational* tangent = locked.level(node, comparison, point);
      if (tangent == nullptr)
        throw Refused(fmt::format("no kink is hit at {}, loop point {}", describe(graph_, node), point));
      if (tangent->sign() != kink.at(3).get<int>())
        throw Refused(fmt::format("the kink at {}, loop point {} moves to the other side",
                                  describe(graph_, node), point));
      if (!listed.insert({node, comparison, point}).second) throw Refused("a kink is listed twice");
      if (!tangent->is_zero() && (!smallest || tangent->abs() < *smallest)) smallest = tangent->abs();
    }
    for (const GermTie& tie : locked.ties())
      for (const int64_t point : tie.points)
        if (!listed.contains({tie.node, tie.comparison, point}))
          throw Refused(fmt::format("kink {} at {}, loop point {} is not listed", tie.comparison,
                                    describe(graph_, tie.node), point));
    if (smallest.has_value() != json_.contains("smallest"))
      throw Refused("'smallest' does not fit the kinks");
    if (smallest)
      compare("the smallest derivative", Rational::parse(json_.at("smallest").get<std::string>()), *smallest);
  }

  void compare_gradient(const Point& exact) const {
    Rational scale = 1;
    for (const auto& [id, values] : exact)
      for (const Rational& value : values) scale = std::max(scale, value.abs());
    for (const auto& [id, values] : claimed_) {
      const auto found = exact.find(id);
      for (size_t e = 0; e < values.size(); ++e) {
        const Rational want = found == exact.end() ? Rational() : found->second[e];
        if (!agrees(values[e], want, scale, type()))
          throw Refused(fmt::format("the gradient of '{}'[{}] is {}, the certificate claims another",
                                    graph_.node(id).name, e, to_string(want)));
      }
    }
  }

  const json& json_;
  const Graph& graph_;
  std::string name_;
  NodeId loss_ = -1;
  GermSetting setting_;
  std::vector<Point> directions_;
  Point claimed_;
};

}  // namespace

std::string check_gradient(const json& certificate, const Graph& graph) {
  return GradientCheck(certificate, graph).run();
}

}  // namespace crease::checker
