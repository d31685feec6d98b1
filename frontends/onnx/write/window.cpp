// Convolutions and pools: windows over the axes behind samples and channels.
#include <algorithm>

#include "frontends/onnx/write/kinds.h"
#include "graph/error.h"

namespace crease::onnx {
namespace {

using Numbers = std::vector<int64_t>;

/// The window of each spatial axis.
struct Window {
  Numbers taps, stride, dilation, before, after;
};

/// The coefficient of a label, 0 if it is not there.
int64_t coefficient(const AffineIndex& index, int label) {
  const auto it = std::ranges::find(index.terms, label, &Term::label);
  return it == index.terms.end() ? 0 : it->coefficient;
}

/// stride * position + dilation * tap - padding over a dimension of `size`, padded so that each position of
/// `places` is a window.
bool add_axis(Window& window, const Writing& writing, const AffineIndex& index, int position, int tap,
              const Dim& size) {
  const Dim &places = writing.extent(position), &taps = writing.extent(tap);
  const int64_t stride = coefficient(index, position), dilation = coefficient(index, tap);
  const bool fits = position != tap && index.lookup < 0 && index.terms.size() == 2 && stride > 0 &&
                    dilation > 0 && index.offset <= 0 && !size.is_symbol() && !places.is_symbol() &&
                    !taps.is_symbol() && places.size() > 0 && taps.size() > 0;
  if (!fits) return false;
  const int64_t reach = (taps.size() - 1) * dilation + 1, before = -index.offset;
  const auto windows = [&](int64_t after) { return (size.size() + before + after - reach) / stride + 1; };
  const int64_t missing = (places.size() - 1) * stride + reach - size.size() - before;
  const int64_t after = windows(before) == places.size() ? before : std::max<int64_t>(0, missing);
  if (size.size() + before + after < reach || windows(after) != places.size()) return false;
  window.taps.push_back(taps.size());
  window.stride.push_back(stride);
  window.dilation.push_back(dilation);
  window.before.push_back(before);
  window.after.push_back(after);
  return true;
}

std::vector<Attribute> attributes_of(const Window& window) {
  Numbers pads = window.before;
  pads.insert(pads.end(), window.after.begin(), window.after.end());
  std::vector<Attribute> attributes{{"kernel_shape", window.taps}, {"strides", window.stride}};
  if (std::ranges::any_of(pads, [](int64_t size) { return size != 0; }))
    attributes.emplace_back("pads", pads);
  if (std::ranges::any_of(window.dilation, [](int64_t step) { return step != 1; }))
    attributes.emplace_back("dilations", window.dilation);
  return attributes;
}

/// The accesses of a convolution: y of the result, x and kernel of the operands.
struct Parts {
  size_t x, kernel;  // operands
  const Access &from, &taps, &to;
};

bool is_whole(const Writing& writing, const AffineIndex& index, const Dim& dim) {
  return index.plain_label() >= 0 && writing.extent(index.plain_label()) == dim;
}

/// Channel `within` of a group of them, or all: the label of the groups, or none.
std::optional<int> group_of(const Writing& writing, const AffineIndex& index, int within) {
  if (index.plain_label() == within) return none;
  const bool fits =
      index.lookup < 0 && index.offset == 0 && index.terms.size() == 2 && coefficient(index, within) == 1;
  if (!fits) return {};
  const Term& group = index.terms[index.terms[0].label == within ? 1 : 0];
  if (writing.extent(within) != Dim(group.coefficient)) return {};
  return group.label;
}

/// How many groups the channels of x and y are in: x[n, (g, c), ...], y[n, (g, o), ...], and which of the
/// kernel's first two dimensions has them: y's in a convolution, x's in a transposed one.
std::optional<int64_t> groups_of(const Writing& writing, const Parts& parts, bool transposed) {
  const AffineIndex& grouped = parts.taps[0];
  const AffineIndex &mine = transposed ? parts.from[1] : parts.to[1],
                    &other = transposed ? parts.to[1] : parts.from[1];
  const int inner = parts.taps[1].plain_label();
  if (grouped != mine || inner < 0 || parts.from[0] != parts.to[0] || parts.from[0].plain_label() < 0)
    return {};
  const auto group = group_of(writing, other, inner);
  if (!group) return {};
  if (*group == none) return grouped.plain_label() >= 0 ? std::optional<int64_t>(1) : std::nullopt;
  const int64_t count = writing.extent(*group).is_symbol() ? 0 : writing.extent(*group).size();
  const bool fits = count > 0 && grouped.terms.size() == 2 && grouped.offset == 0 &&
                    coefficient(grouped, *group) > 0 &&
                    row_major(writing, grouped, writing.operand(parts.kernel).shape[0]).has_value();
  if (!fits || row_major(writing, grouped, writing.operand(parts.kernel).shape[0])->front() != *group)
    return {};
  return count;
}

/// Rank 3 and more, floating, and all of the operands read.
bool may_be_convolution(const Writing& writing, const Parts& parts) {
  const Node &x = writing.operand(parts.x), &kernel = writing.operand(parts.kernel), &y = writing.node;
  const size_t rank = y.shape.size();
  if (rank < 3 || x.shape.size() != rank || kernel.shape.size() != rank) return false;
  if (!is_floating(y.type) || x.type != y.type || kernel.type != y.type) return false;
  for (size_t axis = 0; axis < 2; ++axis)
    if (!row_major(writing, parts.from[axis], x.shape[axis]) ||
        !row_major(writing, parts.to[axis], y.shape[axis]) ||
        !row_major(writing, parts.taps[axis], kernel.shape[axis]))
      return false;
  for (size_t axis = 2; axis < rank; ++axis)
    if (!is_whole(writing, parts.taps[axis], kernel.shape[axis])) return false;
  return true;
}

/// Whether each label has one part to play.
bool are_separate(const Writing& writing, const Parts& parts) {
  size_t labels = labels_of(parts.taps).size() + 1;  // and that of the samples
  for (size_t axis = 2; axis < parts.taps.size(); ++axis) ++labels;
  std::vector<int> all = labels_of(parts.taps);
  for (const Access* access : {&parts.from, &parts.to})
    for (const int label : labels_of(*access)) all.push_back(label);
  std::ranges::sort(all);
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all.size() == labels && labels == writing.node.loops.labels.size();
}

std::optional<std::string> convolution(const Writing& writing, const Parts& parts, const std::string& bias) {
  if (!may_be_convolution(writing, parts) || !are_separate(writing, parts)) return {};
  const auto groups = groups_of(writing, parts, false);
  if (!groups) return {};
  Window window;
  for (size_t axis = 2; axis < parts.to.size(); ++axis) {
    const int position = parts.to[axis].plain_label(), tap = parts.taps[axis].plain_label();
    if (!is_whole(writing, parts.to[axis], writing.node.shape[axis]) ||
        !add_axis(window, writing, parts.from[axis], position, tap, writing.operand(parts.x).shape[axis]))
      return {};
  }
  std::vector<Attribute> attributes = attributes_of(window);
  if (*groups != 1) attributes.emplace_back("group", *groups);
  std::vector<std::string> inputs{writing.name(parts.x), writing.name(parts.kernel)};
  if (!bias.empty()) inputs.push_back(bias);
  return writing.emit.add("Conv", inputs, attributes);
}

/// The elements beyond the last window of the result, which the format calls output padding.
std::optional<std::string> transposed(const Writing& writing, const Parts& parts, const std::string& bias) {
  if (!may_be_convolution(writing, parts) || !are_separate(writing, parts)) return {};
  const auto groups = groups_of(writing, parts, true);
  if (!groups) return {};
  Window window;
  Numbers extra;
  for (size_t axis = 2; axis < parts.to.size(); ++axis) {
    const int position = parts.from[axis].plain_label(), tap = parts.taps[axis].plain_label();
    const Dim& size = writing.node.shape[axis];
    if (!is_whole(writing, parts.from[axis], writing.operand(parts.x).shape[axis]) ||
        !add_axis(window, writing, parts.to[axis], position, tap, size))
      return {};
    const size_t k = axis - 2;
    const int64_t last = (writing.extent(position).size() - 1) * window.stride[k];
    extra.push_back(size.size() - (last + (window.taps[k] - 1) * window.dilation[k] + 1 - window.before[k] -
                                   window.after[k]));
    if (extra.back() < 0 || extra.back() >= window.stride[k]) return {};
  }
  std::vector<Attribute> attributes = attributes_of(window);
  if (*groups != 1) attributes.emplace_back("group", *groups);
  if (std::ranges::any_of(extra, [](int64_t size) { return size != 0; }))
    attributes.emplace_back("output_padding", extra);
  std::vector<std::string> inputs{writing.name(parts.x), writing.name(parts.kernel)};
  if (!bias.empty()) inputs.push_back(bias);
  return writing.emit.add("ConvTranspose", inputs, attributes);
}

/// Each axis behind the second a window of the operand, and nothing else.
std::optional<Window> window_of(const Writing& writing) {
  const Node& node = writing.node;
  const Loops& loops = node.loops;
  const bool may_be = node.operands.size() == 1 && node.op->body.expression.same(Scalar::argument(0)) &&
                      node.shape.size() >= 3 && writing.operand(0).shape.size() == node.shape.size() &&
                      writing.operand(0).type == node.type && is_floating(node.type) &&
                      loops.labels.size() == 2 * node.shape.size() - 2;
  if (!may_be) return {};
  const Access& from = loops.reads[0];
  Window window;
  for (size_t axis = 0; axis < node.shape.size(); ++axis) {
    if (!is_whole(writing, loops.write[axis], node.shape[axis])) return {};
    if (axis < 2) {
      if (from[axis] != loops.write[axis]) return {};
      continue;
    }
    const int position = loops.write[axis].plain_label();
    if (from[axis].terms.size() != 2) return {};
    const int tap = from[axis].terms[from[axis].terms[0].label == position ? 1 : 0].label;
    if (!add_axis(window, writing, from[axis], position, tap, writing.operand(0).shape[axis])) return {};
  }
  return window;
}

bool is_dense(const Window& window) {
  return std::ranges::all_of(window.dilation, [](int64_t step) { return step == 1; });
}

/// Readers want padding that is smaller than the window, so that none is all padding.
bool is_narrow(const Window& window) {
  for (size_t k = 0; k < window.taps.size(); ++k)
    if (std::max(window.before[k], window.after[k]) >= window.taps[k]) return false;
  return true;
}

std::string average(const Writing& pool, const Window& window) {
  std::vector<Attribute> attributes = attributes_of(window);
  attributes.emplace_back("count_include_pad", int64_t{1});
  return pool.emit.add("AveragePool", {pool.name(0)}, attributes);
}

double elements(const Window& window) {
  double count = 1;
  for (const int64_t size : window.taps) count *= static_cast<double>(size);
  return count;
}

}  // namespace

std::optional<std::string> write_convolution(const Writing& writing, const std::string& bias) {
  const Node& node = writing.node;
  const bool is_product = node.op->combine == Combine::Sum && node.operands.size() == 2 &&
                          node.op->body.expression.same(Scalar::argument(0) * Scalar::argument(1));
  if (!is_product) return {};
  const Loops& loops = node.loops;
  for (const size_t x : {0U, 1U}) {
    const Parts parts{x, 1 - x, loops.reads[x], loops.reads[1 - x], loops.write};
    if (auto name = convolution(writing, parts, bias)) return name;
    if (auto name = transposed(writing, parts, bias)) return name;
  }
  return {};
}

std::optional<std::string> write_pool(const Writing& writing) {
  const Combine combine = writing.node.op->combine;
  if (combine != Combine::Max && combine != Combine::Sum) return {};
  const auto window = window_of(writing);
  if (!window || !is_narrow(*window)) return {};
  if (combine == Combine::Max) return writing.emit.add("MaxPool", {writing.name(0)}, attributes_of(*window));
  if (!is_dense(*window)) return {};
  return writing.emit.add(
      "Mul", {average(writing, *window), writing.emit.number(writing.node.type, elements(*window))});
}

std::optional<std::string> write_average(const Writing& pool, const Node& divided) {
  if (pool.node.op->combine != Combine::Sum || !is_elementwise(divided.loops)) return {};
  const auto window = window_of(pool);
  const bool fits = window && is_narrow(*window) && is_dense(*window) &&
                    divided.op->body.expression.same(Scalar::argument(0) / Scalar(elements(*window)));
  if (!fits) return {};
  return average(pool, *window);
}

}  // namespace crease::onnx
