#include "frontends/training/regression.h"

#include <doctest/doctest.h>

#include <cmath>

#include "graph/graph.h"
#include "tests/frontends/thrown.h"

namespace crease {
namespace {

/// A network that repeats its input of so many columns.
Graph repeats(int64_t columns) {
  Graph graph;
  graph.output("y", graph.input("x", {"batch", columns}));
  return graph;
}

TEST_CASE("R^2 is 1 where all is right, 0 for the mean, and below for worse") {
  const Dataset data{.x = Tensor::f32({4, 3}, {1, 2.5F, 4, 2, 2.5F, 3, 3, 2.5F, 2, 4, 2.5F, 1}),
                     .y = Tensor::f32({4, 3}, {1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4})};
  const std::vector<ColumnFit> fit = regression_fit(repeats(3), data);
  REQUIRE_EQ(fit.size(), 3);
  CHECK(fit[0].rmse == 0);
  CHECK(fit[0].r_squared == 1);
  CHECK(fit[1].rmse == doctest::Approx(std::sqrt(1.25)));
  CHECK(fit[1].r_squared == 0);
  CHECK(fit[2].rmse == doctest::Approx(std::sqrt(5.0)));
  CHECK(fit[2].r_squared == -3);
  CHECK(to_string(fit) ==
        "output 0: root mean square error 0, R2 1.0000\noutput 1: root mean square error 1.11803, R2 0.0000\n"
        "output 2: root mean square error 2.23607, R2 -3.0000");
}

TEST_CASE("targets that are all equal have no R^2, and classes no errors to square") {
  Dataset data{.x = Tensor::f32({2, 1}, {1, 2}), .y = Tensor::f32({2}, {2, 2})};
  const std::vector<ColumnFit> fit = regression_fit(repeats(1), data);
  CHECK_FALSE(fit[0].r_squared);
  CHECK(to_string(fit) == "root mean square error 0.707107");
  data.y = Tensor(Type::i32, {2});
  data.classes = 1;
  CHECK(test::holds(test::thrown_by([&] { regression_fit(repeats(1), data); }),
                    "has classes to predict, not numbers"));
}

}  // namespace
}  // namespace crease
