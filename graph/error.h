// The two kinds of failure. Error: the caller gave something impossible. Bug: we broke an invariant.
// Message style: `[op] what is wrong: got X, want Y (node %7 'dense1', main.cpp:12)`, lower case, no full
// stop.
#pragma once

#include <fmt/format.h>

#include <source_location>
#include <stdexcept>
#include <string>

namespace crease {

/// The caller gave something impossible. The message says what was got, what is wanted and the way out.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// crease broke one of its own invariants; worth a bug report.
class Bug : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// Throws Error with the formatted message unless `condition` holds.
template <class... Arguments>
void expect(bool condition, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  if (!condition) throw Error(fmt::format(format, std::forward<Arguments>(arguments)...));
}

/// Throws Bug with the formatted message unless `condition` holds.
template <class... Arguments>
void ensure(bool condition, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  if (!condition) throw Bug(fmt::format(format, std::forward<Arguments>(arguments)...));
}

/// Throws Error always.
template <class... Arguments>
[[noreturn]] void fail(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  throw Error(fmt::format(format, std::forward<Arguments>(arguments)...));
}

/// "file.cpp:12" without the folders, as error messages name the user's line.
std::string to_string(const std::source_location& where);

}  // namespace crease
