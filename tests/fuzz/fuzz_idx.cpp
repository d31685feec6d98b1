#include "frontends/data/idx.h"
#include "tests/frontends/gzip.h"
#include "tests/fuzz/fuzz.h"

namespace crease {

std::vector<std::string> fuzz::seeds() {
  const std::string u8("\0\0\x08\x02\0\0\0\x02\0\0\0\x03\1\2\3\4\5\6", 18);
  const std::string i16("\0\0\x0b\x01\0\0\0\x02\1\2\3\4", 12);
  const std::string f64("\0\0\x0e\x01\0\0\0\x01\1\2\3\4\5\6\7\x08", 16);
  return {u8, i16, f64, test::gzipped(u8), test::gzipped(u8.substr(0, 9)) + test::gzipped(u8.substr(9))};
}

void fuzz::read(std::string_view bytes) { parse_idx(bytes, "input"); }

}  // namespace crease
