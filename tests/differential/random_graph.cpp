#include "tests/differential/random_graph.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "frontends/losses.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/cast.h"
#include "graph/ops/contraction.h"
#include "graph/ops/hold.h"
#include "graph/ops/leaf.h"
#include "graph/ops/lookup.h"
#include "graph/ops/movement.h"
#include "graph/ops/order.h"
#include "graph/ops/reduction.h"
#include "graph/scan.h"

namespace crease::differential {
namespace {

class Generator {
 public:
  Generator(uint64_t seed, const RandomOptions& options) : random_(seed), options_(options) {}

  RandomGraph run() {
    make_leaves();
    for (int made = 0, tries = 0; made < options_.operations && tries < 40 * options_.operations; ++tries)
      if (const Value value = operation(); value.valid() && fits(value.shape())) {
        keep(value);
        ++made;
      }
    finish();
    return {loss_.graph(), loss_, variables_};  // one storage
  }

 private:
  int below(int count) { return static_cast<int>(random_() % static_cast<uint64_t>(count)); }
  template <class T>
  const T& one_of(const std::vector<T>& list) {
    return list[static_cast<size_t>(below(static_cast<int>(list.size())))];
  }
  double half() { return (below(9) - 4) / 2.0; }

  bool fits(const Shape& shape) const {
    const int64_t batch = options_.large ? 40 : 3, most = options_.large ? 20000 : 160;
    int64_t count = 1;
    for (const Dim& dim : shape) count *= dim.is_symbol() ? batch : dim.size();
    return count > 0 && count <= most;
  }

  Tensor numbers(std::vector<int64_t> sizes) {
    Tensor tensor(options_.type, std::move(sizes));
    for (int64_t i = 0; i < tensor.count(); ++i) tensor.set(i, half());
    return tensor;
  }

  void make_leaves() {
    const int most = options_.large ? 70 : 4;
    const Dim size = 1 + below(most);
    const std::vector<Shape> shapes{{"batch", size}, {size},   {size, 1 + below(most)}, {},
                                    {2, 2, size},    {1, size}};
    for (int i = 0; i < 3; ++i) {
      const Value input = graph_.input("x" + std::to_string(i),
                                       shapes[static_cast<size_t>(i == 0 ? 0 : below(6))], options_.type);
      pool_.push_back(input);
      variables_.push_back(input);
    }
    pool_.push_back(graph_.parameter("p", numbers({size.size(), 2})));
    variables_.push_back(pool_.back());
    pool_.push_back(graph_.constant(numbers({size.size()})));
    pool_.push_back(graph_.constant(half(), options_.type));
    index_ = graph_.input("index", {"batch"}, Type::i32);
    if (below(4) == 0) pool_.push_back(random_leaf());
    if (below(4) == 0) graph_.set_tie(tie());
  }

  Value random_leaf() {
    const Value counter = graph_.constant(Tensor::scalar(Type::i64, 5));
    const Value uniform = graph_.random({2, 3}, counter, random_());
    // Quarters, so that nothing is rounded.
    return (floor_op(uniform * 4) / 4) + graph_.constant(0.0, options_.type);
  }

  Tie tie() {
    const std::vector<Tie> ties{Tie::left, Tie::right, Tie::mid, Tie::value(0.25), Tie::min_norm};
    return one_of(ties);
  }

  void keep(const Value& value) {
    const bool kinked = value.node().op && (value.node().op->combine == Combine::Max ||
                                            !kink_conditions(value.node().op->body.expression).empty());
    if (options_.own_ties && kinked && below(3) == 0) graph_.set_tie(value, tie());
    if (below(8) == 0 && value.node().role == Role::Apply)
      graph_.set_name(value, "n" + std::to_string(value.id()));
    pool_.push_back(value);
  }

  /// A value of the pool, late ones more often.
  Value pick() {
    const int last = static_cast<int>(pool_.size()) - 1;
    return pool_[static_cast<size_t>(last - std::min(below(last + 1), below(last + 1)))];
  }

  Value operation() {
    const int kind = below(12);
    if (kind < 4) return map(pick());
    if (kind < 7) return binary(pick(), pick());
    if (kind < 9) return reduction(pick());
    if (kind < 11) return movement(pick());
    return other(pick());
  }

  Value map(const Value& x) {
    static const std::vector<const Op*> linear{&relu, &abs_op, &relu6, &hard_tanh, &negate, &identity},
        smooth{&tanh_op, &sigmoid_op,   &softplus_op, &sin_op,     &silu,         &gelu,
               &elu,     &selu,         &soft_sign,   &hard_swish, &squared_relu, &square,
               &mish,    &hard_sigmoid, &celu,        &cos_op,     &erf_op},
        jumps{&step, &sign, &floor_op};
    if (options_.holds && below(5) == 0) return stop_gradient(x);
    if (options_.casts && below(4) == 0) return converted(x);
    const int kind = below(10);
    if (kind == 0) return clip(-1, 1.5)(x);
    if (kind == 1) return leaky_relu(0.25)(x);
    if (kind == 2) return x * half() + half();
    if (kind == 3 && !options_.continuous) return (*one_of(jumps))(x);
    if (kind < 7 || options_.piecewise_linear) return (*one_of(linear))(x);
    return (*one_of(smooth))(x);
  }

  Value converted(const Value& x) {
    const Type type = x.type(), other = type == Type::f32 ? Type::f64 : Type::f32;
    switch (below(options_.continuous ? 1 : 4)) {
      case 0: return cast(relu(cast(x, other)), type);
      case 1: return cast(cast(x, Type::i32), type);
      case 2: return cast(cast(x, Type::u8), type);
      default: return cast(cast(x, Type::boolean), type) + cast(x < half(), type);
    }
  }

  static bool broadcasts(const Shape& a, const Shape& b) {
    for (size_t d = 1; d <= std::min(a.size(), b.size()); ++d) {
      const Dim &x = a[a.size() - d], &y = b[b.size() - d];
      if (x != y && x != Dim(1) && y != Dim(1)) return false;
    }
    return true;
  }

  Value binary(const Value& a, const Value& b) {
    if (!broadcasts(a.shape(), b.shape())) return {};
    switch (below(options_.piecewise_linear ? 5 : 8)) {
      case 0: return a + b;
      case 1: return a - b;
      case 2: return max(a, b);
      case 3: return min(a, b);
      case 4: return options_.continuous ? a + b : where(a < b, b, relu(a));
      case 5: return a * b;
      case 6: return prelu(a, b);
      default: return a / (1 + b * b);
    }
  }

  Axes axes_of(const Value& x) {
    const int rank = static_cast<int>(x.shape().size());
    Axes axes;
    for (int axis = 0; axis < rank; ++axis)
      if (below(2) == 0) axes.push_back(axis);
    return axes;
  }

  Value reduction(const Value& x) {
    if (x.shape().empty()) return {};
    const bool keep_axes = below(2) == 0;
    switch (below(options_.piecewise_linear ? 3 : 6)) {
      case 0: return sum(x, axes_of(x), keep_axes);
      case 1: return reduce_max(x, axes_of(x), keep_axes);
      case 2: return reduce_min(x, axes_of(x), keep_axes);
      case 3: return mean(x, axes_of(x), keep_axes);
      case 4: return product(tanh(x), axes_of(x), keep_axes);
      default: return sum(x * x, axes_of(x), keep_axes);
    }
  }

  Value movement(const Value& x) {
    const Shape& shape = x.shape();
    if (shape.empty()) return broadcast_to(x, {2});
    const int axis = below(static_cast<int>(shape.size()));
    const Dim& dim = shape[static_cast<size_t>(axis)];
    Shape wider = shape;
    wider.insert(wider.begin(), Dim(2));
    switch (below(8)) {
      case 0: return transpose(x);
      case 1: return broadcast_to(x, wider);
      case 2: return dim.is_symbol() ? Value() : reverse(x, axis);
      case 3:
        return dim.is_symbol()
                   ? Value()
                   : slice(x, axis, below(static_cast<int>(dim.size())), dim.size(), 1 + below(2));
      case 4: return dim.is_symbol() ? Value() : pad(x, axis, below(2), 1);
      case 5: return dim.is_symbol() ? Value() : concat({x, slice(x, axis, 0, 1)}, axis);
      case 6: return has_symbol(shape) ? Value() : flatten(x, 0);
      default: return split_even(x);
    }
  }

  static Value split_even(const Value& x) {
    Shape shape = x.shape();
    if (shape.back().is_symbol() || shape.back().size() % 2 != 0) return {};
    shape.back() = shape.back().size() / 2;
    shape.emplace_back(2);
    return reshape(x, shape);
  }

  Value other(const Value& x) {
    const Shape& shape = x.shape();
    const bool has_row = !shape.empty() && !shape.back().is_symbol();
    switch (below(options_.piecewise_linear ? 8 : 10)) {
      case 0: return has_row ? matmul(x, weight({shape.back().size(), columns()})) : Value();
      case 1: return shape.size() != 2 || shape[0].is_symbol() ? Value() : gather(x, index_);
      case 2: return shape.size() != 2 || shape[0] != Dim("batch") ? Value() : pick_column(x);
      case 3: return one_hot(index_, 3, options_.type) + pool_[5];
      case 4: return convolved(x);
      case 5: return has_row ? kth_smallest(x, below(static_cast<int>(shape.back().size()))) : Value();
      case 6: return scanned(x);
      case 7:
        return shape.size() != 3 || has_symbol(shape) || shape[2].size() < 2
                   ? Value()
                   : max_pool1d(x, {.stride = {1 + below(2)}});
      case 8: return shape.size() == 2 ? einsum("a b, c b -> a c", {x, x}) : Value();
      default: return has_row ? softmax(x) : Value();
    }
  }

  int64_t columns() { return options_.large ? 1 + below(60) : 2; }

  /// A loop over the first dimension, its last carry or its stacked outputs.
  Value scanned(const Value& x) {
    if (x.shape().size() < 2 || has_symbol(x.shape()) || x.shape()[0].size() > 12) return {};
    std::vector<int64_t> sizes = sizes_of(x.shape(), {});
    sizes.erase(sizes.begin());
    const auto step = [](const ScanArguments& at) {
      const Value next = max(at.carries[0], at.elements[0]) - 0.5;
      return ScanStep{.carries = {next}, .outputs = {relu(next) + at.elements[0]}};
    };
    const ScanResult result =
        scan({graph_.constant(numbers(sizes))}, {x}, {}, step, {.reverse = below(2) == 0});
    return below(2) == 0 ? result.carries[0] : result.outputs[0];
  }

  Value weight(std::vector<int64_t> sizes) { return graph_.constant(numbers(std::move(sizes))); }
  Value pick_column(const Value& x) { return crease::pick(x, index_); }

  Value convolved(const Value& x) {
    if (x.shape().size() != 3 || has_symbol(x.shape())) return {};
    return conv1d(x, weight({2, x.shape()[1].size(), 2}), {.stride = {1 + below(2)}, .padding = {1}});
  }

  void finish() {
    std::vector<bool> read(static_cast<size_t>(graph_.size()), false);
    for (NodeId id = 0; id < graph_.size(); ++id)
      for (const NodeId operand : graph_.node(id).operands) read[static_cast<size_t>(operand)] = true;
    const int last = graph_.size();
    for (NodeId id = 0; id < last; ++id) {
      const Value value = graph_.value(id);
      if (read[static_cast<size_t>(id)] || value.node().role != Role::Apply || !is_floating(value.type()))
        continue;
      graph_.output("y" + std::to_string(id), value);
      const Value total = sum(value);
      loss_ = loss_.valid() ? loss_ + total : total;
    }
    graph_.output("loss", loss_);
  }

  std::mt19937_64 random_;
  RandomOptions options_;
  Graph graph_;
  std::vector<Value> pool_, variables_;
  Value index_, loss_;
};

template <class Number>
Bindings bindings(const Graph& graph, uint64_t seed, int64_t batch, Number number) {
  std::mt19937_64 random(seed);
  Bindings inputs;
  for (const NodeId id : graph.inputs()) {
    const Node& node = graph.node(id);
    Tensor tensor(node.type, sizes_of(node.shape, {{"batch", batch}}));
    for (int64_t i = 0; i < tensor.count(); ++i)
      tensor.set(i, is_floating(node.type) ? number(random) : static_cast<double>(random() % 4) - 1);
    inputs.emplace(node.name, tensor);
  }
  return inputs;
}

}  // namespace

RandomGraph random_graph(uint64_t seed, const RandomOptions& options) {
  return Generator(seed, options).run();
}

Bindings halves(const Graph& graph, uint64_t seed, int64_t batch) {
  return bindings(graph, seed, batch,
                  [](auto& random) { return (static_cast<double>(random() % 9) - 4) / 2; });
}

Bindings irregular(const Graph& graph, uint64_t seed, int64_t batch) {
  return bindings(graph, seed, batch,
                  [](auto& random) { return static_cast<double>(random() >> 11) * 0x1p-51 - 2; });
}

}  // namespace crease::differential
