// Numbers in the cells of a table.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string_view>

namespace crease {

/// The number a cell holds, infinite if too large, or nothing if it is no number. No locale.
std::optional<double> number_in(std::string_view cell);

/// Whether the cell is a number as German or French tables write it.
bool has_decimal_comma(std::string_view cell);

/// How far the numbers of a column lie apart, and how far f32 moves them.
struct Spread {
  double least = std::numeric_limits<double>::infinity(), greatest = -least, moved = 0;

  void add(double value) {
    if (std::isnan(value)) return;
    least = std::min(least, value);
    greatest = std::max(greatest, value);
    moved = std::max(moved, std::abs(value - static_cast<double>(static_cast<float>(value))));
  }
  bool is_lost() const { return moved > (greatest - least) / 256 && greatest > least; }
};

}  // namespace crease
