// Learning rates over time. A schedule gives a factor of the optimizer's learning rate; the rate is a
// parameter of the compiled step, so no schedule recompiles anything.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace crease {

/// When a rate is asked for: before each step.
struct ScheduleTime {
  double epoch = 0;                 // epochs done, with the part of the present one
  double step = 0;                  // the part of an epoch that the coming step is
  int64_t epochs = 1;               // of the whole training
  std::vector<double> losses = {};  // after each epoch done: validation, else test, else training
};

/// A factor >= 0 of the learning rate; a function of its argument alone, so that a resumed training goes on
/// as an uninterrupted one.
using Schedule = std::function<double(const ScheduleTime& time)>;

/// 1.
Schedule constant_rate();
/// factor^k after k times `every` epochs. Errors: Error unless both are positive and finite.
Schedule step_decay(double every, double factor = 0.1);
/// factor^epoch, continuous.
Schedule exponential_decay(double factor);
/// (1 + cos(pi t)) / 2 from 1 to `last`, t the share of the training that is done. Source: Loshchilov and
/// Hutter 2017, equation 5, one period.
Schedule cosine_decay(double last = 0);
/// Rises in proportion to time through these epochs, from the rate of the first step, then follows `after`.
/// Source: Goyal et al. 2017, section 2.2.
Schedule warm_up(double epochs, const Schedule& after = constant_rate());

struct PlateauOptions {
  double factor = 0.1;
  int patience = 10;        // epochs without improvement before a reduction
  double threshold = 1e-4;  // an improvement is a loss below (1 - threshold) times the best
  double least = 0;         // factor never below this
};
/// Times `factor` each time the loss has not improved for more than `patience` epochs; then counts anew.
Schedule reduce_on_plateau(const PlateauOptions& options = {});

}  // namespace crease
