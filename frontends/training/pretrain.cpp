#include "frontends/training/pretrain.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "frontends/layers/random.h"
#include "frontends/losses.h"
#include "frontends/models.h"
#include "graph/error.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/axes.h"
#include "graph/ops/contraction.h"
#include "graph/ops/movement.h"

namespace crease {
namespace {

double greatest_magnitude(const Tensor& tensor) {
  double greatest = 0;
  for (const float v : tensor.read<float>()) greatest = std::max(greatest, std::abs(static_cast<double>(v)));
  return greatest;
}

Tensor divided(const Tensor& tensor, double divisor) {
  Tensor result = tensor;
  for (float& v : result.write<float>()) v = static_cast<float>(v / divisor);
  return result;
}

/// activation(x W + b) for all samples.
Tensor encode(const Tensor& x, const Tensor& weight, const Tensor& bias, const Op& activation,
              const RunnerOptions& options) {
  Graph graph;
  const Value input = graph.input("x", {"batch", x.sizes()[1]});
  graph.output("code", activation(matmul(input, graph.constant(weight)) + graph.constant(bias)));
  Runner runner(graph, options);
  Tensor codes(Type::f32, {x.sizes()[0], bias.count()});
  const auto to = codes.write<float>();
  constexpr int64_t most = 256;  // samples at a time: little memory
  for (int64_t begin = 0; begin < x.sizes()[0]; begin += most) {
    const int64_t end = std::min(begin + most, x.sizes()[0]);
    const Tensor part = runner({{"x", x.rows(begin, end)}}).at("code");
    std::ranges::copy(part.read<float>(), to.begin() + begin * bias.count());
  }
  return codes;
}

/// What training one auto-encoder gives.
struct Encoder {
  Tensor weight, bias;
  std::vector<double> losses;
};

Encoder train_encoder(const Tensor& x, const Tensor& weight, const Tensor& bias, const Op& activation,
                      const PretrainOptions& options) {
  const int64_t in = weight.sizes()[0], hidden = weight.sizes()[1];
  const Layer layer = denoising_autoencoder(in, hidden, activation, options.autoencoder)
                          .named("encoder")
                          .seeded(options.training.seed);
  const auto with_start = [&](Graph graph) {
    graph.set_parameter("encoder.weight", weight);
    graph.set_parameter("encoder.bias", bias);
    return graph;
  };
  TrainOptions training = options.training;
  training.loss = reconstruction_loss(options.autoencoder.reconstruction);
  training.training_network = with_start(network(layer, in, Type::f32, Mode::Training));
  const Dataset data{.x = x, .y = x, .classes = 0, .name = "codes"};
  const TrainResult result = train(with_start(network(layer, in)), {.train = data, .test = data}, training);
  Encoder encoder{.weight = result.checkpoint.parameters.at("encoder.weight"),
                  .bias = result.checkpoint.parameters.at("encoder.bias"),
                  .losses = {}};
  for (const EpochMetrics& metrics : result.epochs) encoder.losses.push_back(*metrics.test_loss);
  return encoder;
}

}  // namespace

Layer denoising_autoencoder(int64_t in, int64_t hidden, const Layer& activation,
                            const AutoencoderOptions& options, std::source_location where) {
  expect(in > 0 && hidden > 0, "[denoising_autoencoder] sizes must be positive: got in {}, hidden {} ({})",
         in, hidden, to_string(where));
  const auto build = [=](const Value& x, LayerScope& scope) {
    const bool fits = !x.shape().empty() && x.shape().back() == Dim(in) && is_floating(x.type());
    expect(fits, "[denoising_autoencoder] the input does not fit: got {} {}, want floating [..., {}] ({})",
           to_string(x.type()), to_string(x.shape()), in, to_string(where));
    const Fans fans{.in = in, .out = hidden};
    const auto& linear = options.linear;
    const Value weight = scope.parameter("weight", {in, hidden}, x.type(), linear.init, fans, where);
    const Value bias = scope.parameter("bias", {hidden}, x.type(), linear.bias_init, fans, where);
    const Value code = scope.apply(1, add(matmul(scope.apply(0, x), weight, where), bias, where));
    const Fans back{.in = hidden, .out = in};
    const Value decoder =
        options.tied ? transpose(Operand(weight, where))
                     : scope.parameter("decoder.weight", {hidden, in}, x.type(), linear.init, back, where);
    const Value offset = scope.parameter("decoder.bias", {in}, x.type(), linear.bias_init, back, where);
    return add(matmul(code, decoder, where), offset, where);
  };
  return Layer("autoencoder", build, {masking_noise(options.masking, where), activation});
}

LossFunction reconstruction_loss(Reconstruction reconstruction) {
  return [reconstruction](const Value& output, const Value& target) -> Value {
    const char* name = "reconstruction_loss";
    const std::source_location where = output.node().where;
    const auto last = static_cast<size_t>(checked_axis(name, -1, output.shape(), where));
    const auto values = static_cast<double>(known_size(name, output.shape(), last, where));
    switch (reconstruction) {
      case Reconstruction::Softplus: return mse(softplus(output), target) * values;
      case Reconstruction::Linear: return mse(output, target) * values;
      case Reconstruction::Sigmoid: break;
    }
    return binary_cross_entropy(output, target) * values;
  };
}

Pretrained pretrain(const std::vector<int64_t>& sizes, const Op& activation, const Tensor& x,
                    const PretrainOptions& options) {
  const Layer layers = mlp(sizes, activation, options.autoencoder.linear).seeded(options.training.seed);
  Pretrained result{.network = network(layers, sizes.front()), .losses = {}};
  expect(x.type() == Type::f32 && x.sizes().size() == 2 && x.sizes()[1] == sizes.front(),
         "[pretrain] the samples do not fit: got {} {}, want f32 [n, {}]", to_string(x.type()),
         to_string(x.sizes()), sizes.front());
  Tensor codes = x;
  for (size_t hidden = 0; hidden + 2 < sizes.size(); ++hidden) {
    const std::string name = fmt::format("{}", 2 * hidden);  // activations stand between: 0, 2, 4
    const double greatest = options.scale_codes ? greatest_magnitude(codes) : 1;
    const double scale = greatest > 0 ? greatest : 1;
    const auto start = parameters_of(result.network);
    const Tensor scaled = scale == 1 ? codes : divided(codes, scale);
    Encoder encoder =
        train_encoder(scaled, start.at(name + ".weight"), start.at(name + ".bias"), activation, options);
    // (x / s) W = x (W / s).
    const Tensor weight = scale == 1 ? encoder.weight : divided(encoder.weight, scale);
    result.network.set_parameter(name + ".weight", weight);
    result.network.set_parameter(name + ".bias", encoder.bias);
    result.losses.push_back(std::move(encoder.losses));
    if (hidden + 3 < sizes.size())
      codes = encode(codes, weight, encoder.bias, activation, options.training.run);
  }
  return result;
}

}  // namespace crease
