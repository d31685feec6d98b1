// How far a mistyped name is from one that there is.
#pragma once

#include <cstddef>
#include <string_view>

namespace crease {

/// How many letters are to be put in, taken out or changed. Source: Levenshtein 1966.
size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace crease
