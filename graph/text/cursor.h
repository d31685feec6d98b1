// A position in one line of text: the hand tools of the parser. Private to graph/text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace crease {

/// Reads one line from left to right. Blanks before a token are skipped.
class Cursor {
 public:
  Cursor(std::string_view line, int number) : line_(line), number_(number) {}

  bool at_end();
  /// Whether `c` stands here.
  bool sees(char c);
  /// Takes `token` if it stands here. A token of letters must not be the beginning of a longer word.
  bool accept(std::string_view token);
  /// Errors: Error if `token` does not stand here.
  void require(std::string_view token);

  /// Letters, digits and _ from here, possibly none.
  std::string word();
  /// A name: bare (letters, digits and _ . / -, not starting with a digit or -) or quoted; empty if there is
  /// none.
  std::string name();
  /// A quoted string. Errors: Error without quotes, or for an unknown escape.
  std::string quoted();
  /// Text between { and the } that closes it, both included.
  std::string braced();
  int64_t integer();
  uint64_t natural();
  /// Everything up to the next of `stops` or a blank.
  std::string_view until(std::string_view stops);

  /// Number of the line, and of the column where the next token starts; both from 1.
  int line() const { return number_; }
  int column();

  /// Throws Error: what was wanted, what stands here, where.
  [[noreturn]] void error(std::string_view wanted);

 private:
  void blanks();
  std::string_view line_;
  int number_;
  size_t at_ = 0;
};

/// Whether `name` reads as a bare name.
bool is_bare_name(std::string_view name);
/// The name in quotes, with escapes.
std::string quote(std::string_view name);
/// The name as `Cursor::name` reads it back: bare where that is possible.
std::string quote_if_needed(std::string_view name);

}  // namespace crease
