#include "frontends/data/standardise.h"

#include <cmath>

#include "graph/error.h"

namespace crease {
namespace {

/// Adds term(value, feature) of each value to its feature's sum, and divides by the number of samples.
template <class Term>
std::vector<double> mean_of(const Dataset& data, Term term) {
  const auto values = data.x.read<float>();
  std::vector<double> sums(static_cast<size_t>(data.features()));
  for (size_t row = 0; row < values.size(); row += sums.size())
    for (size_t j = 0; j < sums.size(); ++j) sums[j] += term(static_cast<double>(values[row + j]), j);
  for (double& sum : sums) sum /= static_cast<double>(data.size());
  return sums;
}

bool is_constant(const Dataset& data, size_t feature) {
  const auto values = data.x.read<float>();
  const auto width = static_cast<size_t>(data.features());
  for (size_t i = feature; i < values.size(); i += width)
    if (values[i] != values[feature]) return false;
  return true;
}

}  // namespace

Standardisation measure(const Dataset& train) {
  validate(train);
  const std::vector<double> mean = mean_of(train, [](double value, size_t) { return value; });
  // Two passes: the difference of large squares would lose all digits of a small deviation.
  const std::vector<double> variance =
      mean_of(train, [&](double value, size_t j) { return (value - mean[j]) * (value - mean[j]); });
  Standardisation by{Tensor(Type::f32, {train.features()}), Tensor(Type::f32, {train.features()})};
  const auto means = by.mean.write<float>();
  const auto deviations = by.deviation.write<float>();
  for (size_t j = 0; j < mean.size(); ++j) {
    // Told from the values: the rounded mean of equal numbers may differ from them, and that is no spread.
    const bool constant = is_constant(train, j);
    const auto deviation = static_cast<float>(std::sqrt(variance[j]));
    means[j] = constant ? train.x.read<float>()[j] : static_cast<float>(mean[j]);
    deviations[j] = constant || deviation == 0 ? 1.0f : deviation;
  }
  return by;
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
