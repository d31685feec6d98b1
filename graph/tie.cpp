#include "graph/tie.h"

#include <array>
#include <charconv>
#include <utility>

#include "graph/error.h"

namespace crease {
namespace {

constexpr std::array<std::pair<std::string_view, Tie>, 5> rules{{{"left", Tie::left},
                                                                 {"right", Tie::right},
                                                                 {"mid", Tie::mid},
                                                                 {"min_norm", Tie::min_norm},
                                                                 {"trap", Tie::trap}}};

}  // namespace

Tie Tie::value(double s) {
  expect(s >= 0 && s <= 1, "Tie::value({}) is outside the slopes it lies between: want 0 <= s <= 1", s);
  return {Rule::Value, s};
}

std::string to_string(const Tie& tie) {
  for (const auto& [name, rule] : rules)
    if (rule == tie) return std::string(name);
  return fmt::format("value({})", tie.weight());
}

Tie parse_tie(std::string_view text) {
  for (const auto& [name, rule] : rules)
    if (name == text) return rule;
  if (text.starts_with("value(") && text.ends_with(")")) {
    const std::string_view number = text.substr(6, text.size() - 7);
    double s = 0;
    const auto [end, code] = std::from_chars(number.data(), number.data() + number.size(), s);
    if (code == std::errc() && end == number.data() + number.size()) return Tie::value(s);
  }
  fail("unknown tie rule '{}': want left, right, mid, min_norm, trap or value(s) with 0 <= s <= 1", text);
}

}  // namespace crease
