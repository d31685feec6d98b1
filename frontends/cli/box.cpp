#include "frontends/cli/box.h"

#include <charconv>

#include "graph/error.h"

namespace crease::cli {
namespace {

/// The whole of `text`, without blanks around, as a finite number.
std::optional<double> number(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return {};
  return value;
}

}  // namespace

InputBox parse_box(const std::string& text) {
  std::string_view ends = text;
  if (ends.starts_with('[') && ends.ends_with(']')) ends = ends.substr(1, ends.size() - 2);
  const size_t comma = ends.find(',');
  const auto low = number(ends.substr(0, comma));
  const auto high = comma == ends.npos ? std::nullopt : number(ends.substr(comma + 1));
  expect(low && high && *low <= *high,
         "--box: got '{}', want LOW,HIGH with numbers LOW <= HIGH, such as -1,1", text);
  return {.all = Interval{*low, *high}};
}

}  // namespace crease::cli
