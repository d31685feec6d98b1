#include "frontends/data/csv_cell.h"

#include <charconv>
#include <limits>
#include <string>

namespace crease {

std::optional<double> number_in(std::string_view cell) {
  if (cell.starts_with('+')) cell.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (cell.empty() || end != cell.data() + cell.size() || error == std::errc::invalid_argument) return {};
  if (error != std::errc::result_out_of_range) return value;
  // Beyond f64 on either side: 0, or infinite.
  long double wide = std::numeric_limits<long double>::infinity();
  std::from_chars(cell.data(), cell.data() + cell.size(), wide);
  return static_cast<double>(wide);
}

bool has_decimal_comma(std::string_view cell) {
  std::string text(cell);
  const size_t comma = text.find(',');
  if (comma == std::string::npos) return false;
  text[comma] = '.';
  return number_in(text).has_value();
}

}  // namespace crease
