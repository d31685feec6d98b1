#include "frontends/progress.h"

#include <doctest/doctest.h>

#include <limits>

namespace crease {
namespace {

TEST_CASE("the progress line shows epoch, bar, loss, accuracy, speed and time left") {
  const TrainProgress progress{.epoch = 3,
                               .epochs = 20,
                               .step = 50,
                               .steps = 100,
                               .loss = 0.12345,
                               .accuracy = 0.9621,
                               .samples_per_second = 51234.4,
                               .seconds_left = 12};
  CHECK(progress_line(progress) ==
        "epoch 3/20 [=========>          ]  50 %  loss 0.1235  accuracy 96.21 %  51234 samples/s  12 s left");
}

TEST_CASE("the bar is empty at the start and full at the end") {
  CHECK(progress_line({.step = 0, .steps = 10}).find("[                    ]   0 %") != std::string::npos);
  CHECK(progress_line({.step = 10, .steps = 10}).find("[====================] 100 %") != std::string::npos);
}

TEST_CASE("the epoch line shows what was measured and leaves out what was not") {
  EpochMetrics metrics{.epoch = 3, .epochs = 20, .loss = 0.5, .seconds = 0.84, .samples_per_second = 1000};
  CHECK(epoch_line(metrics) == "epoch  3/20  loss 0.5000  1000 samples/s  0.8 s");
  metrics.accuracy = 0.5;
  metrics.test_loss = 0.25;
  metrics.test_accuracy = 1;
  CHECK(epoch_line(metrics) ==
        "epoch  3/20  loss 0.5000  accuracy 50.00 %  test loss 0.2500  test accuracy 100.00 %  1000 "
        "samples/s  0.8 s");
}

TEST_CASE("a loss that rounding brought below 0 has no sign") {
  CHECK(progress_line({.loss = -1e-9}).find("loss 0.0000") != std::string::npos);
  CHECK(epoch_line({.loss = -1e-9, .test_loss = -2e-8}).find('-') == std::string::npos);
  CHECK(epoch_line({.loss = -0.0001}).find("loss -0.0001") != std::string::npos);
}

TEST_CASE("durations are rounded up and written in the units that matter") {
  CHECK(duration(0) == "0 s");
  CHECK(duration(7.2) == "8 s");
  CHECK(duration(125) == "2 min 5 s");
  CHECK(duration(3780) == "1 h 3 min");
  CHECK(duration(std::numeric_limits<double>::infinity()) == "? s");
}

}  // namespace
}  // namespace crease
