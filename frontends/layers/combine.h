// Layers made of layers, and tables of vectors.
#pragma once

#include "frontends/layers.h"

namespace crease {

/// x + inner(x). Errors: Error unless inner keeps the shape. Source: He, Zhang, Ren, Sun 2016.
Layer residual(const Layer& inner, std::source_location where = std::source_location::current());
/// shortcut(x) + inner(x), for an inner part that changes the shape.
Layer residual(const Layer& inner, const Layer& shortcut,
               std::source_location where = std::source_location::current());
/// Every layer applied to x, the results joined along an axis. Errors: Error unless they fit.
Layer concat(const std::vector<Layer>& layers, int axis,
             std::source_location where = std::source_location::current());

struct EmbeddingOptions {
  Type type = Type::f32;
  Init init = normal(0, 1);
};
/// Rows of a learned table by index. Shapes: x [...] integers, weight [count, features] -> [..., features].
/// An index outside the table reads as 0.
Layer embedding(int64_t count, int64_t features, const EmbeddingOptions& options = {},
                std::source_location where = std::source_location::current());

}  // namespace crease
