// What a call complains about.
#pragma once

#include <string>

#include "graph/error.h"

namespace crease::test {

/// The message of the Error that `action` throws, or "nothing thrown".
template <class Action>
std::string thrown_by(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing thrown";
}

/// Whether `text` holds `part`; for CHECK, which then shows both.
inline bool holds(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

}  // namespace crease::test
