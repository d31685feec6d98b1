#include "frontends/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace crease {
namespace {

std::string share(const char* label, const std::optional<double>& accuracy) {
  return accuracy ? fmt::format("  {} {:.2f} %", label, 100 * *accuracy) : "";
}

}  // namespace

std::string progress_line(const TrainProgress& progress) {
  constexpr int64_t width = 20;
  const int64_t steps = std::max<int64_t>(progress.steps, 1);
  const auto filled = static_cast<size_t>(std::clamp<int64_t>(progress.step * width / steps, 0, width));
  std::string bar = std::string(filled, '=') + std::string(width - filled, ' ');
  if (filled > 0 && filled < width) bar[filled - 1] = '>';
  return fmt::format("epoch {}/{} [{}] {:3d} %  loss {:.4f}{}  {:.0f} samples/s  {} left", progress.epoch,
                     progress.epochs, bar, 100 * progress.step / steps, progress.loss,
                     share("accuracy", progress.accuracy), progress.samples_per_second,
                     duration(progress.seconds_left));
}

std::string epoch_line(const EpochMetrics& metrics) {
  const auto digits = std::to_string(metrics.epochs).size();
  const std::string test_loss =
      metrics.test_loss ? fmt::format("  test loss {:.4f}", *metrics.test_loss) : "";
  return fmt::format("epoch {:{}}/{}  loss {:.4f}{}{}{}  {:.0f} samples/s  {:.1f} s", metrics.epoch, digits,
                     metrics.epochs, metrics.loss, share("accuracy", metrics.accuracy), test_loss,
                     share("test accuracy", metrics.test_accuracy), metrics.samples_per_second,
                     metrics.seconds);
}

std::string duration(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "? s";
  const auto whole = static_cast<int64_t>(std::ceil(std::min(seconds, 3.6e8)));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

}  // namespace crease
