#include "frontends/data/standardise.h"

#include <cmath>
#include <span>
#include <vector>

#include "graph/error.h"

namespace crease {
namespace {

/// Numbers in rows of `width`, and what is measured of each column.
struct Table {
  std::span<const float> values;
  size_t width;

  /// Of term(value, column) over the rows.
  template <class Term>
  std::vector<double> mean_of(Term term) const {
    std::vector<double> means(width);
    for (size_t row = 0; row < values.size(); row += width)
      for (size_t j = 0; j < width; ++j) means[j] += term(static_cast<double>(values[row + j]), j);
    const size_t rows = values.size() / width;
    for (double& mean : means) mean /= static_cast<double>(rows);
    return means;
  }

  bool is_constant(size_t column) const {
    for (size_t i = column; i < values.size(); i += width)
      if (values[i] != values[column]) return false;
    return true;
  }
};

Standardisation measure(const Table& table) {
  const std::vector<double> mean = table.mean_of([](double value, size_t) { return value; });
  // Two passes: the difference of large squares would lose all digits of a small deviation.
  const std::vector<double> variance =
      table.mean_of([&](double value, size_t j) { return (value - mean[j]) * (value - mean[j]); });
  const auto width = static_cast<int64_t>(table.width);
  Standardisation by{Tensor(Type::f32, {width}), Tensor(Type::f32, {width})};
  const auto means = by.mean.write<float>();
  const auto deviations = by.deviation.write<float>();
  for (size_t j = 0; j < table.width; ++j) {
    // Told from the values: the rounded mean of equal numbers may differ from them, and that is no spread.
    const bool constant = table.is_constant(j);
    const auto deviation = static_cast<float>(std::sqrt(variance[j]));
    means[j] = constant ? table.values[j] : static_cast<float>(mean[j]);
    deviations[j] = constant || deviation == 0 ? 1.0f : deviation;
  }
  return by;
}

}  // namespace

Standardisation measure(const Dataset& train) {
  validate(train);
  return measure(Table{train.x.read<float>(), static_cast<size_t>(train.features())});
}

Standardisation measure_targets(const Dataset& train) {
  validate(train);
  expect(train.classes == 0, "[measure_targets] '{}' has classes, no numbers to predict", train.name);
  return measure(Table{train.y.read<float>(), static_cast<size_t>(train.targets())});
}

Tensor standardise(const Tensor& x, const Standardisation& by) {
  const int64_t n = x.sizes().empty() ? 0 : x.sizes()[0];
  const int64_t features = n == 0 ? by.mean.count() : x.count() / n;
  expect(features == by.mean.count() && features == by.deviation.count(),
         "[standardise] x of shape {} has {} features: want {}, as measured", to_string(x.sizes()), features,
         by.mean.count());
  const auto from = x.read<float>();
  const auto mean = by.mean.read<float>();
  const auto deviation = by.deviation.read<float>();
  Tensor result(Type::f32, x.sizes());
  const auto to = result.write<float>();
  for (size_t row = 0; row < to.size(); row += mean.size())
    for (size_t j = 0; j < mean.size(); ++j) to[row + j] = (from[row + j] - mean[j]) / deviation[j];
  return result;
}

Split standardise(const Split& data) {
  const Standardisation by = measure(data.train);
  Split result = data;
  result.train.x = standardise(data.train.x, by);
  result.test.x = standardise(data.test.x, by);
  if (data.validation.size() > 0) result.validation.x = standardise(data.validation.x, by);
  return result;
}

}  // namespace crease
