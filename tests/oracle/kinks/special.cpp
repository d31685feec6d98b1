#include <cmath>
#include <numeric>

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

/// Numbers of f32 carry a remark that says so.
Type type_of(const Json& point) {
  return point.dump().find("float32") != std::string::npos ? Type::f32 : Type::f64;
}

/// One special case while it is checked.
class Special {
 public:
  Special(const Json& json, Report& report)
      : json_(json),
        report_(report),
        name_(json.at("id")),
        type_(type_of(json.at("point"))),
        at_(leading_point(json.at("point"))),
        derivatives_(json.at("expression"), at_.size(), {.type = type_}),
        runs_(run(Point(at_.size(), 1.0))) {}

  void check() {
    expect_fields(json_, {"id", "expression", "point", "expected", "certificate", "frameworks", "note"},
                  name_, report_);
    for (const auto& [key, want] : json_.at("expected").items()) check_expected(key, want);
    if (json_.contains("certificate")) check_special_claim(json_, at_, type_, report_);
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
  /// The same case read in another way.
  std::vector<Numbers> run_as(const Setting& setting) {
    return Derivatives(json_.at("expression"), at_.size(), setting)
        .run(at_, Point(at_.size(), 1.0), name_, report_);
  }

  void check_expected(const std::string& key, const Json& want) {
    if (key == "node_rules_strong_zero" || key == "gradient_all_rules" || key == "gradient") {
      for (const std::string& rule : rule_names) expect(runs_, rule, want, key);
    } else if (key == "node_left") {
      expect(runs_, "left", want, key);
    } else if (key == "ieee") {
      expect(runs_, "ieee", want, key);
    } else if (key == "after_constant_folding") {
      for (const std::string rule : {"left", "right", "mid", "minnorm", "ieee"})
        expect(run_as({.type = type_, .fold = true}), rule, want, key);
    } else if (key == "min_norm") {
      expect(runs_, "minnorm", want, key);
    } else if (key == "one_sided" || key == "locked_gradient") {
      for (const auto& [direction, value] : want.items())
        expect(run(direction_of(direction)), key == "one_sided" ? key : "locked", value, key + direction);
    } else if (key == "is_kink" || key == "is_kink_without_FTZ") {
      expect(runs_, "hits", want.get<bool>() ? 1 : 0, key);
    } else if (key == "is_kink_with_DAZ") {
      expect(run_as({.type = type_, .subnormals = Subnormals::Flush}), "hits", want.get<bool>() ? 1 : 0, key);
    } else if (key == "all_lanes_equal") {
      report_.check(name_, key, want.get<bool>(), "lanes that differ are failures");
    } else if (key == "policy") {
      check_policy(want);
    } else if (key == "strict_mode") {
      check_strict(want);
    } else if (key == "clarke") {
      check_set(want);
    } else {
      refuse(key, "crease has no answer to this expectation");
    }
  }

  void check_policy(const Json& policies) {
    for (const auto& [policy, want] : policies.items()) {
      if (policy == "ieee" || policy == "zero")
        expect(runs_, policy, want, "policy." + policy);
      else
        refuse("policy." + policy, "crease has no such policy at an infinite slope");
    }
  }

  /// Tie::trap refuses.
  void check_strict(const Json& want) {
    report_.check(name_, "strict_mode", want == "trap", "crease has no such strict mode");
    report_.check(name_, "strict_mode", derivatives_.traps(at_), "nothing was refused");
  }

  /// Gradients along directions all around lie on the border of the set, the least one lies inside.
  void check_set(const Json& want) {
    report_.check(name_, "clarke", want == "closed unit disk", "crease cannot check this set");
    const Numbers numbers = derivatives_.interpret(at_, Point(at_.size(), 1.0));
    const Point& least = numbers.at("minnorm");
    report_.check(name_, "clarke", std::inner_product(least.begin(), least.end(), least.begin(), 0.0) <= 1,
                  "outside");
    for (int i = 0; i < 16; ++i) {
      Point direction(at_.size());
      for (size_t k = 0; k < direction.size(); ++k)
        direction[k] = std::cos(i * 0.4 + static_cast<double>(k) * 1.1);
      const Point gradient = derivatives_.interpret(at_, direction).at("locked");
      const double square = std::inner_product(gradient.begin(), gradient.end(), gradient.begin(), 0.0);
      report_.check(name_, "clarke", agrees(square, 1, 1e-12),
                    fmt::format("|g|^2 = {} along {}", square, to_string(direction)));
    }
  }

  const Json& json_;
  Report& report_;
  std::string name_;
  Type type_;
  Point at_;
  Derivatives derivatives_;
  std::vector<Numbers> runs_;
};

}  // namespace

void check_special(const Json& json, Report& report) { Special(json, report).check(); }

}  // namespace crease::oracle
