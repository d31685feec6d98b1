// A trained rectifier network keeps its output when its weights are rescaled by an element of the group:
// powers of two bit for bit, other factors up to rounding.
#include <algorithm>
#include <cmath>

#include "examples/experiments/study.h"
using namespace crease;

namespace {

Tensor times(const Tensor& tensor, const std::vector<double>& factors, bool along_columns) {
  Tensor result = tensor;
  const int64_t columns = tensor.sizes().back();
  for (int64_t i = 0; i < tensor.count(); ++i)
    result.set(i, tensor.at(i) * factors[static_cast<size_t>(along_columns ? i % columns : i / columns)]);
  return result;
}

/// Each hidden unit times a factor of its own, what reads it divided by it: columns of W[k] and elements of
/// b[k] times f, rows of W[k+1] over f.
Graph rescaled(const Graph& network, int layers, bool powers_of_two, uint64_t seed) {
  auto values = parameters_of(network);
  for (int layer = 0; layer + 1 < layers; ++layer) {
    const std::string here = fmt::format("{}", 2 * layer), next = fmt::format("{}", 2 * layer + 2);
    std::vector<double> factors, inverses;
    for (int64_t unit = 0; unit < values.at(here + ".bias").count(); ++unit) {
      const double u =
          uniform(-6, 6)({.type = Type::f64, .sizes = {1}, .seed = seed + 1000 * layer + unit}).at(0);
      factors.push_back(std::exp2(powers_of_two ? std::round(u) : u));
      inverses.push_back(1 / factors.back());
    }
    values[here + ".weight"] = times(values[here + ".weight"], factors, true);
    values[here + ".bias"] = times(values[here + ".bias"], factors, true);
    values[next + ".weight"] = times(values[next + ".weight"], inverses, false);
  }
  Graph result = network;
  set_parameters(result, values);
  return result;
}

Tensor logits_of(const Graph& network, const Tensor& x) {
  Program program = compile(network);
  return program({{"x", x}}).at("logits");
}

study::Experiment::Result run(const study::Settings& settings) {
  const Split data = split(digits());
  const Graph start = network(mlp({64, 64, 64, 64, 10}, relu).seeded(1), 64);
  const TrainResult result =
      train(start, data, study::options(settings, settings.pick(1, 20, 50), 32, sgd({.learning_rate = 0.1})));
  const Graph trained = trained_network(start, result.checkpoint);
  const Tensor before = logits_of(trained, data.test.x);
  double largest = 0;
  for (int64_t i = 0; i < before.count(); ++i) largest = std::max(largest, std::abs(before.at(i)));

  const int elements = settings.pick(3, 20, 100);
  int identical = 0;
  double worst = 0;
  Series errors{.name = "factors 2^u, u in [-6, 6)", .line = false};
  Series exact{.name = "factors 2^k, k whole", .line = false};
  for (int element = 0; element < elements; ++element) {
    const uint64_t seed = 100000 * static_cast<uint64_t>(element + 1);
    const Tensor powers = logits_of(rescaled(trained, 4, true, seed), data.test.x);
    identical += powers == before;
    const Tensor others = logits_of(rescaled(trained, 4, false, seed), data.test.x);
    double error = 0, difference = 0;
    for (int64_t i = 0; i < before.count(); ++i) {
      error = std::max(error, std::abs(others.at(i) - before.at(i)));
      difference = std::max(difference, std::abs(powers.at(i) - before.at(i)));
    }
    worst = std::max(worst, error);
    errors.x.push_back(element + 1), errors.y.push_back(error / largest);
    exact.x.push_back(element + 1), exact.y.push_back(difference / largest);
  }
  study::Table table(
      {"factors of the 192 hidden units", "random elements", "bit for bit equal", "greatest error"});
  table.add({"powers of two from 2^-6 to 2^6", std::to_string(elements), std::to_string(identical), "0"});
  table.add({"any numbers from 2^-6 to 2^6", std::to_string(elements), "-", fmt::format("{:.1e}", worst)});
  table.print();
  return {.plots = {{.title = "change of the logits over their greatest magnitude",
                     .x_label = "element of the group",
                     .y_label = "relative change",
                     .series = {errors, exact}}},
          .measured = fmt::format("{} of {} random powers of two leave every logit bit for bit equal; other "
                                  "factors change them by at most {:.1e}, logits reach {:.1f}",
                                  identical, elements, worst, largest),
          .differs = "they do not: the claim is an identity, and rounding to f32 is all that is left",
          .columns = 1};
}

}  // namespace

int main(int count, char** arguments) {
  return study::main_of(
      {.name = "rescaling",
       .title = "Rescaling a trained network (digits, 64-64-64-64-10)",
       .source = "Glorot, Bordes, Bengio 2011 (potential problems of rectifiers): weights and biases "
                 "divided so that the factors cancel; for each unit: Neyshabur et al. 2015",
       .run = run},
      count, arguments);
}
