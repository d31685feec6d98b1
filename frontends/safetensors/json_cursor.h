// The little JSON of a safetensors header: strings and whole numbers, read with the byte of each mistake. Not
// a JSON parser: the header has a fixed form, and by asking for exactly that there is no depth to overflow.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace crease {

/// The byte where `text` stops being UTF-8 (no overlong forms, no surrogates), or npos.
size_t invalid_utf8(std::string_view text);

/// `text`, which must be UTF-8, as a JSON string with its quotes.
std::string json_quoted(std::string_view text);

/// Reads `text` front to back. Every Error names the file and the byte, counted from the start of the file.
class JsonCursor {
 public:
  /// `offset` is where `text` begins in the file called `name`.
  JsonCursor(std::string_view text, std::string name, size_t offset);

  /// Skips white space and then `c`, if that is next.
  bool accept(char c);
  /// Errors: Error unless `c` is next.
  void take(char c);
  /// A string, unescaped. Errors: Error for anything else, bad escapes, control characters, bad UTF-8.
  std::string take_string();
  /// A whole number >= 0. Errors: Error for anything else, or 2^63 and more.
  int64_t take_number();
  bool at_end();
  /// The byte in the file that comes next.
  size_t position();
  /// Throws Error naming file and `position`.
  [[noreturn]] void fail_at(size_t position, const std::string& what) const;

 private:
  void skip_space();
  void append_escape(std::string& to);
  uint32_t take_hex();
  [[noreturn]] void fail_here(const std::string& wanted);

  std::string_view text_;
  std::string name_;
  size_t offset_;
  size_t at_ = 0;
};

}  // namespace crease
