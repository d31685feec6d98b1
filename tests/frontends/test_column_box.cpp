#include "frontends/column_box.h"

#include <doctest/doctest.h>

#include <cmath>

#include "frontends/models.h"
#include "frontends/report.h"
#include "graph/ops/activation.h"
#include "tests/frontends/thrown.h"

namespace crease {
namespace {

using test::holds;
using test::thrown_by;

Model table_model() {
  const Standardisation by{.mean = Tensor::f32({3}, {40.1F, 31234.5F, 0}),
                           .deviation = Tensor::f32({3}, {12.7F, 1e4F / 3, 1})};
  return {.network = network(mlp({3, 4, 2}, relu), 3),
          .info = {.features = {"age", "income", "a=b"}, .standardisation = by}};
}

Rational exact(const Model& model, size_t column, const Rational& number) {
  const auto place = static_cast<int64_t>(column);
  return (number - Rational::of(model.info.standardisation->mean.at(place))) /
         Rational::of(model.info.standardisation->deviation.at(place));
}

TEST_CASE("a box by columns holds the real numbers and those that standardising in f32 gives") {
  const Model model = table_model();
  // Ends that no double is: thirds, tenths.
  for (int64_t k = 1; k < 200; ++k) {
    const ColumnRange range{.column = "income", .low = Rational(k, 3), .high = Rational(7 * k, 10) + 20};
    const InputBox box = column_box(model, {range});
    const Interval side = box.inputs.at("x")[1];
    CAPTURE(k);
    CHECK(Rational::of(side.low) <= exact(model, 1, range.low));
    CHECK(Rational::of(side.high) >= exact(model, 1, range.high));
    for (const Rational& number : {range.low, range.high}) {
      const auto read = static_cast<float>(number.to_double());
      const Tensor made = standardise(Tensor::f32({1, 3}, {0, read, 0}), *model.info.standardisation);
      CHECK(side.contains(made.at(1)));
    }
    // Rounded to f32 twice, each time by less than a unit in the last place.
    CHECK(side.high <= exact(model, 1, range.high).to_double() + 16 * 0x1p-23);
    CHECK(side.low >= exact(model, 1, range.low).to_double() - 16 * 0x1p-23);
  }
}

TEST_CASE("columns without a range are where the others are") {
  const Model model = table_model();
  const ColumnRange age{.column = "age", .low = 20, .high = 60}, odd{.column = "a=b", .low = 0, .high = 1};
  const std::vector<Interval> sides = column_box(model, {odd, age}, {-1, 2}).inputs.at("x");
  CHECK(sides[1] == Interval{-1, 2});
  CHECK(sides[2] == Interval{0, 1});
  CHECK_FALSE(column_box(model, {age}).inputs.at("x")[1].is_finite());
  CHECK(column_box(model, {}, {0, 1}).all == Interval{0, 1});
}

TEST_CASE("numbers beyond f32 make an end infinite, never narrower") {
  const ColumnRange wide{.column = "a=b", .low = Rational::parse("-1e300"), .high = Rational::parse("1e300")};
  const Interval side = column_box(table_model(), {wide}).inputs.at("x")[2];
  CHECK(side == Interval{-kInfinity, kInfinity});
}

TEST_CASE("a box by columns that are none is an error that says which there are") {
  Model model = table_model();
  const auto complaint = [&](const std::vector<ColumnRange>& ranges) {
    return thrown_by([&] { column_box(model, ranges); });
  };
  const ColumnRange age{.column = "age", .low = 20, .high = 60};
  CHECK(
      complaint({{.column = "incme", .low = 0, .high = 1}}) ==
      "[column_box] the model has no column 'incme': its columns are age, income, a=b; did you mean income?");
  CHECK(complaint({age, age}) == "[column_box] column 'age' is given twice: want one range for it");
  CHECK(complaint({{.column = "age", .low = 2, .high = 1}}) ==
        "[column_box] column 'age': got [2, 1], want low <= high");
  model.info.standardisation->deviation.set(2, 0);
  CHECK(holds(complaint({age}), "deviation 0: want finite numbers and a deviation above 0"));
  model.info.standardisation->mean = Tensor::f32({2}, {1, 2});
  CHECK(holds(complaint({age}), "standardises 2 numbers, but names 3 columns"));
  model.info.features.pop_back();
  CHECK(holds(complaint({age}), "names 2 columns, but its network has 1 inputs, want one of 2 elements"));
  model.info.features.clear();
  CHECK(holds(complaint({age}), "no names of columns, which come from a table with a header"));
}

TEST_CASE("a report says which box it is about") {
  const Model model = table_model();
  CHECK(holds(to_text(analyze(model.network, {.box = InputBox{.all = Interval{0, 1}}})),
              "every input is from 0 to 1"));
  const InputBox box = column_box(model, {{.column = "a=b", .low = -2, .high = 5}}, {0, 1});
  CHECK(holds(to_text(analyze(model.network, {.box = box})),
              "each of 3 elements of 'x' has its own interval, all from -2 to 5"));
  const Report report = analyze(model.network, {.box = box, .box_lines = {"a=b from -2 to 5"}});
  CHECK(holds(to_text(report), "BOX           a=b from -2 to 5"));
  CHECK(holds(to_json(report), "\"box\": [\n    \"a=b from -2 to 5\"\n  ]"));
  CHECK_FALSE(holds(to_text(analyze(model.network)), "BOX"));
}

}  // namespace
}  // namespace crease
