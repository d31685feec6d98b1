// Normalisations: (x - mean) / sqrt(variance + epsilon) scale + shift, by stored moments of the channels or
// by the moments of the last axes.
#include <algorithm>

#include "frontends/onnx/write/kinds.h"
#include "frontends/onnx/write/parts.h"

namespace crease::onnx {
namespace {

const Scalar x = Scalar::argument(0), y = Scalar::argument(1);

/// A number that an attribute of the type can hold.
std::optional<float> as_attribute(double number, Type type) {
  const auto value = static_cast<float>(number);
  if (type == Type::f64 && static_cast<double>(value) != number) return {};
  return value;
}

/// q scale + shift: the quotient q, and the operands that the others are.
struct Rescaled {
  const Node& quotient;
  const Node& product;  // q scale
  size_t scale, shift;  // operands of the product and of the sum
};

std::optional<Rescaled> find_rescaled(const Writing& writing) {
  if (!is_map(writing.node, x + y)) return {};
  for (const size_t p : {0U, 1U}) {
    const Node* product = writing.only_use(p);
    if (!product || !is_full(writing.node, p) || !is_map(*product, x * y)) continue;
    for (const size_t q : {0U, 1U}) {
      const Node* quotient = writing.at(*product).only_use(q);
      if (quotient && is_full(*product, q) && is_map(*quotient, x / y) && is_full(*quotient, 0))
        return Rescaled{*quotient, *product, 1 - q, 1 - p};
    }
  }
  return {};
}

/// sqrt(variance + epsilon): the variance, and epsilon.
struct Deviation {
  NodeId variance;
  double epsilon;
};

std::optional<Deviation> find_deviation(const Writing& quotient) {
  const Node* root = quotient.only_use(1);
  const Node* sum =
      root && is_map(*root, sqrt(x)) && is_full(*root, 0) ? quotient.at(*root).only_use(0) : nullptr;
  if (!sum) return {};
  const Scalar& body = sum->op->body.expression;
  const bool fits = body.kind() == ScalarKind::Add && body.terms()[0].same(x) &&
                    body.terms()[1].kind() == ScalarKind::Constant && is_map(*sum, body) && is_full(*sum, 0);
  if (!fits) return {};
  return Deviation{sum->operands[0], body.terms()[1].constant()};
}

/// By moments that are one a channel.
std::optional<std::string> by_channels(const Writing& writing, const Rescaled& rescaled,
                                       const Deviation& deviation, float epsilon) {
  const Writing quotient = writing.at(rescaled.quotient);
  const Node* centred = quotient.only_use(0);
  if (!centred || !is_map(*centred, x - y) || !is_full(*centred, 0)) return {};
  const auto scale = channels(writing.at(rescaled.product), rescaled.scale),
             shift = channels(writing, rescaled.shift), mean = channels(writing.at(*centred), 1);
  if (!scale || !shift || !mean || !channels(quotient, 1)) return {};
  const Node& variance = writing.graph.node(deviation.variance);
  const std::string stored = writing.names[static_cast<size_t>(deviation.variance)];
  return writing.emit.add("BatchNormalization",
                          {writing.at(*centred).name(0), *scale, *shift, *mean,
                           writing.emit.reshaped({stored, variance.shape}, {writing.node.shape[1]})},
                          {{"epsilon", epsilon}});
}

/// An operand of the sizes of the last axes.
bool is_last(const Writing& writing, size_t k, size_t axes) {
  const Access &read = writing.node.loops.reads[k], &write = writing.node.loops.write;
  return read.size() == axes && axes <= write.size() &&
         std::equal(read.rbegin(), read.rend(), write.rbegin());
}

/// By the mean and the mean of squares over the last axes of x itself. The format computes them in f32.
std::optional<std::string> by_samples(const Writing& writing, const Rescaled& rescaled,
                                      const Deviation& deviation, float epsilon) {
  if (writing.node.type != Type::f32) return {};
  const NodeId centred_id = rescaled.quotient.operands[0];
  const Node* centred = used(writing, centred_id, 2);
  if (!centred || !is_map(*centred, x - y) || !is_full(*centred, 0)) return {};
  const auto mean = find_mean(writing.at(writing.graph.node(centred->operands[1]))),
             variance = find_mean(writing.at(writing.graph.node(deviation.variance)));
  const bool means = mean && variance && mean->kept && variance->kept && mean->axes == variance->axes &&
                     mean->of == centred->operands[0];
  const Node* square = means ? used(writing, variance->of, 1) : nullptr;
  if (!square || !is_map(*square, x * x) || !is_full(*square, 0) || square->operands[0] != centred_id)
    return {};
  const size_t rank = writing.node.shape.size(), axes = mean->axes.size();
  if (mean->axes.front() != static_cast<int64_t>(rank - axes)) return {};
  const Writing product = writing.at(rescaled.product);
  if (!is_last(product, rescaled.scale, axes) || !is_last(writing, rescaled.shift, axes)) return {};
  return writing.emit.add(
      "LayerNormalization",
      {writing.at(*centred).name(0), product.name(rescaled.scale), writing.name(rescaled.shift)},
      {{"axis", -static_cast<int64_t>(axes)}, {"epsilon", epsilon}});
}

}  // namespace

std::optional<std::string> write_normalisation(const Writing& writing) {
  if (!is_floating(writing.node.type)) return {};
  const auto rescaled = find_rescaled(writing);
  const auto deviation = rescaled ? find_deviation(writing.at(rescaled->quotient)) : std::nullopt;
  const auto epsilon = deviation ? as_attribute(deviation->epsilon, writing.node.type) : std::nullopt;
  if (!epsilon) return {};
  if (auto name = by_channels(writing, *rescaled, *deviation, *epsilon)) return name;
  return by_samples(writing, *rescaled, *deviation, *epsilon);
}

}  // namespace crease::onnx
