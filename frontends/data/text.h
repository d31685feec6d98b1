// Text as numbers: one for each character, for models that predict the next one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "frontends/data/dataset.h"

namespace crease {

/// The characters of a text, and the text as their numbers.
struct CharacterText {
  std::vector<std::string> alphabet;  ///< characters (UTF-8) in order of their code points
  Tensor codes;                       ///< i32 [length]

  /// The number of each character. Errors: Error naming the position of a character not in the alphabet.
  std::vector<int32_t> encode(std::string_view text) const;
  /// The inverse. Errors: Error for a number out of range.
  std::string decode(std::span<const int32_t> numbers) const;
};

/// A UTF-8 text. Errors: Error naming the byte at which it is not UTF-8, and for an empty text.
CharacterText character_text(std::string_view text, const std::string& name = "text");
CharacterText read_text(const std::filesystem::path& path);

/// Windows of `length` characters and the characters that follow each of theirs: x i32 [n, length], y
/// i32 [n, length] one place later. Windows start `stride` characters apart (0: `length`)
/// and lie in [begin, end) of the text (end -1: its end). Errors: Error if no window fits.
struct WindowOptions {
  int64_t length = 32;
  int64_t stride = 0;
  int64_t begin = 0;
  int64_t end = -1;
};
Dataset windows(const CharacterText& text, const WindowOptions& options);

}  // namespace crease
