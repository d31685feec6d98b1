// Several nodes that are one operator. What is only part of it is written as well, and dropped since nothing
// uses it.
#include "frontends/onnx/write/kinds.h"
#include "frontends/onnx/write/parts.h"

namespace crease::onnx {
namespace {

const Scalar x = Scalar::argument(0), y = Scalar::argument(1);

/// A product or convolution plus what repeats to its shape.
std::optional<std::string> with_bias(const Writing& writing, size_t product, size_t other) {
  const Node* node = writing.only_use(product);
  const bool fits = node && is_full(writing.node, product) && node->type == writing.node.type &&
                    writing.operand(other).type == writing.node.type;
  if (!fits) return {};
  const Writing inner = writing.at(*node);
  if (const auto bias = channels(writing, other))
    if (auto name = write_convolution(inner, *bias)) return name;
  if (writing.node.shape.size() != 2) return {};
  return write_product(inner, writing.name(other));
}

/// The axis of exp(z) / sum(exp(z)), and exp(z).
std::optional<int64_t> single_axis(const Writing& sum) {
  const auto axes = reduced_axes(sum, Combine::Sum);
  if (axes.size() != 1 || kept(sum.node) != Kept::Yes) return {};
  return axes[0];
}

/// x of z = x - max(x), or x - floor(max(x)), the maximum over this axis.
std::optional<NodeId> unshifted(const Writing& z, int64_t axis) {
  if (!is_map(z.node, x - y) || !is_full(z.node, 0)) return {};
  const NodeId original = z.node.operands[0];
  const Node* shift = z.only_use(1);
  if (shift && is_map(*shift, floor(x))) shift = z.at(*shift).only_use(0);
  if (!shift) return {};
  const Writing greatest = z.at(*shift);
  const bool fits = reduced_axes(greatest, Combine::Max) == std::vector{axis} && kept(*shift) == Kept::Yes &&
                    shift->operands[0] == original;
  if (!fits) return {};
  return original;
}

std::string over_axis(const Writing& writing, const char* type, NodeId of, int64_t axis) {
  return writing.emit.add(type, {writing.names[static_cast<size_t>(of)]}, {{"axis", axis}});
}

/// exp(z) / sum(exp(z)).
std::optional<std::string> softmax(const Writing& writing) {
  const Node& node = writing.node;
  const Node* sum = is_map(node, x / y) && is_full(node, 0) ? writing.only_use(1) : nullptr;
  const Node* exponential = sum ? used(writing, node.operands[0], 2) : nullptr;
  const bool fits = exponential && sum->operands[0] == node.operands[0] && is_map(*exponential, exp(x));
  if (!fits) return {};
  const auto axis = single_axis(writing.at(*sum));
  const Node* z = writing.at(*exponential).only_use(0);
  if (!axis || !z) return {};
  const auto original = unshifted(writing.at(*z), *axis);
  if (!original) return {};
  return over_axis(writing, "Softmax", *original, *axis);
}

/// z - log(sum(exp(z))).
std::optional<std::string> log_softmax(const Writing& writing) {
  const Node& node = writing.node;
  const Node* log = is_map(node, x - y) && is_full(node, 0) ? writing.only_use(1) : nullptr;
  const Node* sum = log && is_map(*log, crease::log(x)) ? writing.at(*log).only_use(0) : nullptr;
  const Node* exponential = sum && sum->operands.size() == 1 ? writing.at(*sum).only_use(0) : nullptr;
  const Node* z = exponential ? used(writing, node.operands[0], 2) : nullptr;
  const bool fits = z && is_map(*exponential, exp(x)) && exponential->operands[0] == node.operands[0];
  if (!fits) return {};
  const auto axis = single_axis(writing.at(*sum));
  const auto original = axis ? unshifted(writing.at(*z), *axis) : std::optional<NodeId>();
  if (!original) return {};
  return over_axis(writing, "LogSoftmax", *original, *axis);
}

/// Over all axes but samples and channels, as a pool is. Runtimes have it for f32 only.
bool is_over_positions(const Mean& mean, const Node& node) {
  const auto rank = std::ssize(node.shape);
  return node.type == Type::f32 && mean.kept && rank > 2 && mean.axes.front() == 2 &&
         std::ssize(mean.axes) == rank - 2;
}

}  // namespace

std::optional<std::string> write_softmax(const Writing& writing) {
  if (!is_floating(writing.node.type)) return {};
  if (auto name = softmax(writing)) return name;
  return log_softmax(writing);
}

std::optional<std::string> write_mean(const Writing& writing) {
  const Node* sum = writing.node.operands.size() == 1 ? writing.only_use(0) : nullptr;
  if (!sum || !is_floating(writing.node.type)) return {};
  if (auto name = write_average(writing.at(*sum), writing.node)) return name;
  const auto mean = find_mean(writing);
  if (!mean) return {};
  const std::string& of = writing.names[static_cast<size_t>(mean->of)];
  if (is_over_positions(*mean, writing.node)) return writing.emit.add("GlobalAveragePool", {of});
  return writing.emit.add("ReduceMean", {of},
                          {{"axes", mean->axes}, {"keepdims", int64_t{mean->kept ? 1 : 0}}});
}

std::optional<std::string> write_biased(const Writing& writing) {
  if (!is_map(writing.node, x + y) || !is_floating(writing.node.type)) return {};
  if (auto name = with_bias(writing, 0, 1)) return name;
  return with_bias(writing, 1, 0);
}

}  // namespace crease::onnx
