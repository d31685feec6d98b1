#include "frontends/column_box.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "frontends/near_name.h"
#include "frontends/printable.h"
#include "graph/analysis/points.h"
#include "graph/error.h"
#include "graph/listed.h"

namespace crease {
namespace {

/// The greatest f32 number that is not above.
double f32_below(const Rational& number) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const float near = number.to_float();
  if (near == -infinity) return -kInfinity;
  return near == infinity || Rational::of(near) > number ? std::nextafter(near, -infinity) : near;
}

double f32_above(const Rational& number) { return -f32_below(-number); }

/// What becomes of a number of the table in f32, as data are read and standardised.
double computed(const Rational& number, const std::optional<Standardisation>& by, int64_t column) {
  const auto read = static_cast<float>(number.to_double());
  if (!by) return read;
  return (read - static_cast<float>(by->mean.at(column))) / static_cast<float>(by->deviation.at(column));
}

/// The range of a column as the network gets it. Each step of the f32 way is monotone: its ends bound it.
Interval converted(const ColumnRange& range, const std::optional<Standardisation>& by, int64_t column) {
  Rational low = range.low, high = range.high;
  if (by) {
    const Rational mean = Rational::of(by->mean.at(column)),
                   deviation = Rational::of(by->deviation.at(column));
    low = (low - mean) / deviation;
    high = (high - mean) / deviation;
  }
  return {std::min(f32_below(low), computed(range.low, by, column)),
          std::max(f32_above(high), computed(range.high, by, column))};
}

/// The input whose elements are the columns.
NodeId input_of(const Model& model) {
  const size_t columns = model.info.features.size();
  expect(columns > 0,
         "[column_box] the model has no names of columns, which come from a table with a header: want one "
         "interval for all inputs");
  const std::vector<NodeId> inputs = model.network.inputs();
  const auto fits = [&](NodeId id) {
    return sample_count(model.network.node(id).shape) == static_cast<int64_t>(columns);
  };
  expect(inputs.size() == 1 && fits(inputs[0]),
         "[column_box] the model names {} columns, but its network has {} inputs, want one of {} elements",
         columns, inputs.size(), columns);
  return inputs[0];
}

void expect_usable(const std::optional<Standardisation>& by, int64_t columns) {
  if (!by) return;
  expect(by->mean.count() == columns && by->deviation.count() == columns,
         "[column_box] the model standardises {} numbers, but names {} columns: want as many",
         by->mean.count(), columns);
  for (int64_t i = 0; i < columns; ++i)
    expect(std::isfinite(by->mean.at(i)) && std::isfinite(by->deviation.at(i)) && by->deviation.at(i) > 0,
           "[column_box] the model's standardisation has mean {} and deviation {}: want finite numbers and a "
           "deviation above 0",
           by->mean.at(i), by->deviation.at(i));
}

}  // namespace

InputBox column_box(const Model& model, const std::vector<ColumnRange>& ranges, const Interval& others) {
  if (ranges.empty()) return {.all = others, .inputs = {}};
  const std::vector<std::string>& names = model.info.features;
  const std::string input = model.network.node(input_of(model)).name;
  expect_usable(model.info.standardisation, static_cast<int64_t>(names.size()));
  std::vector<Interval> sides(names.size(), others);
  std::vector<bool> given(names.size(), false);
  for (const ColumnRange& range : ranges) {
    const auto found = std::ranges::find(names, range.column);
    expect(found != names.end(), "[column_box] the model has no column '{}': its columns are {}{}",
           printable(range.column), printable(listed(names)), did_you_mean(range.column, names));
    expect(range.low <= range.high, "[column_box] column '{}': got [{}, {}], want low <= high",
           printable(range.column), range.low.to_double(), range.high.to_double());
    const auto column = static_cast<size_t>(found - names.begin());
    expect(!given[column], "[column_box] column '{}' is given twice: want one range for it",
           printable(range.column));
    given[column] = true;
    sides[column] = converted(range, model.info.standardisation, static_cast<int64_t>(column));
  }
  return {.all = {}, .inputs = {{input, std::move(sides)}}};
}

}  // namespace crease
