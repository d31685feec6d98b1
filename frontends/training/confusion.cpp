#include "frontends/training/confusion.h"

#include <fmt/format.h>

#include <algorithm>

#include "frontends/printable.h"
#include "frontends/training/objective.h"
#include "frontends/training/predict.h"
#include "graph/error.h"

namespace crease {
namespace {

double share(int64_t part, int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

double Confusion::accuracy() const {
  int64_t right = 0, all = 0;
  for (int64_t k = 0; k < classes; ++k) right += at(k, k);
  for (const int64_t count : counts) all += count;
  return share(right, all);
}

double Confusion::precision(int64_t of) const {
  int64_t predicted = 0;
  for (int64_t truth = 0; truth < classes; ++truth) predicted += at(truth, of);
  return share(at(of, of), predicted);
}

double Confusion::recall(int64_t of) const {
  int64_t present = 0;
  for (int64_t predicted = 0; predicted < classes; ++predicted) present += at(of, predicted);
  return share(at(of, of), present);
}

Confusion confusion(const Graph& network, const Dataset& data, const RunnerOptions& options) {
  validate(data);
  expect(data.classes > 0, "[confusion] '{}' has numbers to predict, not classes", data.name);
  constexpr int64_t most_classes = 4096;
  expect(data.classes <= most_classes,
         "[confusion] '{}' has {} classes: want at most {}, for a table of them", data.name, data.classes,
         most_classes);
  make_objective(network, data, {});  // for its checks
  Confusion result{.classes = data.classes,
                   .counts = std::vector<int64_t>(static_cast<size_t>(data.classes * data.classes))};
  const std::vector<int64_t> predicted = decisions(predict(network, data.x, options));
  const auto labels = data.y.read<int32_t>();
  for (size_t i = 0; i < predicted.size(); ++i)
    ++result.counts[static_cast<size_t>(labels[i] * data.classes + predicted[i])];
  return result;
}

std::string to_string(const Confusion& confusion, const std::vector<std::string>& names) {
  const auto name = [&](int64_t k) {
    return names.empty() ? std::to_string(k)
                         : fmt::format("{:.12}", printable(names[static_cast<size_t>(k)]));
  };
  const auto width = [&](int64_t k) {  // characters, not bytes
    return static_cast<size_t>(std::ranges::count_if(name(k), [](char c) { return (c & 0xC0) != 0x80; }));
  };
  size_t wide = 6, cell = 5;
  for (int64_t k = 0; k < confusion.classes; ++k) {
    wide = std::max(wide, width(k));
    cell = std::max(cell, width(k));
  }
  std::string text = fmt::format("{:<{}}", "", wide);
  for (int64_t k = 0; k < confusion.classes; ++k) text += fmt::format(" {:>{}}", name(k), cell);
  text += fmt::format(" {:>9}\n", "recall");
  for (int64_t truth = 0; truth < confusion.classes; ++truth) {
    text += fmt::format("{:<{}}", name(truth), wide);
    for (int64_t k = 0; k < confusion.classes; ++k)
      text += fmt::format(" {:>{}}", confusion.at(truth, k), cell);
    text += fmt::format(" {:>7.2f} %\n", 100 * confusion.recall(truth));
  }
  text += fmt::format("{:<{}}", "", wide);
  for (int64_t k = 0; k < confusion.classes; ++k)
    text += fmt::format(" {:>{}}", fmt::format("{:.1f}", 100 * confusion.precision(k)), cell);
  return text + "   precision, %";
}

}  // namespace crease
