// One maxout unit of k pieces is a convex piecewise-linear function: fits of |x|, relu and x^2 with 2, 4 and
// 8 pieces.
#include <cmath>

#include "examples/experiments/study.h"
using namespace crease;

namespace {

struct Target {
  std::string name;
  double (*function)(double);
};

Dataset samples_of(const Target& target, int64_t count) {
  Dataset data{.x = Tensor(Type::f32, {count, 1}), .y = Tensor(Type::f32, {count, 1})};
  for (int64_t i = 0; i < count; ++i) {
    const double x = -2 + 4 * (static_cast<double>(i) + 0.5) / static_cast<double>(count);
    data.x.set(i, x);
    data.y.set(i, target.function(x));
  }
  return data;
}

study::Experiment::Result run(const study::Settings& settings) {
  const int64_t epochs = settings.pick(20, 400, 2000);
  study::Table table(
      {"function", "pieces", "root mean square error", "greatest error", "best possible (x^2)"});
  std::vector<Plot> plots;
  double abs_error = 0, relu_error = 0, square_error = 0;
  for (const Target& target : {Target{"|x|", [](double x) { return std::abs(x); }},
                               Target{"relu(x)", [](double x) { return std::max(x, 0.0); }},
                               Target{"x^2", [](double x) { return x * x; }}}) {
    const Dataset data = samples_of(target, 256);
    Plot plot{.title = "maxout fits of " + target.name, .x_label = "x", .y_label = "y"};
    for (const int64_t pieces : {2, 4, 8}) {
      const Layer unit = sequential(linear(1, pieces, {.init = uniform(-3, 3), .bias_init = uniform(-1, 1)}),
                                    maxout(pieces));
      const Graph start = network(unit.seeded(3), 1);
      TrainOptions options = study::options(settings, epochs, 64, adam({.learning_rate = 0.03}));
      options.schedule = cosine_decay();
      const TrainResult result = train(start, {.train = data, .test = data}, options);
      Program program = compile(trained_network(start, result.checkpoint));
      const Tensor y = program({{"x", data.x}}).at("logits");
      Series series{.name = fmt::format("{} pieces", pieces), .marks = false};
      double squares = 0, greatest = 0;
      for (int64_t i = 0; i < y.count(); ++i) {
        const double error = std::abs(y.at(i) - data.y.at(i));
        squares += error * error;
        greatest = std::max(greatest, error);
        series.x.push_back(data.x.at(i)), series.y.push_back(y.at(i));
      }
      plot.series.push_back(series);
      // The least greatest error of k affine pieces for x^2 on an interval of length 4: (4 / k)^2 / 8.
      const double best = 2.0 / static_cast<double>(pieces * pieces);
      table.add({target.name, std::to_string(pieces), fmt::format("{:.2e}", std::sqrt(squares / 256)),
                 fmt::format("{:.2e}", greatest), target.name == "x^2" ? fmt::format("{:.2e}", best) : "0"});
      if (pieces == 2 && target.name == "|x|") abs_error = greatest;
      if (pieces == 2 && target.name == "relu(x)") relu_error = greatest;
      if (pieces == 8 && target.name == "x^2") square_error = greatest;
    }
    plots.push_back(plot);
  }
  table.print();
  return {
      .plots = plots,
      .measured = fmt::format("two pieces give |x| to {:.0e} and relu to {:.0e}; eight give x^2 to {:.0e} "
                              "(least possible {:.0e})",
                              abs_error, relu_error, square_error, 2.0 / 64),
      .differs =
          "the source shows a picture; trained with Adam on the squared error, which is not the "
          "greatest error that the bound speaks of"};
}

}  // namespace

int main(int count, char** arguments) {
  return study::main_of(
      {.name = "maxout",
       .title = "Maxout units learn convex functions",
       .source = "Goodfellow et al. 2013 (Maxout networks), figure 1: relu, |x| and x^2 by one "
                 "maxout unit; theorem 4.3: any continuous function by two",
       .run = run},
      count, arguments);
}
