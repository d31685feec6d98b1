#include "frontends/near_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "frontends/printable.h"

namespace crease {
namespace {

/// How many letters are to be put in, taken out or changed. Source: Levenshtein 1966.
size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = std::exchange(row[j + 1], std::min({changed, row[j] + 1, row[j + 1] + 1}));
    }
  }
  return row.back();
}

}  // namespace

std::string did_you_mean(const std::string& word, const std::vector<std::string>& names) {
  const auto distance = [&](const std::string& name) { return edit_distance(word, name); };
  const auto nearest = std::ranges::min_element(names, {}, distance);
  constexpr size_t letters_a_slip = 3;
  if (nearest == names.end() || distance(*nearest) > std::max<size_t>(1, word.size() / letters_a_slip))
    return {};
  return fmt::format("; did you mean {}?", printable(*nearest));
}

}  // namespace crease
