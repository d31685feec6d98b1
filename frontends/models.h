// Whole networks.
#pragma once

#include "frontends/layers.h"

namespace crease {

/// Linear layers of these sizes with the activation between them, none after the last: {784, 256, 10} has one
/// hidden layer. Errors: Error for fewer than two sizes or a size that is not positive.
Layer mlp(const std::vector<int64_t>& sizes, const Layer& activation, const LinearOptions& options = {},
          std::source_location where = std::source_location::current());

/// A graph with input "x" [batch, features] and output "logits", the layer's result on it, as it is used or
/// as it is trained.
Graph network(const Layer& layer, int64_t features, Type type = Type::f32, Mode mode = Mode::Evaluation,
              std::source_location where = std::source_location::current());
/// The same with the output under another name, for what are no logits: network(net, 3, "price").
Graph network(const Layer& layer, int64_t features, const std::string& output, Type type = Type::f32,
              Mode mode = Mode::Evaluation, std::source_location where = std::source_location::current());

/// The activation of that name in the catalogue, such as "relu" or "tanh"; "swish" is silu.
/// Errors: Error that lists the names.
Op activation_named(const std::string& name);

}  // namespace crease
