// Text of others, fit for a terminal.
#pragma once

#include <string>
#include <string_view>

namespace crease {

/// The text with a blank for each control character: what a terminal obeys, or what breaks a line or a table.
std::string printable(std::string_view text);

}  // namespace crease
