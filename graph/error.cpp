#include "graph/error.h"

#include <string_view>

namespace crease {

std::string to_string(const std::source_location& where) {
  if (where.line() == 0) return "text form";  // no program wrote the node: it was read
  std::string_view path = where.file_name();
  const auto slash = path.find_last_of('/');
  if (slash != std::string_view::npos) path.remove_prefix(slash + 1);
  return fmt::format("{}:{}", path, where.line());
}

}  // namespace crease
