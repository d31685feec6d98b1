#include "graph/analysis/json_problem.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace crease {
namespace {

/// The character at a place, fit to be shown.
std::string shown(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte > 0x7e ? fmt::format("the byte 0x{:02x}", byte) : fmt::format("'{}'", c);
}

/// The parser stops behind the byte that it could not take, or behind the last one.
std::string syntax_problem(std::string_view text, size_t bytes_read) {
  const size_t at = std::min(bytes_read == 0 ? 0 : bytes_read - 1, text.size());
  const std::string_view before = text.substr(0, at);
  const auto line = std::ranges::count(before, '\n') + 1;
  const size_t column = at - (before.rfind('\n') + 1) + 1;  // npos + 1 = 0
  return fmt::format("line {}, column {}: no JSON: {}", line, column,
                     at == text.size() ? "the text ends too early" : "got " + shown(text[at]));
}

/// What stands between two marks of the library's message; empty where it has another form.
std::string between(std::string_view message, std::string_view before, std::string_view after) {
  const size_t begin = message.find(before);
  if (begin == message.npos) return {};
  message.remove_prefix(begin + before.size());
  return std::string(message.substr(0, message.find(after)));
}

}  // namespace

std::string json_problem(std::string_view text, const std::exception& problem) {
  if (const auto* syntax = dynamic_cast<const nlohmann::json::parse_error*>(&problem))
    return syntax_problem(text, syntax->byte);
  const std::string_view message = problem.what();
  const auto* of_json = dynamic_cast<const nlohmann::json::exception*>(&problem);
  if (of_json == nullptr) {
    if (dynamic_cast<const std::out_of_range*>(&problem) != nullptr) return "a list is too short";
    if (dynamic_cast<const std::invalid_argument*>(&problem) != nullptr) return "a number is malformed";
    if (dynamic_cast<const std::length_error*>(&problem) != nullptr) return "a size is out of range";
    return std::string(message);
  }
  constexpr int wrong_type = 302, missing_key = 403;
  const std::string key = between(message, "key '", "' not found"), want = between(message, "must be ", ",");
  const std::string got = between(message, "but is ", ",");
  if (of_json->id == missing_key && !key.empty()) return fmt::format("field '{}' is missing", key);
  if (of_json->id == wrong_type && !want.empty() && !got.empty())
    return fmt::format("a field is {}, want {}", got, want);
  if (dynamic_cast<const nlohmann::json::out_of_range*>(&problem) != nullptr) return "a list is too short";
  return got.empty() ? "a field has another form" : fmt::format("a field is {}, want another form", got);
}

}  // namespace crease
