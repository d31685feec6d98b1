// The name that a mistyped word was perhaps meant to be.
#pragma once

#include <string>
#include <vector>

namespace crease {

/// "; did you mean --epochs?" for the end of a message, or nothing where no name is near.
std::string did_you_mean(const std::string& word, const std::vector<std::string>& names);

}  // namespace crease
