#include "graph/analysis/decimals.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>

namespace crease {

std::string at_most_text(double value) {
  std::string text = fmt::format("{:.6g}", value + 0.0);  // -0 + 0 = 0
  if (!std::isfinite(value) || std::strtod(text.c_str(), nullptr) >= value) return text;
  // Half a unit of the last digit more rounds to the next decimal.
  const double unit = std::pow(10, std::floor(std::log10(std::abs(value))) - 5);
  text = fmt::format("{:.6g}", value + 0.5 * unit);
  for (double more = unit; std::strtod(text.c_str(), nullptr) < value; more *= 2)
    text = fmt::format("{:.6g}", value + more);
  return text == "-0" ? "0" : text;
}

std::string at_least_text(double value) {
  const std::string negated = at_most_text(-value);
  if (negated == "0") return negated;
  return negated.starts_with('-') ? negated.substr(1) : '-' + negated;
}

}  // namespace crease
