// What is wrong with JSON text, in our words: the JSON library speaks of itself, not of the text.
#pragma once

#include <exception>
#include <string>
#include <string_view>

namespace crease {

/// "line 3, column 7: no JSON: got '}'", "field 'data' is missing", "a list is too short": what reading
/// `text` and taking values from it threw. Exceptions that are not the JSON library's, nor of the standard
/// library's ranges, keep their own words.
std::string json_problem(std::string_view text, const std::exception& problem);

}  // namespace crease
