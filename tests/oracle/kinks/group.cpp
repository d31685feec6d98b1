#include <algorithm>
#include <cmath>

#include "tests/oracle/kinks/check.h"

namespace crease::oracle {
namespace {

/// "['0', '1/2']" and "[0.5]": a list as another language prints it.
Point printed_list(const Json& json) {
  std::string text = json;
  std::replace(text.begin(), text.end(), '\'', '"');
  return point(Json::parse(text));
}

/// The gradients that the spellings have under one rule are those of the file, no more and no fewer.
void check_spread(const std::vector<Point>& got, const Json& json, double tolerance, const std::string& name,
                  const std::string& field, Report& report) {
  std::vector<Point> want;
  for (const Json& entry : json) want.push_back(printed_list(entry));
  for (const Point& p : got)
    report.check(name, field, contains(want, p, tolerance), "got " + to_string(p) + ", which is not listed");
  for (const Point& p : want)
    report.check(name, field, contains(got, p, tolerance), "no spelling gives " + to_string(p));
}

void check_form(Derivatives& form, const Json& group, const std::string& name, Report& report) {
  const Point at = point(group.at("point"));
  for (const Json& json : group.at("expected")) {
    const std::string field = "expected" + json.at("d").dump();
    expect_fields(json, {"d", "one_sided", "locked_gradient"}, name + " " + field, report);
    const std::vector<Numbers> runs = form.run(at, point(json.at("d")), name, report);
    const Point one_sided{number(json.at("one_sided"))};
    expect_point(runs, "one_sided", one_sided, form.tolerance(), name, field + ".one_sided", report);
    expect_point(runs, "locked", point(json.at("locked_gradient")), form.tolerance(), name,
                 field + ".locked_gradient", report);
  }
}

}  // namespace

void check_group(const Json& json, Report& report) {
  const std::string name = json.at("id");
  expect_fields(
      json,
      {"id", "point", "forms", "expected", "naive_spread", "pytorch_1_13_measured_spread", "requirement"},
      name, report);
  const Point at = point(json.at("point"));
  std::map<std::string, std::vector<Point>> spread;
  int number_of_form = 0;
  for (const Json& expression : json.at("forms")) {
    const std::string form_name = fmt::format("{}[{}]", name, number_of_form++);
    try {
      Derivatives form(expression, at.size());
      check_form(form, json, form_name, report);
      for (const auto& [output, numbers] : form.interpret(at, Point(at.size(), 1.0)))
        spread[output].push_back(numbers);
    } catch (const std::exception& error) {
      report.check(form_name, "form", false, error.what());
    }
  }
  expect_fields(json.at("naive_spread"), rule_names, name + " naive_spread", report);
  for (const std::string& rule : rule_names)
    check_spread(spread[rule], json.at("naive_spread").at(rule), 8e-15, name, "naive_spread." + rule, report);
  check_spread(spread["pytorch"], json.at("pytorch_1_13_measured_spread"), 1e-6, name,
               "pytorch_1_13_measured_spread", report);
}

}  // namespace crease::oracle
