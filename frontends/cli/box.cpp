#include "frontends/cli/box.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "frontends/column_box.h"
#include "frontends/printable.h"
#include "graph/error.h"

namespace crease::cli {
namespace {

/// A finite number without blanks around, as it is written; empty for what is none.
std::string number_text(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = problem == std::errc() && end == text.data() + text.size();
  return whole && std::isfinite(value) ? std::string(text) : std::string();
}

/// LOW and HIGH, exactly; nothing unless LOW <= HIGH.
std::optional<std::pair<Rational, Rational>> parse_ends(std::string_view text) {
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  const size_t comma = text.find(',');
  if (comma == text.npos) return {};
  const std::string low = number_text(text.substr(0, comma)), high = number_text(text.substr(comma + 1));
  if (low.empty() || high.empty()) return {};
  std::pair ends{Rational::parse(low), Rational::parse(high)};
  if (ends.first > ends.second) return {};
  return ends;
}

/// A name may hold any letter, "=" as well.
ColumnRange parse_column(const std::string& text) {
  const size_t mark = text.rfind('=');
  const auto ends = parse_ends(std::string_view(text).substr(mark + 1));
  expect(ends.has_value(), "--box: got '{}', want NAME=LOW,HIGH with numbers LOW <= HIGH, such as age=20,60",
         printable(text));
  return {.column = text.substr(0, mark), .low = ends->first, .high = ends->second};
}

Interval parse_all(const std::string& text) {
  const auto ends = parse_ends(text);
  expect(
      ends.has_value(),
      "--box: got '{}', want LOW,HIGH with numbers LOW <= HIGH, such as -1,1, or NAME=LOW,HIGH for a column",
      printable(text));
  return {ends->first.to_double(), ends->second.to_double()};
}

std::string all_text(const Model& model, const std::vector<ColumnRange>& columns,
                     const std::optional<Interval>& all) {
  const char* which = columns.empty() ? "every input" : "every other column";
  if (!all) return fmt::format("{} can be anything", which);
  return fmt::format("{} is from {} to {} as the network gets it{}", which, all->low, all->high,
                     model.info.standardisation ? ", standardised" : "");
}

/// Ends of `side` are f32 numbers, of which few digits tell all.
std::string column_text(const Model& model, const ColumnRange& range, const Interval& side) {
  return fmt::format("'{}' is from {} to {} in the table, from {} to {} as the network gets it{}",
                     printable(range.column), range.low.to_double(), range.high.to_double(),
                     static_cast<float>(side.low), static_cast<float>(side.high),
                     model.info.standardisation ? ", standardised" : "");
}

}  // namespace

CLI::Option* add_box(CLI::App& command, std::vector<std::string>& texts, const std::string& help) {
  return command
      .add_option(
          "--box", texts,
          help +
              " LOW,HIGH: every input, as the network gets it (standardised, where the model was "
              "trained on a table); NAME=LOW,HIGH: a column in the table's own numbers, once for each")
      ->type_name("[NAME=]LOW,HIGH")
      ->expected(1)
      ->allow_extra_args(false)
      ->take_all();
}

GivenBox given_box(const std::vector<std::string>& texts, const Model& model) {
  std::optional<Interval> all;
  std::vector<ColumnRange> columns;
  for (const std::string& text : texts) {
    if (text.find('=') != text.npos) {
      columns.push_back(parse_column(text));
      continue;
    }
    const Interval other = parse_all(text);
    expect(!all, "--box: got LOW,HIGH for every input twice, '{}' among them: want it once", printable(text));
    all = other;
  }
  GivenBox given{.box = column_box(model, columns, all.value_or(Interval{})),
                 .name = printable(fmt::format("{}", fmt::join(texts, " "))),
                 .lines = {}};
  for (const ColumnRange& range : columns) {
    const auto place = std::ranges::find(model.info.features, range.column) - model.info.features.begin();
    given.lines.push_back(
        column_text(model, range, given.box.inputs.begin()->second[static_cast<size_t>(place)]));
  }
  if (columns.size() < model.info.features.size() || columns.empty())
    given.lines.push_back(all_text(model, columns, all));
  return given;
}

}  // namespace crease::cli
