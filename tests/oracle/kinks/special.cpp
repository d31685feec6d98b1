#include <cmath>

#include "tests/oracle/kinks/check.h"

namespace crease::oracle {
namespace {

/// A number at the start of a text ("nan (propagate)"), or NaN for "undefined (nan)".
double leading(const Json& json) {
  return json.is_string() && std::string(json).starts_with("undefined") ? std::nan("") : number(json);
}

Point leading_point(const Json& json) {
  if (!json.is_array()) return {leading(json)};
  Point result;
  for (const Json& entry : json) result.push_back(leading(entry));
  return result;
}

/// "+1", "-1", "[3,4]".
Point direction_of(const std::string& key) {
  return key.starts_with("[") ? point(Json::parse(key)) : Point{std::stod(key)};
}

/// One special case while it is checked.
class Special {
 public:
  Special(const Json& json, Report& report)
      : json_(json),
        report_(report),
        name_(json.at("id")),
        at_(leading_point(json.at("point"))),
        derivatives_(json.at("expression"), at_.size()),
        runs_(run(Point(at_.size(), 1.0))) {}

  void check() {
    expect_fields(json_, {"id", "expression", "point", "expected", "certificate", "frameworks", "note"},
                  name_, report_);
    for (const auto& [key, want] : json_.at("expected").items()) check_expected(key, want);
    if (json_.contains("certificate")) refuse("certificate", "crease names no certificate of a gradient");
  }

 private:
  std::vector<Numbers> run(const Point& direction) {
    return derivatives_.run(at_, direction, name_, report_);
  }
  void refuse(const std::string& field, const std::string& why) { report_.check(name_, field, false, why); }
  void expect(const std::vector<Numbers>& runs, const std::string& output, const Json& want,
              const std::string& field) {
    expect_point(runs, output, leading_point(want), 8e-15, name_, field, report_);
  }

  void check_expected(const std::string& key, const Json& want) {
    if (key == "node_rules_strong_zero" || key == "gradient_all_rules" || key == "gradient") {
      for (const std::string& rule : rule_names) expect(runs_, rule, want, key);
    } else if (key == "node_left" || key == "ieee") {
      expect(runs_, "left", want, key);
    } else if (key == "min_norm") {
      expect(runs_, "minnorm", want, key);
    } else if (key == "one_sided" || key == "locked_gradient") {
      for (const auto& [direction, value] : want.items())
        expect(run(direction_of(direction)), key == "one_sided" ? key : "locked", value, key + direction);
    } else if (key == "is_kink" || key == "is_kink_without_FTZ") {
      expect(runs_, "hits", want.get<bool>() ? 1 : 0, key);
    } else if (key == "all_lanes_equal") {
      report_.check(name_, key, want.get<bool>(), "lanes that differ are failures");
    } else if (key == "policy") {
      check_policy(want);
    } else {
      refuse(key, "crease has no answer to this expectation");
    }
  }

  void check_policy(const Json& policies) {
    for (const auto& [policy, want] : policies.items()) {
      if (policy == "ieee")
        for (const std::string& rule : rule_names) expect(runs_, rule, want, "policy.ieee");
      else
        refuse("policy." + policy, "crease has no such policy at an infinite slope");
    }
  }

  const Json& json_;
  Report& report_;
  std::string name_;
  Point at_;
  Derivatives derivatives_;
  std::vector<Numbers> runs_;
};

}  // namespace

void check_special(const Json& json, Report& report) { Special(json, report).check(); }

}  // namespace crease::oracle
