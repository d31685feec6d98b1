// What passed and what failed: one entry for each case and field, however often it is checked.
#pragma once

#include <fmt/format.h>

#include <map>
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

 private:
  std::map<std::string, std::string> fields_;
};

}  // namespace crease::oracle
