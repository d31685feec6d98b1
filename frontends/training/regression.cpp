#include "frontends/training/regression.h"

#include <fmt/format.h>

#include <cmath>

#include "frontends/training/objective.h"
#include "frontends/training/predict.h"
#include "graph/error.h"

namespace crease {
namespace {

/// Column number `column` of rows of `width`.
ColumnFit column_fit(const Tensor& outputs, const Tensor& targets, int64_t column, int64_t width) {
  const int64_t count = targets.count(), rows = count / width;
  const auto samples = static_cast<double>(rows);
  double mean = 0, error = 0, spread = 0;
  for (int64_t i = column; i < count; i += width) mean += targets.at(i) / samples;
  bool varies = false;
  for (int64_t i = column; i < count; i += width) {
    error += std::pow(outputs.at(i) - targets.at(i), 2);
    spread += std::pow(targets.at(i) - mean, 2);
    varies = varies || targets.at(i) != targets.at(column);
  }
  ColumnFit fit{.rmse = std::sqrt(error / samples)};
  if (varies) fit.r_squared = 1 - error / spread;
  return fit;
}

}  // namespace

std::vector<ColumnFit> regression_fit(const Graph& network, const Dataset& data,
                                      const RunnerOptions& options) {
  validate(data);
  expect(data.classes == 0, "[regression_fit] '{}' has classes to predict, not numbers", data.name);
  make_objective(network, data, {});  // for its checks
  const Tensor outputs = predict(network, data.x, options);
  const int64_t width = data.targets();
  std::vector<ColumnFit> columns;
  for (int64_t j = 0; j < width; ++j) columns.push_back(column_fit(outputs, data.y, j, width));
  return columns;
}

std::string to_string(const std::vector<ColumnFit>& columns) {
  std::string text;
  for (size_t j = 0; j < columns.size(); ++j) {
    if (columns.size() > 1) text += fmt::format("{}output {}: ", j == 0 ? "" : "\n", j);
    text += fmt::format("root mean square error {:.6g}", columns[j].rmse);
    if (columns[j].r_squared) text += fmt::format(", R2 {:.4f}", *columns[j].r_squared);
  }
  return text;
}

}  // namespace crease
