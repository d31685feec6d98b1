// What passed and what failed: one entry for each case and field, however often it is checked.
#pragma once

#include <fmt/format.h>

#include <map>
#include <set>
#include <string>

namespace crease::oracle {

class Report {
 public:
  /// The first failure of a field is kept and says how it failed.
  void check(const std::string& name, const std::string& field, bool holds, const std::string& what) {
    std::string& failure = fields_[name + " " + field];
    if (!holds && failure.empty()) failure = what.empty() ? "does not hold" : what;
  }
  /// One line for each failure, then "N passed, M failed". Returns whether nothing failed.
  bool print() const {
    size_t failed = 0;
    for (const auto& [field, failure] : fields_) {
      if (failure.empty()) continue;
      ++failed;
      fmt::print("{}: {}\n", field, failure);
    }
    fmt::print("{} passed, {} failed\n", fields_.size() - failed, failed);
    return failed == 0 && !fields_.empty();
  }
  /// Whether exactly the fields in `gaps` fail ("CASE FIELD", or "* FIELD" for every case); prints those that
  /// fail and are no gap, and gaps that pass.
  bool fails_exactly(const std::set<std::string>& gaps) const {
    std::set<std::string> used;
    bool exact = true;
    for (const auto& [field, failure] : fields_) {
      if (failure.empty()) continue;
      const std::string every = "*" + field.substr(field.rfind(' '));
      const std::string& gap = gaps.contains(every) ? every : field;
      used.insert(gap);
      if (gaps.contains(gap)) continue;
      exact = false;
      fmt::print("{}: fails and is no known gap\n", field);
    }
    for (const std::string& gap : gaps) {
      if (used.contains(gap)) continue;
      exact = false;
      fmt::print("{}: passes: take it from the list of gaps\n", gap);
    }
    return exact;
  }

 private:
  std::map<std::string, std::string> fields_;
};

}  // namespace crease::oracle
