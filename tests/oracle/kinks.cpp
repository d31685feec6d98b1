// oracle_kinks FILE [GAPS]: holds crease against exact answers at kinks. Every field of the file is checked;
// one that is not known is a failure, never skipped. With GAPS, a list of fields that crease is known to
// fail, the exit status says whether exactly these fail; without, whether none does.
#include <fstream>

#include "tests/oracle/kinks/check.h"

namespace {

/// Fields by line; lines that start with # are remarks.
std::set<std::string> read_gaps(const char* path) {
  std::ifstream file(path);
  std::set<std::string> gaps;
  for (std::string line; std::getline(file, line);)
    if (!line.empty() && !line.starts_with('#')) gaps.insert(line);
  return gaps;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2 && count != 3) {
    fmt::print(stderr, "usage: oracle_kinks FILE [GAPS]\n");
    return 2;
  }
  std::ifstream file(arguments[1]);
  const auto json = crease::oracle::Json::parse(file, nullptr, false);
  if (json.is_discarded()) {
    fmt::print(stderr, "oracle_kinks: '{}' cannot be read as JSON\n", arguments[1]);
    return 2;
  }
  crease::oracle::Report report;
  crease::oracle::check_file(json, report);
  const bool passed = report.print();
  return (count == 3 ? report.fails_exactly(read_gaps(arguments[2])) : passed) ? 0 : 1;
}
