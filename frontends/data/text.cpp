#include "frontends/data/text.h"

#include <algorithm>
#include <map>
#include <set>

#include "frontends/file.h"
#include "graph/error.h"

namespace crease {
namespace {

/// Bytes of the UTF-8 character that begins with `lead`, 0 if none does. Source: RFC 3629, section 4.
size_t length_of(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead < 0xe0) return 2;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  if (lead >= 0xf0 && lead < 0xf5) return 4;
  return 0;
}

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

std::vector<std::string_view> characters(std::string_view text, const std::string& name) {
  std::vector<std::string_view> result;
  for (size_t at = 0; at < text.size();) {
    const size_t length = length_of(static_cast<unsigned char>(text[at]));
    const std::string_view character = text.substr(at, length);
    expect(length > 0 && character.size() == length &&
               std::all_of(character.begin() + 1, character.end(), is_continuation),
           "[text] '{}' byte {}: not UTF-8", name, at);
    result.push_back(character);
    at += length;
  }
  return result;
}

}  // namespace

std::vector<int32_t> CharacterText::encode(std::string_view text) const {
  std::vector<int32_t> numbers;
  for (const std::string_view character : characters(text, "text")) {
    const auto found = std::ranges::find(alphabet, character);
    expect(found != alphabet.end(), "[text] character {} ('{}') is not in the alphabet of {}", numbers.size(),
           character, alphabet.size());
    numbers.push_back(static_cast<int32_t>(found - alphabet.begin()));
  }
  return numbers;
}

std::string CharacterText::decode(std::span<const int32_t> numbers) const {
  std::string text;
  for (const int32_t number : numbers) {
    expect(number >= 0 && static_cast<size_t>(number) < alphabet.size(),
           "[text] {} is no character of an alphabet of {}", number, alphabet.size());
    text += alphabet[static_cast<size_t>(number)];
  }
  return text;
}

CharacterText character_text(std::string_view text, const std::string& name) {
  const std::vector<std::string_view> all = characters(text, name);
  expect(!all.empty(), "[text] '{}' is empty", name);
  std::map<std::string_view, int32_t> numbers;  // the order of bytes is that of code points
  for (const std::string_view character : all) numbers.emplace(character, 0);
  CharacterText result;
  for (auto& [character, number] : numbers) {
    number = static_cast<int32_t>(result.alphabet.size());
    result.alphabet.emplace_back(character);
  }
  result.codes = Tensor(Type::i32, {static_cast<int64_t>(all.size())});
  std::ranges::transform(all, result.codes.write<int32_t>().begin(),
                         [&](std::string_view character) { return numbers.at(character); });
  return result;
}

CharacterText read_text(const std::filesystem::path& path) {
  return character_text(read_file(path), path.string());
}

Dataset windows(const CharacterText& text, const WindowOptions& options) {
  const int64_t end = options.end < 0 ? text.codes.count() : options.end;
  const int64_t stride = options.stride > 0 ? options.stride : options.length;
  // The last target lies one past its window.
  const int64_t starts = end - options.begin - options.length;
  expect(options.length >= 1 && options.begin >= 0 && end <= text.codes.count() && starts > 0,
         "[text] no window of {} characters and the one after them fits into [{}, {}) of {} characters",
         options.length, options.begin, end, text.codes.count());
  const int64_t n = (starts - 1) / stride + 1;
  Dataset data{.x = Tensor(Type::i32, {n, options.length}),
               .y = Tensor(Type::i32, {n, options.length}),
               .classes = static_cast<int64_t>(text.alphabet.size()),
               .name = "text",
               .feature_names = {},
               .class_names = text.alphabet};
  const auto codes = text.codes.read<int32_t>();
  const auto x = data.x.write<int32_t>(), y = data.y.write<int32_t>();
  for (int64_t i = 0; i < n; ++i) {
    const auto from = codes.subspan(static_cast<size_t>(options.begin + i * stride));
    const auto length = static_cast<size_t>(options.length), to = static_cast<size_t>(i) * length;
    std::ranges::copy(from.first(length), x.subspan(to).begin());
    std::ranges::copy(from.subspan(1, length), y.subspan(to).begin());
  }
  return data;
}

}  // namespace crease
