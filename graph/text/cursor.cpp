#include "graph/text/cursor.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "graph/error.h"

namespace crease {
namespace {

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool is_name(char c) { return is_word(c) || c == '.' || c == '/' || c == '-'; }

}  // namespace

bool is_bare_name(std::string_view name) {
  return !name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) == 0 && name[0] != '-' &&
         std::all_of(name.begin(), name.end(), is_name);
}

std::string quote(std::string_view name) {
  std::string text = "\"";
  for (const char c : name) {
    if (c == '"' || c == '\\')
      text += fmt::format("\\{}", c);
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else
      text += c;
  }
  return text + '"';
}

std::string quote_if_needed(std::string_view name) {
  return is_bare_name(name) ? std::string(name) : quote(name);
}

void Cursor::blanks() {
  while (at_ < line_.size() && std::isspace(static_cast<unsigned char>(line_[at_])) != 0) ++at_;
}

int Cursor::column() {
  blanks();
  return static_cast<int>(at_) + 1;
}

bool Cursor::at_end() {
  blanks();
  return at_ == line_.size() || line_[at_] == '#';
}

bool Cursor::sees(char c) {
  blanks();
  return at_ < line_.size() && line_[at_] == c;
}

void Cursor::error(std::string_view wanted) {
  blanks();
  const std::string_view rest = line_.substr(at_, 20);
  fail("[text] line {}, column {}: want {}, got {}", number_, at_ + 1, wanted,
       rest.empty() ? "the end of the line" : fmt::format("'{}'", rest));
}

bool Cursor::accept(std::string_view token) {
  blanks();
  if (!line_.substr(at_).starts_with(token)) return false;
  const size_t end = at_ + token.size();
  if (is_word(token.back()) && end < line_.size() && is_word(line_[end])) return false;
  at_ = end;
  return true;
}

void Cursor::require(std::string_view token) {
  if (!accept(token)) error(fmt::format("'{}'", token));
}

std::string Cursor::word() {
  blanks();
  const size_t start = at_;
  while (at_ < line_.size() && is_word(line_[at_])) ++at_;
  return std::string(line_.substr(start, at_ - start));
}

std::string Cursor::name() {
  blanks();
  if (at_ < line_.size() && line_[at_] == '"') return quoted();
  const size_t start = at_;
  size_t end = at_;
  while (end < line_.size() && is_name(line_[end])) ++end;
  if (!is_bare_name(line_.substr(start, end - start))) return {};
  at_ = end;
  return std::string(line_.substr(start, end - start));
}

std::string Cursor::quoted() {
  require("\"");
  std::string text;
  while (at_ < line_.size() && line_[at_] != '"') {
    if (line_[at_] != '\\') {
      text += line_[at_++];
      continue;
    }
    ++at_;
    unsigned code = 0;
    if (at_ < line_.size() && (line_[at_] == '"' || line_[at_] == '\\')) {
      text += line_[at_++];
    } else if (line_.substr(at_).starts_with("x") && at_ + 3 <= line_.size() &&
               std::from_chars(&line_[at_ + 1], &line_[at_ + 1] + 2, code, 16).ptr == &line_[at_ + 1] + 2) {
      text += static_cast<char>(code);
      at_ += 3;
    } else {
      error("one of the escapes \\\" \\\\ \\x1f");
    }
  }
  if (at_ == line_.size()) error("'\"' that closes the name");
  ++at_;
  return text;
}

std::string Cursor::braced() {
  blanks();
  const size_t start = at_;
  if (!accept("{")) error("'{'");
  for (int depth = 1; depth > 0; ++at_) {
    if (at_ == line_.size()) error("'}' that closes the body");
    depth += line_[at_] == '{' ? 1 : line_[at_] == '}' ? -1 : 0;
  }
  return std::string(line_.substr(start, at_ - start));
}

int64_t Cursor::integer() {
  blanks();
  int64_t value = 0;
  const auto [end, code] = std::from_chars(line_.data() + at_, line_.data() + line_.size(), value);
  if (code != std::errc()) error("an integer");
  at_ = static_cast<size_t>(end - line_.data());
  return value;
}

uint64_t Cursor::natural() {
  blanks();
  uint64_t value = 0;
  const auto [end, code] = std::from_chars(line_.data() + at_, line_.data() + line_.size(), value);
  if (code != std::errc()) error("a natural number");
  at_ = static_cast<size_t>(end - line_.data());
  return value;
}

std::string_view Cursor::until(std::string_view stops) {
  blanks();
  const size_t start = at_;
  while (at_ < line_.size() && std::isspace(static_cast<unsigned char>(line_[at_])) == 0 &&
         stops.find(line_[at_]) == std::string_view::npos)
    ++at_;
  return line_.substr(start, at_ - start);
}

}  // namespace crease
