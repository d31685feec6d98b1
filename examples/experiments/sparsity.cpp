// Trained rectifier networks are sparse: the share of exact zeros in each hidden layer against the factor of
// an L1 penalty on activations, and the error that it costs.
#include "examples/experiments/study.h"
using namespace crease;

namespace {

/// Share of exact zeros of each hidden layer on the samples.
std::vector<double> zeros_by_layer(const Graph& network, const Dataset& data) {
  const Value logits = network.value(network.outputs().front().node);
  std::vector<std::pair<std::string, Value>> outputs;
  for (const Value& value : results_of(logits, "relu"))
    outputs.emplace_back(fmt::format("{}", outputs.size()), value);
  Program program = compile(extract(outputs));
  std::vector<double> shares(outputs.size());
  for (const Batch& batch : data.batches(250, {.shuffle = false})) {
    const auto values = program({{"x", batch.x}});
    for (size_t layer = 0; layer < shares.size(); ++layer) {
      const Tensor& h = values.at(fmt::format("{}", layer));
      for (const float v : h.read<float>()) shares[layer] += v == 0;
    }
  }
  for (size_t layer = 0; layer < shares.size(); ++layer)
    shares[layer] /= static_cast<double>(data.size() * outputs[layer].second.shape().back().size());
  return shares;
}

study::Experiment::Result run(const study::Settings& settings) {
  const Split data =
      study::images(settings, "mnist", settings.pick(1000, 10000, 0), settings.pick(500, 10000, 0));
  const int64_t width = settings.pick(64, 300, 1000), epochs = settings.pick(1, 8, 30);
  study::Table table({"L1 factor", "test error %", "zeros 1 %", "zeros 2 %", "zeros 3 %"});
  std::vector<Series> layers{{.name = "layer 1"}, {.name = "layer 2"}, {.name = "layer 3"}};
  Series errors{.name = "test error"};
  double first_zeros = 0, last_zeros = 0;
  for (const double factor : {0.0, 1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2}) {
    const Graph start = network(mlp({784, width, width, width, 10}, relu).seeded(1), 784);
    TrainOptions options = study::options(settings, epochs, 32, sgd({.learning_rate = 0.1}));
    if (factor > 0) options.penalty = l1_on_activations("relu", factor);
    const TrainResult result = train(start, data, options);
    const std::vector<double> zeros = zeros_by_layer(trained_network(start, result.checkpoint), data.test);
    const double error = study::error_percent(*result.epochs.back().test_accuracy);
    std::vector<std::string> row{fmt::format("{:g}", factor), fmt::format("{:.2f}", error)};
    const double shown = factor == 0 ? 1e-6 : factor;  // 0 has no place on a logarithmic axis
    for (size_t layer = 0; layer < zeros.size(); ++layer) {
      row.push_back(fmt::format("{:.1f}", 100 * zeros[layer]));
      layers[layer].x.push_back(shown);
      layers[layer].y.push_back(100 * zeros[layer]);
    }
    errors.x.push_back(shown);
    errors.y.push_back(error);
    table.add(row);
    (factor == 0 ? first_zeros : last_zeros) = (zeros[0] + zeros[1] + zeros[2]) / 3;
  }
  table.print();
  return {
      .plots = {{.title = "exact zeros on test images",
                 .x_label = "L1 factor (leftmost: 0)",
                 .y_label = "zeros, %",
                 .log_x = true,
                 .series = layers},
                {.title = "test error",
                 .x_label = "L1 factor (leftmost: 0)",
                 .y_label = "error, %",
                 .log_x = true,
                 .series = {errors}}},
      .measured = fmt::format("{:.1f} % exact zeros without a penalty, {:.1f} % with factor 0.01",
                              100 * first_zeros, 100 * last_zeros),
      .differs = fmt::format("{} training images, {} units a layer and {} epochs; the source trains longer "
                             "and begins with pre-trained layers",
                             data.train.size(), width, epochs)};
}

}  // namespace

int main(int count, char** arguments) {
  return study::main_of(
      {.name = "sparsity",
       .title = "Sparsity of rectifier networks against an L1 penalty on activations (MNIST)",
       .source = "Glorot, Bordes, Bengio 2011, section 4.1 and figure 3: 50 to 85 % exact zeros "
                 "without loss of accuracy; 83.4 % in their MNIST network",
       .run = run},
      count, arguments);
}
