#include "frontends/cli/networks.h"

#include <algorithm>

#include "frontends/cli/choices.h"
#include "frontends/layers/convolution.h"
#include "frontends/layers/normalisation.h"
#include "frontends/layers/random.h"
#include "frontends/models.h"
#include "frontends/training/lsuv.h"
#include "graph/error.h"

namespace crease::cli {
namespace {

/// Layers one after the other, as the settings want them.
class Builder {
 public:
  Builder(const TrainingSettings& settings, const Dataset& data)
      : settings_(settings), init_(make_init(settings.init, settings.activation)), size_(data.features()) {
    expect(settings.pieces >= 2, "[train] maxout wants at least 2 pieces: got {}", settings.pieces);
  }

  void convolutions() {
    const AugmentOptions image = image_shape(settings_.data, size_);
    layers_.push_back(reshape_samples({image.channels, image.height, image.width}));
    int64_t channels = image.channels, height = image.height, width = image.width;
    for (const int64_t next : settings_.channels) {
      const ConvLayerOptions options{.padding = {2}, .bias = !settings_.batch_norm, .init = init_};
      expect(height >= 2 && width >= 2, "[train] images of {}x{} are too small for {} poolings", image.height,
             image.width, settings_.channels.size());
      layers_.push_back(conv2d(channels, next * pieces(), {5, 5}, options));
      activate(next);
      layers_.push_back(max_pool2d({.window = {2}}));
      channels = next, height /= 2, width /= 2;
    }
    layers_.push_back(flatten());
    size_ = channels * height * width;
  }

  void dense() {
    if (settings_.input_dropout != 0) layers_.push_back(dropout(settings_.input_dropout));
    for (const int64_t next : settings_.hidden) {
      layers_.push_back(linear(size_, next * pieces(), {.bias = !settings_.batch_norm, .init = init_}));
      activate(next);
      if (settings_.dropout != 0) layers_.push_back(dropout(settings_.dropout));
      size_ = next;
    }
  }

  Layer finish(int64_t outputs, const std::optional<Standardisation>& targets) {
    layers_.push_back(linear(size_, outputs, {.init = init_}));
    if (targets) layers_.push_back(unstandardise(*targets));
    return sequential(layers_).seeded(settings_.seed);
  }

 private:
  bool is(const char* activation) const { return settings_.activation == activation; }
  int64_t pieces() const { return is("maxout") ? settings_.pieces : 1; }

  /// Normalisation and activation of a layer with so many channels, along axis 1.
  void activate(int64_t channels) {
    if (settings_.batch_norm) layers_.push_back(batch_norm(channels * pieces()));
    if (is("maxout")) return layers_.push_back(maxout(settings_.pieces, 1));
    if (is("prelu")) return layers_.push_back(parametric_relu(channels));
    if (is("rrelu")) return layers_.push_back(randomised_relu());
    layers_.push_back(activation_named(settings_.activation));
  }

  const TrainingSettings& settings_;
  Init init_;
  int64_t size_;
  std::vector<Layer> layers_;
};

Layer make_layers(const TrainingSettings& settings, const Dataset& data,
                  const std::optional<Standardisation>& targets) {
  Builder builder(settings, data);
  expect(settings.model == "mlp" || settings.model == "cnn", "[model] unknown name '{}': want mlp or cnn",
         settings.model);
  if (settings.model == "cnn") builder.convolutions();
  builder.dense();
  return builder.finish(data.classes > 0 ? data.classes : data.targets(), targets);
}

/// lsuv wants data: the first samples, in their order.
Graph scaled_by_data(const Graph& network, const Dataset& data) {
  const int64_t count = std::min<int64_t>(256, data.size());
  const Batches batches = data.batches(count, {.shuffle = false});
  return lsuv(network, {{"x", (*batches.begin()).x}});
}

}  // namespace

std::string activation_operation(const TrainingSettings& settings) {
  // A randomised rectifier is a prelu in training, when penalties count.
  if (settings.activation == "rrelu") return "prelu";
  return settings.activation == "swish" ? "silu" : settings.activation;
}

Networks make_networks(const TrainingSettings& settings, const Dataset& data,
                       const std::optional<Standardisation>& targets) {
  const Layer layers = make_layers(settings, data, targets);
  const std::string output = data.classes > 0 ? "logits" : "prediction";
  Networks made{.network = network(layers, data.features(), output), .training = {}};
  if (settings.init == "lsuv") made.network = scaled_by_data(made.network, data);
  const bool differs = settings.dropout != 0 || settings.input_dropout != 0 || settings.batch_norm ||
                       settings.activation == "rrelu";
  if (!differs) return made;
  Graph training = network(layers, data.features(), output, Type::f32, Mode::Training);
  for (const auto& [name, value] : parameters_of(made.network)) training.set_parameter(name, value);
  made.training = std::move(training);
  return made;
}

}  // namespace crease::cli
