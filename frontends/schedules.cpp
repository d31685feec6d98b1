#include "frontends/schedules.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "graph/error.h"

namespace crease {
namespace {

void expect_positive(const char* name, const char* what, double value) {
  expect(std::isfinite(value) && value > 0, "[{}] {} must be positive and finite: got {}", name, what, value);
}

}  // namespace

Schedule constant_rate() {
  return [](const ScheduleTime&) { return 1.0; };
}

Schedule step_decay(double every, double factor) {
  expect_positive("step_decay", "the number of epochs", every);
  expect_positive("step_decay", "the factor", factor);
  return [=](const ScheduleTime& time) { return std::pow(factor, std::floor(time.epoch / every)); };
}

Schedule exponential_decay(double factor) {
  expect_positive("exponential_decay", "the factor", factor);
  return [=](const ScheduleTime& time) { return std::pow(factor, time.epoch); };
}

Schedule cosine_decay(double last) {
  expect(last >= 0 && last <= 1, "[cosine_decay] the last factor must be in [0, 1]: got {}", last);
  return [=](const ScheduleTime& time) {
    const double done = std::min(1.0, time.epoch / static_cast<double>(std::max<int64_t>(time.epochs, 1)));
    return last + (1 - last) * (1 + std::cos(std::numbers::pi * done)) / 2;
  };
}

Schedule warm_up(double epochs, const Schedule& after) {
  expect_positive("warm_up", "the number of epochs", epochs);
  expect(static_cast<bool>(after), "[warm_up] the schedule that follows is empty");
  return [=](const ScheduleTime& time) {
    return std::min(1.0, (time.epoch + time.step) / epochs) * after(time);
  };
}

Schedule reduce_on_plateau(const PlateauOptions& options) {
  expect(options.factor > 0 && options.factor < 1,
         "[reduce_on_plateau] the factor must be between 0 and 1: got {}", options.factor);
  expect(options.patience >= 0 && options.threshold >= 0 && options.least >= 0,
         "[reduce_on_plateau] patience, threshold and least factor must be at least 0: got {}, {}, {}",
         options.patience, options.threshold, options.least);
  return [=](const ScheduleTime& time) {
    double factor = 1, best = std::numeric_limits<double>::infinity();
    int waited = 0;
    for (const double loss : time.losses) {
      const bool better = loss < best * (1 - options.threshold);
      if (better) best = loss;
      waited = better ? 0 : waited + 1;
      if (waited <= options.patience) continue;
      factor = std::max(factor * options.factor, options.least);
      waited = 0;
    }
    return factor;
  };
}

}  // namespace crease
