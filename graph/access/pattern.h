// Reading one dimension of a loop pattern.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "graph/access.h"

namespace crease {

/// The index that `text` spells; labels that are new are appended to `names`.
/// Errors: Error naming `text` and the `pattern` it stands in.
AffineIndex read_index(std::string_view text, std::string_view pattern, std::vector<std::string>& names);

}  // namespace crease
