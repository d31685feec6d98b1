#include "frontends/schedules.h"

#include <doctest/doctest.h>

#include <cmath>

#include "graph/error.h"

namespace crease {
namespace {

double at(const Schedule& schedule, double epoch, std::vector<double> losses = {}) {
  return schedule({.epoch = epoch, .step = 0.25, .epochs = 10, .losses = std::move(losses)});
}

TEST_CASE("schedules equal their formulas") {
  CHECK(at(constant_rate(), 7) == 1);
  CHECK(at(step_decay(3, 0.5), 2.9) == 1);
  CHECK(at(step_decay(3, 0.5), 6) == 0.25);
  CHECK(at(exponential_decay(0.25), 1.5) == 0.125);
  CHECK(at(cosine_decay(), 0) == 1);
  CHECK(std::abs(at(cosine_decay(), 5) - 0.5) < 1e-15);
  CHECK(at(cosine_decay(0.25), 10) == 0.25);
  CHECK(at(warm_up(2), 0) == 0.125);
  CHECK(at(warm_up(2), 1.75) == 1);
  CHECK(at(warm_up(2, step_decay(3, 0.5)), 7) == 0.25);
}

TEST_CASE("a plateau reduces the rate after its patience, and counts anew") {
  const Schedule schedule = reduce_on_plateau({.factor = 0.5, .patience = 1, .least = 0.2});
  CHECK(at(schedule, 0) == 1);
  CHECK(at(schedule, 2, {4, 4}) == 1);
  CHECK(at(schedule, 3, {4, 4, 4}) == 0.5);
  CHECK(at(schedule, 4, {4, 4, 3, 3}) == 1);
  CHECK(at(schedule, 5, {4, 4, 4, 4, 4}) == 0.25);
  CHECK(at(schedule, 7, {4, 4, 4, 4, 4, 4, 4}) == 0.2);
  // An improvement smaller than the threshold is none.
  CHECK(at(schedule, 3, {4, 3.9999, 3.9998}) == 0.5);
}

TEST_CASE("schedules say what is out of range") {
  CHECK_THROWS_WITH_AS(step_decay(0), doctest::Contains("positive and finite: got 0"), Error);
  CHECK_THROWS_WITH_AS(cosine_decay(2), doctest::Contains("in [0, 1]: got 2"), Error);
  CHECK_THROWS_WITH_AS(warm_up(-1), doctest::Contains("got -1"), Error);
  CHECK_THROWS_WITH_AS(reduce_on_plateau({.factor = 1}), doctest::Contains("between 0 and 1: got 1"), Error);
}

}  // namespace
}  // namespace crease
