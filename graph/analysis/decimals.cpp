#include "graph/analysis/decimals.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>

#include "graph/analysis/bounds/interval.h"

namespace crease {

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

std::string at_least_text(double value, int digits) {
  const std::string negated = at_most_text(-value, digits);
  if (negated == "0") return negated;
  return negated.starts_with('-') ? negated.substr(1) : '-' + negated;
}

std::string at_most_text(const Rational& value, int digits) {
  return at_most_text(enclose(value).high, digits);
}

std::string at_least_text(const Rational& value, int digits) {
  return at_least_text(enclose(value).low, digits);
}

}  // namespace crease
