#include "frontends/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "graph/error.h"

namespace crease {
namespace {

std::string share(const char* label, const std::optional<double>& accuracy) {
  return accuracy ? fmt::format("  {} {:.2f} %", label, 100 * *accuracy) : "";
}

/// Without the sign of a loss that rounding brought below 0.
std::string four_digits(double value) {
  const std::string text = fmt::format("{:.4f}", value);
  return text == "-0.0000" ? "0.0000" : text;
}

std::string number(const char* label, const std::optional<double>& value) {
  return value ? fmt::format("  {} {}", label, four_digits(*value)) : "";
}

}  // namespace

std::string progress_line(const TrainProgress& progress) {
  constexpr int64_t width = 20;
  const int64_t steps = std::max<int64_t>(progress.steps, 1);
  const auto filled = static_cast<size_t>(std::clamp<int64_t>(progress.step * width / steps, 0, width));
  std::string bar = std::string(filled, '=') + std::string(width - filled, ' ');
  if (filled > 0 && filled < width) bar[filled - 1] = '>';
  return fmt::format("epoch {}/{} [{}] {:3d} %  loss {}{}  {:.0f} samples/s  {} left", progress.epoch,
                     progress.epochs, bar, 100 * progress.step / steps, four_digits(progress.loss),
                     share("accuracy", progress.accuracy), progress.samples_per_second,
                     duration(progress.seconds_left));
}

std::string epoch_line(const EpochMetrics& metrics) {
  const auto digits = std::to_string(metrics.epochs).size();
  return fmt::format("epoch {:{}}/{}  loss {}{}{}{}{}{}  {:.0f} samples/s  {:.1f} s", metrics.epoch, digits,
                     metrics.epochs, four_digits(metrics.loss), share("accuracy", metrics.accuracy),
                     number("validation loss", metrics.validation_loss),
                     share("validation accuracy", metrics.validation_accuracy),
                     number("test loss", metrics.test_loss), share("test accuracy", metrics.test_accuracy),
                     metrics.samples_per_second, metrics.seconds);
}

std::string sparsity_line(const Sparsity& sparsity) {
  constexpr size_t shown = 8;
  std::string layers;
  for (size_t i = 0; i < std::min(shown, sparsity.layers.size()); ++i)
    layers += fmt::format("{}{:.1f}", i == 0 ? "" : ", ", 100 * sparsity.layers[i].zero_share());
  if (sparsity.layers.size() > shown) layers += ", ...";
  return fmt::format(
      "zeros {:.1f} % ({} by layer), {} of {} units off on all samples, {:.3g} of all paths fully active",
      100 * sparsity.zero_share(), layers, sparsity.dead(), sparsity.units(), sparsity.active_paths());
}

std::string symmetry_line(const EpochMetrics& metrics) {
  return fmt::format(
      "Noether sums up to {:.2g} of their terms; conserved quantities moved by up to {:.2g} of theirs",
      metrics.noether.value_or(0), metrics.conserved_drift.value_or(0));
}

std::string json_line(const EpochMetrics& metrics) {
  nlohmann::ordered_json json{{"epoch", metrics.epoch}, {"loss", metrics.loss}};
  const auto add = [&](const char* key, const std::optional<double>& value) {
    if (value) json[key] = *value;
  };
  add("accuracy", metrics.accuracy);
  add("validation_loss", metrics.validation_loss);
  add("validation_accuracy", metrics.validation_accuracy);
  add("test_loss", metrics.test_loss);
  add("test_accuracy", metrics.test_accuracy);
  if (metrics.sparsity) {
    nlohmann::ordered_json layers = nlohmann::ordered_json::array();
    for (const LayerSparsity& layer : metrics.sparsity->layers)
      layers.push_back({{"layer", layer.name}, {"zeros", layer.zero_share()}, {"off", layer.dead().size()}});
    json["zeros"] = metrics.sparsity->zero_share();
    json["active_paths"] = metrics.sparsity->active_paths();
    json["zeros_by_layer"] = layers;
  }
  json["seconds"] = metrics.seconds;
  json["samples_per_second"] = metrics.samples_per_second;
  add("noether", metrics.noether);
  add("conserved_drift", metrics.conserved_drift);
  for (const KinkCounts& it : metrics.kinks)
    json["kinks"].push_back({{"node", it.node},
                             {"operation", it.operation},
                             {"line", to_string(it.where)},
                             {"elements", it.elements},
                             {"hits", it.hits},
                             {"ties", it.ties},
                             {"jumps", it.jumps},
                             {"live", it.live}});
  return json.dump();
}

std::string duration(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "? s";
  const auto whole = static_cast<int64_t>(std::ceil(std::min(seconds, 3.6e8)));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

}  // namespace crease
