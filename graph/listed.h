// Names as messages list them.
#pragma once

#include <string>

namespace crease {

/// "a, b", or "none".
template <class Names>
std::string listed(const Names& names) {
  std::string text;
  for (const auto& name : names) text.append(text.empty() ? "" : ", ").append(name);
  return text.empty() ? "none" : text;
}

}  // namespace crease
