#include "tests/oracle/kinks/check.h"

#include <algorithm>

namespace crease::oracle {

std::string to_string(const Point& point) { return fmt::format("[{}]", fmt::join(point, ", ")); }

void expect_fields(const Json& json, const std::vector<std::string>& known, const std::string& name,
                   Report& report) {
  for (const auto& [key, value] : json.items())
    report.check(name, key, std::find(known.begin(), known.end(), key) != known.end(),
                 "a field that is not known");
}

void expect_point(const std::vector<Numbers>& runs, const std::string& output, const Point& want,
                  double tolerance, const std::string& name, const std::string& field, Report& report) {
  for (size_t i = 0; i < runs.size(); ++i) {
    const Point& got = runs[i].at(output);
    report.check(
        name, field, agrees(got, want, tolerance),
        fmt::format("got {}, want {} (run {} of {})", to_string(got), to_string(want), i + 1, runs.size()));
  }
}

namespace {

/// A case that cannot be built or read is one failure, and the others go on.
template <class Check>
void guarded(const Json& json, Report& report, Check check) {
  const std::string name = json.value("id", "(a case without id)");
  try {
    check(json, report);
  } catch (const std::exception& error) {
    report.check(name, "case", false, error.what());
  }
}

}  // namespace

void check_file(const Json& file, Report& report) {
  expect_fields(file, {"schema", "source", "count", "cases", "special_cases", "metamorphic_groups"}, "file",
                report);
  const Json empty = Json::array();
  const Json& cases = file.contains("cases") ? file.at("cases") : empty;
  if (file.contains("count")) report.check("file", "count", file.at("count") == cases.size(), "wrong");
  for (const Json& json : cases) guarded(json, report, check_case);
  for (const Json& json : file.value("special_cases", empty)) guarded(json, report, check_special);
  for (const Json& json : file.value("metamorphic_groups", empty)) guarded(json, report, check_group);
}

}  // namespace crease::oracle
