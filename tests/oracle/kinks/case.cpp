#include <random>

#include "tests/oracle/kinks/check.h"

namespace crease::oracle {
namespace {

/// One case while it is checked.
class Case {
 public:
  Case(const Json& json, Report& report)
      : json_(json),
        report_(report),
        name_(json.at("id")),
        at_(point(json.at("point"))),
        derivatives_(json.at("expression"), at_.size()) {}

  void check() {
    expect_fields(json_,
                  {"id",
                   "group",
                   "n",
                   "expression",
                   "point",
                   "value",
                   "directions",
                   "left_derivative",
                   "right_derivative",
                   "b_subdifferential",
                   "clarke_vertices",
                   "clarke_method",
                   "clarke_min_norm",
                   "differentiable",
                   "naive",
                   "naive_in_clarke",
                   "naive_in_b_subdifferential",
                   "frameworks_from_source",
                   "pytorch_1_13_measured",
                   "second",
                   "tags",
                   "note",
                   "check_sampling"},
                  name_, report_);
    report_.check(name_, "n", json_.at("n") == at_.size(), "not the size of the point");
    read_sets();
    check_selection();
    for (const Json& direction : json_.at("directions")) check_direction(direction);
    if (json_.contains("left_derivative")) check_side("left_derivative", -1);
    if (json_.contains("right_derivative")) check_side("right_derivative", 1);
    if (json_.contains("second")) check_second();
    check_reached();
    check_claims(json_, report_);
  }

 private:
  void say(const std::string& field, bool holds, const std::string& what = "") {
    report_.check(name_, field, holds, what);
  }
  std::vector<Numbers> run(const Point& direction) {
    return derivatives_.run(at_, direction, name_, report_);
  }
  void expect(const std::vector<Numbers>& runs, const std::string& output, const Json& want,
              const std::string& field) {
    expect_point(runs, output, want.is_array() ? point(want) : Point{number(want)}, derivatives_.tolerance(),
                 name_, field, report_);
  }

  /// The sets of the file, which must agree with each other.
  void read_sets() {
    for (const Json& entry : json_.at("b_subdifferential")) limits_.push_back(point(entry));
    for (const Json& entry : json_.at("clarke_vertices")) vertices_.push_back(point(entry));
    for (const Point& p : vertices_) say("clarke_vertices", contains(limits_, p, 0), "a vertex is no limit");
    for (const Point& p : limits_)
      say("b_subdifferential", in_hull(vertices_, p), "a limit is not in the hull");
    say("differentiable", json_.at("differentiable") == (vertices_.size() == 1), "but see clarke_vertices");
    const Point least = point(json_.at("clarke_min_norm"));
    say("clarke_min_norm", in_hull(vertices_, least), "not in the hull");
    for (const Point& vertex : vertices_) {
      double gap = 0;
      for (size_t i = 0; i < least.size(); ++i) gap += least[i] * (vertex[i] - least[i]);
      say("clarke_min_norm", gap >= -1e-12, "another point is shorter");
    }
  }

  void check_flags(const Point& gradient, const Json& in_clarke, const std::string& field) {
    say(field, in_clarke == in_hull(vertices_, gradient), "got " + to_string(gradient));
  }

  void check_selection() {
    const std::vector<Numbers> runs = run(Point(at_.size(), 1.0));
    expect(runs, "value", json_.at("value"), "value");
    const Json &naive = json_.at("naive"), &clarke = json_.at("naive_in_clarke"),
               &limiting = json_.at("naive_in_b_subdifferential");
    expect_fields(naive, rule_names, name_ + " naive", report_);
    for (const std::string& rule : rule_names) {
      expect(runs, rule, naive.at(rule), "naive." + rule);
      check_flags(runs[0].at(rule), clarke.at(rule), "naive_in_clarke." + rule);
      say("naive_in_b_subdifferential." + rule,
          limiting.at(rule) == contains(limits_, runs[0].at(rule), derivatives_.tolerance()));
    }
    const Json& frameworks = json_.at("frameworks_from_source");
    expect_fields(frameworks, framework_names, name_ + " frameworks_from_source", report_);
    for (const std::string& framework : framework_names) {
      const Json& entry = frameworks.at(framework);
      expect_fields(entry, {"grad", "in_clarke"}, name_ + " frameworks_from_source." + framework, report_);
      expect(runs, framework, entry.at("grad"), "frameworks_from_source." + framework);
      check_flags(runs[0].at(framework), entry.at("in_clarke"),
                  "frameworks_from_source." + framework + ".in_clarke");
    }
    expect_point(runs, "pytorch", point(json_.at("pytorch_1_13_measured")), 1e-12, name_,
                 "pytorch_1_13_measured", report_);
  }

  void check_direction(const Json& json) {
    const std::string field = "directions" + json.at("d").dump();
    expect_fields(json, {"d", "one_sided", "locked_gradient", "first_order_unresolved_kinks"},
                  name_ + " " + field, report_);
    const std::vector<Numbers> runs = run(point(json.at("d")));
    expect(runs, "one_sided", json.at("one_sided"), field + ".one_sided");
    expect(runs, "derivative", json.at("one_sided"), field + ".one_sided");
    expect(runs, "locked", json.at("locked_gradient"), field + ".locked_gradient");
    expect(runs, "unresolved", json.at("first_order_unresolved_kinks"),
           field + ".first_order_unresolved_kinks");
    say("b_subdifferential", contains(limits_, runs[0].at("locked"), derivatives_.tolerance()),
        "locked gradient " + to_string(runs[0].at("locked")) + " is not in it");
  }

  /// The derivative from the left is -f'(x; -1).
  void check_side(const std::string& field, double side) {
    for (const Numbers& numbers : run({side}))
      say(field, agrees(side * numbers.at("one_sided")[0], number(json_.at(field)), derivatives_.tolerance()),
          fmt::format("got {}", side * numbers.at("one_sided")[0]));
  }

  void check_second() {
    const Json& second = json_.at("second");
    expect_fields(second, {"right_d=+1", "left_d=-1", "pytorch_1_13_measured"}, name_ + " second", report_);
    expect(run({1}), "second", second.at("right_d=+1"), "second.right");
    expect(run({-1}), "second", second.at("left_d=-1"), "second.left");
  }

  /// Directions all around reach every limit that some direction reaches, and nothing else.
  void check_reached() {
    if (json_.at("tags").dump().find("curved") != std::string::npos) return;  // limits along curves only
    std::vector<Point> found;
    std::mt19937 random(1);
    for (int i = 0; i < 60 && found.size() < limits_.size(); ++i) {
      Point direction(at_.size());
      for (double& d : direction) d = static_cast<double>(random() % 199) - 99;
      const Point gradient = derivatives_.interpret(at_, direction).at("locked");
      say("b_subdifferential", contains(limits_, gradient, derivatives_.tolerance()),
          fmt::format("{} is reached along {}", to_string(gradient), to_string(direction)));
      if (!contains(found, gradient, derivatives_.tolerance())) found.push_back(gradient);
    }
    say("b_subdifferential", found.size() == limits_.size(),
        fmt::format("{} of {} limits are reached", found.size(), limits_.size()));
  }

  const Json& json_;
  Report& report_;
  std::string name_;
  Point at_;
  Derivatives derivatives_;
  std::vector<Point> limits_, vertices_;
};

}  // namespace

void check_case(const Json& json, Report& report) { Case(json, report).check(); }

}  // namespace crease::oracle
