// Unsupervised pre-training: hidden layers learn, one after the other, to restore what noise took from their
// input; then the whole network is trained as usual (fine-tuning).
#pragma once

#include <vector>

#include "frontends/layers.h"
#include "frontends/trainer.h"

namespace crease {

/// What the decoder's linear map is held against. Source: Glorot, Bordes, Bengio 2011, section 3.2.
enum class Reconstruction : uint8_t {
  Softplus,  // softplus of it, squared error: for values >= 0, such as rectified ones and pixels
  Linear,    // itself, squared error
  Sigmoid,   // sigmoid of it, cross-entropy: for values in [0, 1]
};

struct AutoencoderOptions {
  /// Share of the input that is set to 0 in training.
  double masking = 0.25;
  /// The decoder's weight is the encoder's, transposed; else it has its own.
  bool tied = true;
  Reconstruction reconstruction = Reconstruction::Softplus;
  LinearOptions linear = {};
};

/// A denoising auto-encoder, up to the decoder's linear map: y = a(noise(x) W + b) V + c, V the transpose of
/// W where tied. Parameters "weight" [in, hidden], "bias", "decoder.bias" [in], and unless tied
/// "decoder.weight". Shapes: x [..., in] -> the same. Errors: Error unless sizes are positive and x fits.
/// Source: Vincent et al. 2008.
Layer denoising_autoencoder(int64_t in, int64_t hidden, const Layer& activation,
                            const AutoencoderOptions& options = {},
                            std::source_location where = std::source_location::current());

/// The loss of each sample, summed over what is reconstructed.
LossFunction reconstruction_loss(Reconstruction reconstruction);

struct PretrainOptions {
  AutoencoderOptions autoencoder = {};
  /// Of each layer's training: epochs, batch, optimizer, schedule, penalty... Its loss and network are set.
  TrainOptions training = {};
  /// The codes that a layer reads are divided by their greatest magnitude before it is trained, and its
  /// weights afterwards: the network computes the same.
  bool scale_codes = false;
};

struct Pretrained {
  /// network(mlp(sizes, activation, options.autoencoder.linear).seeded(options.training.seed), sizes[0]):
  /// hidden layers pre-trained, the last layer as it was made.
  Graph network;
  /// Reconstruction losses on the samples without noise, by hidden layer and epoch.
  std::vector<std::vector<double>> losses;
};

/// Stacked denoising auto-encoders over samples x [n, sizes[0]]. Errors: Error for fewer than two sizes,
/// samples that do not fit, those of train. Source: Vincent et al. 2010; Glorot, Bordes, Bengio 2011.
Pretrained pretrain(const std::vector<int64_t>& sizes, const Op& activation, const Tensor& x,
                    const PretrainOptions& options = {});

}  // namespace crease
