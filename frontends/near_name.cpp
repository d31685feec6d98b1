#include "frontends/near_name.h"

#include <fmt/format.h>

#include <algorithm>

#include "frontends/printable.h"
#include "graph/edit_distance.h"

namespace crease {

std::string did_you_mean(const std::string& word, const std::vector<std::string>& names) {
  const auto distance = [&](const std::string& name) { return edit_distance(word, name); };
  const auto nearest = std::ranges::min_element(names, {}, distance);
  constexpr size_t letters_a_slip = 3;
  if (nearest == names.end() || distance(*nearest) > std::max<size_t>(1, word.size() / letters_a_slip))
    return {};
  return fmt::format("; did you mean {}?", printable(*nearest));
}

}  // namespace crease
