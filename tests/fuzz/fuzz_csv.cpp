#include "frontends/data/csv.h"
#include "tests/frontends/gzip.h"
#include "tests/fuzz/fuzz.h"

namespace crease {

std::vector<std::string> fuzz::seeds() {
  const std::string named = "a,b,kind\r\n1,2.5,x\r\n3e1,\"4\",\"y \"\"z\"\"\"\r\n5,?,x\r\n";
  return {named, "1,2,0\n3,4,1\n5,6,0\n7,8,1\n", "\xef\xbb\xbf 1 , -2 , 0.5\n\n+3,.4,1e-3\n",
          test::gzipped(named)};
}

void fuzz::read(std::string_view bytes) {
  // A tenth of a limit that a fuzzer's memory would notice.
  validate(parse_csv(bytes, "input", {.missing = Missing::Mean, .most_bytes = 1 << 22}));
}

}  // namespace crease
