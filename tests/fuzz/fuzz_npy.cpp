#include "frontends/data/npy.h"
#include "tests/frontends/gzip.h"
#include "tests/fuzz/fuzz.h"

namespace crease {

std::vector<std::string> fuzz::seeds() {
  const auto file = [](std::string_view header, std::string_view data) {
    return std::string("\x93NUMPY\1\0", 8) + static_cast<char>(header.size()) + '\0' + std::string(header) +
           std::string(data);
  };
  const std::string f32 =
      file("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }", "\1\2\3\4\5\6\7\10");
  const std::string i16 =
      file("{'descr': '>i2', 'fortran_order': True, 'shape': (2, 2), }", "\1\2\3\4\5\6\7\10");
  return {f32, i16, file("{'descr': '|b1', 'fortran_order': False, 'shape': (), }", "\1"),
          test::gzipped(f32)};
}

void fuzz::read(std::string_view bytes) { parse_npy(bytes, "input"); }

}  // namespace crease
