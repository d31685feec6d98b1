// oracle_kinks FILE: holds crease against exact answers at kinks. Every field of the file is checked; one
// that is not known is a failure, never skipped.
#include <fstream>

#include "tests/oracle/kinks/check.h"

int main(int count, char** arguments) {
  if (count != 2) {
    fmt::print(stderr, "usage: oracle_kinks FILE\n");
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
  return report.print() ? 0 : 1;
}
