#include "frontends/training/resume.h"

#include <doctest/doctest.h>

#include "frontends/optimizers.h"
#include "graph/error.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/reduction.h"

namespace crease {
namespace {

Graph step_with(const Optimizer& optimizer) {
  Graph graph;
  const Value w = graph.parameter("encoder/w", Tensor::f32({2}, {1, 2}));
  return train_step(sum(square(w)), optimizer);
}

Checkpoint checkpoint_of(const Optimizer& optimizer) {
  return {.parameters = parameters_of(step_with(optimizer))};
}

TEST_CASE("a resumed step takes over all but the learning rate") {
  Checkpoint from = checkpoint_of(adam({.learning_rate = 0.5}));
  from.parameters.at("adam.m/encoder/w") = Tensor::f32({2}, {3, 4});
  const auto now = resumed_parameters(step_with(adam({.learning_rate = 0.25})), from, "adam");
  CHECK(now.at("adam.m/encoder/w") == Tensor::f32({2}, {3, 4}));
  CHECK(now.at(learning_rate_name).item() == 0.25);
}

TEST_CASE("a checkpoint of another optimizer is refused by its name") {
  CHECK_THROWS_WITH_AS(resumed_parameters(step_with(momentum()), checkpoint_of(adam()), "momentum"),
                       "[train] the checkpoint has the state of adam, but the optimizer is momentum: resume "
                       "with adam",
                       Error);
  CHECK_THROWS_WITH_AS(resumed_parameters(step_with(sgd()), checkpoint_of(momentum()), "sgd"),
                       doctest::Contains("has the state of momentum, but the optimizer is sgd"), Error);
  CHECK_THROWS_WITH_AS(resumed_parameters(step_with(adam()), checkpoint_of(sgd()), "adam"),
                       doctest::Contains("has no optimizer's state, but the optimizer is adam: resume with "
                                         "sgd, or another without state"),
                       Error);
  CHECK_THROWS_WITH_AS(
      resumed_parameters(step_with(rmsprop({.momentum = 0.5})), checkpoint_of(rmsprop()), "rmsprop"),
      doctest::Contains("rmsprop.u/encoder/w"), Error);
}

}  // namespace
}  // namespace crease
