// Generative adversarial training: a generator and a discriminator, trained in turn by one program.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "frontends/layers.h"
#include "frontends/optimizers.h"
#include "graph/named_tensors.h"

namespace crease {

struct AdversarialOptions {
  int64_t latent = 2;  // numbers that the generator makes a sample of
  Optimizer discriminator = adam({.learning_rate = 0.0002, .beta1 = 0.5});
  Optimizer generator = adam({.learning_rate = 0.0002, .beta1 = 0.5});
  /// Target of real samples; below 1: one-sided label smoothing. Source: Salimans et al. 2016, section 3.4.
  double real_target = 1;
  uint64_t seed = 0;
};

/// One step of both as one graph: first the discriminator, on real samples (input "x" [batch, sizes...]) and
/// as many generated ones; then the generator, on new ones, against the discriminator as it is after that
/// update. Outputs: "discriminator_loss" and "generator_loss" (the non-saturating form, -log D(G(z))),
/// "sample". Parameters: "generator...", "discriminator...", and their optimizers'. Latent numbers are
/// normal, counter-based. Layers that differ in training (dropout, batch normalisation) are applied as in
/// evaluation. Errors: Error unless the layers fit each other, the discriminator gives [batch, 1] logits, or
/// an option is out of range. Source: Goodfellow et al. 2014, algorithm 1 with k = 1.
Graph adversarial_step(const Layer& generator, const Layer& discriminator, const std::vector<int64_t>& sizes,
                       const AdversarialOptions& options = {},
                       std::source_location where = std::source_location::current());

/// The generator alone: input "z" [batch, latent], output "sample", with the parameters of a step that was
/// run.
Graph generator_of(const Layer& generator, int64_t latent, const NamedTensors& parameters);

/// The values, computed anew from what replaces some of the nodes that they are made of; what does not depend
/// on these stays the same node. Shapes and types must agree. Cost: a copy of the dependent nodes.
std::vector<Value> substituted(const std::vector<Value>& values, const std::map<NodeId, Value>& replacements);

}  // namespace crease
