#include "graph/analysis/decimals.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>

#include "graph/analysis/bounds/interval.h"

namespace crease {
namespace {

/// Of numbers that are told apart, and what every double has.
constexpr int least_digits = 9, most_digits = 17;

std::string negated(const std::string& text) {
  if (text == "0") return text;
  return text.starts_with('-') ? text.substr(1) : '-' + text;
}

}  // namespace

std::string at_most_text(double value, int digits) {
  std::string text = fmt::format("{:.{}g}", value + 0.0, digits);  // -0 + 0 = 0
  if (!std::isfinite(value) || std::strtod(text.c_str(), nullptr) >= value) return text;
  // Half a unit of the last digit more rounds to the next decimal.
  const double unit = std::pow(10, std::floor(std::log10(std::abs(value))) - (digits - 1));
  text = fmt::format("{:.{}g}", value + 0.5 * unit, digits);
  for (double more = unit; std::strtod(text.c_str(), nullptr) < value; more *= 2)
    text = fmt::format("{:.{}g}", value + more, digits);
  return text == "-0" ? "0" : text;
}

std::string at_least_text(double value, int digits) { return negated(at_most_text(-value, digits)); }

std::string at_most_text(const Rational& value, int digits) {
  // A decimal stands for the double next to it, which may lie on the other side of the value.
  const double high = enclose(value).high;
  for (const double near : {value.to_double(), high, std::nextafter(high, HUGE_VAL)}) {
    std::string text = at_most_text(near, digits);
    if (text == "inf" || (std::isfinite(near) && Rational::parse(text) >= value)) return text;
  }
  return "inf";
}

std::string at_least_text(const Rational& value, int digits) { return negated(at_most_text(-value, digits)); }

std::pair<std::string, std::string> distinct_texts(const Rational& a, const Rational& b) {
  for (int digits = least_digits; digits <= most_digits; ++digits) {
    std::pair texts{fmt::format("{:.{}g}", a.to_double(), digits),
                    fmt::format("{:.{}g}", b.to_double(), digits)};
    if (texts.first != texts.second) return texts;
  }
  return {to_string(a), to_string(b)};
}

std::string text_between(const Rational& low, const Rational& high) {
  const Rational middle = (low + high) / 2;
  for (int digits = least_digits; digits <= most_digits && std::isfinite(middle.to_double()); ++digits) {
    std::string text = fmt::format("{:.{}g}", middle.to_double(), digits);
    const Rational number = Rational::parse(text);
    if (low < number && number < high) return text;
  }
  return to_string(middle);
}

std::string readable_text(const Rational& number) {
  constexpr size_t longest = 14;
  const std::string exact = to_string(number);
  return exact.size() <= longest ? exact : fmt::format("{:.9g}", number.to_double());
}

}  // namespace crease
