#include "frontends/printable.h"

#include <algorithm>

namespace crease {

std::string printable(std::string_view text) {
  std::string result(text);
  const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  std::ranges::replace_if(result, is_control, ' ');
  return result;
}

}  // namespace crease
