#include "frontends/safetensors/json_cursor.h"

#include <charconv>

#include "graph/error.h"

namespace crease {
namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20; }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Bytes of the UTF-8 sequence that `text` begins with, 0 if it begins with none.
size_t utf8_length(std::string_view text) {
  const auto byte = [&](size_t i) -> uint32_t {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  const auto follows = [&](size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const uint32_t first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return follows(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool overlong = first == 0xe0 && byte(1) < 0xa0;
    const bool surrogate = first == 0xed && byte(1) > 0x9f;
    return follows(1) && follows(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool overlong = first == 0xf0 && byte(1) < 0x90;
    const bool beyond = first == 0xf4 && byte(1) > 0x8f;
    return follows(1) && follows(2) && follows(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

void append_utf8(std::string& to, uint32_t code) {
  const auto put = [&](uint32_t byte) { to.push_back(static_cast<char>(byte)); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xc0 | code >> 6);
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
  }
  put(0x80 | (code & 0x3f));
}

}  // namespace

size_t invalid_utf8(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const size_t length = utf8_length(text.substr(at));
    if (length == 0) return at;
    at += length;
  }
  return std::string_view::npos;
}

std::string json_quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += {'\\', c};
    } else if (is_control(c)) {
      quoted += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

JsonCursor::JsonCursor(std::string_view text, std::string name, size_t offset)
    : text_(text), name_(std::move(name)), offset_(offset) {
  const size_t invalid = invalid_utf8(text);
  if (invalid != std::string_view::npos) fail_at(offset + invalid, "the header is no UTF-8 here");
}

void JsonCursor::fail_at(size_t position, const std::string& what) const {
  fail("[read_safetensors] '{}' byte {}: {}", name_, position, what);
}

void JsonCursor::fail_here(const std::string& wanted) {
  const bool ended = at_ == text_.size();
  const std::string got = ended ? "the end of the header"
                          : is_control(text_[at_])
                              ? "a control character"
                              : fmt::format("'{}'", text_.substr(at_, utf8_length(text_.substr(at_))));
  fail_at(offset_ + at_, fmt::format("got {}, want {}", got, wanted));
}

void JsonCursor::skip_space() {
  while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
}

size_t JsonCursor::position() {
  skip_space();
  return offset_ + at_;
}

bool JsonCursor::at_end() {
  skip_space();
  return at_ == text_.size();
}

bool JsonCursor::accept(char c) {
  skip_space();
  if (at_ == text_.size() || text_[at_] != c) return false;
  ++at_;
  return true;
}

void JsonCursor::take(char c) {
  if (!accept(c)) fail_here(fmt::format("'{}'", c));
}

int64_t JsonCursor::take_number() {
  skip_space();
  if (at_ == text_.size() || !is_digit(text_[at_])) fail_here("a whole number, 0 or more");
  const size_t begin = at_;
  while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
  const std::string_view digits = text_.substr(begin, at_ - begin);
  if (digits.size() > 1 && digits[0] == '0') fail_at(offset_ + begin, "got a number with a leading 0");
  if (at_ < text_.size() && std::string_view(".eE").find(text_[at_]) != std::string_view::npos)
    fail_here("a whole number without fraction or exponent");
  int64_t value = 0;
  if (std::from_chars(digits.data(), digits.data() + digits.size(), value).ec != std::errc{})
    fail_at(offset_ + begin, fmt::format("got {}, want a number below 2^63", digits));
  return value;
}

std::string JsonCursor::take_string() {
  if (!accept('"')) fail_here("a string");
  std::string value;
  while (at_ < text_.size() && text_[at_] != '"') {
    if (is_control(text_[at_])) fail_here("it escaped in a string");
    if (text_[at_] == '\\') {
      append_escape(value);
    } else {
      value.push_back(text_[at_++]);
    }
  }
  if (at_ == text_.size()) fail_here("'\"' at the end of a string");
  ++at_;
  return value;
}

uint32_t JsonCursor::take_hex() {
  const std::string_view digits = text_.substr(at_, 4);
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (error != std::errc{} || end != digits.data() + 4) fail_here("four hexadecimal digits after \\u");
  at_ += 4;
  return value;
}

void JsonCursor::append_escape(std::string& to) {
  constexpr std::string_view from = "\"\\/bfnrt", into = "\"\\/\b\f\n\r\t";
  ++at_;
  if (at_ == text_.size()) fail_here("an escape after '\\'");
  const size_t simple = from.find(text_[at_]);
  if (simple != std::string_view::npos) {
    ++at_;
    to.push_back(into[simple]);
    return;
  }
  if (text_[at_] != 'u') fail_here("one of \" \\ / b f n r t u after '\\'");
  ++at_;
  uint32_t code = take_hex();
  if (code >= 0xd800 && code < 0xdc00 && text_.substr(at_, 2) == "\\u") {
    at_ += 2;
    const uint32_t low = take_hex();
    code = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00) : 0xd800;
  }
  if (code >= 0xd800 && code < 0xe000) fail_here("a pair of surrogates");
  append_utf8(to, code);
}

}  // namespace crease
