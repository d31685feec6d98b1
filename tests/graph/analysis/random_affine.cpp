#include "tests/graph/analysis/random_affine.h"

#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"

namespace crease::test {
namespace {

/// Grows one graph; every value has shape [batch, n].
class Grower {
 public:
  explicit Grower(uint32_t seed) : random_(seed) {}

  Graph grow() {
    pool_ = {graph_.input("x", {"batch", 4})};
    const int steps = 3 + static_cast<int>(random_() % 6);
    for (int k = 0; k < steps; ++k) pool_.push_back(step(pick()));
    graph_.output("y", matmul(pool_.back(), weight({width(pool_.back()), 3})));
    return graph_;
  }

 private:
  Value pick() { return pool_[random_() % 3 ? pool_.size() - 1 : random_() % pool_.size()]; }
  static int64_t width(const Value& value) { return value.shape().back().size(); }

  Value weight(std::vector<int64_t> sizes) {
    std::normal_distribution<float> normal;
    Tensor tensor(Type::f32, sizes);
    for (int64_t i = 0; i < tensor.count(); ++i) tensor.set(i, random_() % 5 ? normal(random_) : 0);
    return graph_.parameter("p" + std::to_string(parameters_++), tensor);
  }

  Value step(const Value& x) {
    const int64_t n = width(x), m = 1 + static_cast<int64_t>(random_() % 5);
    switch (random_() % 12) {
      case 0: return matmul(x, weight({n, m}));
      case 1: return matmul_transposed(x, weight({m, n})) + weight({m});
      case 2: return x + matmul(x, weight({n, n}));
      case 3: return concat({x, pick()}, 1);
      case 4: return slice(x, 1, 0, 1 + n / 2);
      case 5: return pad(x, 1, 1, 2) * 0.375;
      case 6: return x - mean(x, {1}, true);
      case 7: return reverse(x, 1) / 3;
      case 8: return -(weight({n}) * x) + abs(weight({n}));
      case 9: return reshape(sum(transpose(reshape(x, {"batch", n, 1}), {0, 2, 1}), {1}, true), {"batch", n});
      case 10: return convolved(x, n);
      default: return leaky_relu(1)(x) + sum(x, {1}, true);
    }
  }

  Value convolved(const Value& x, int64_t n) {
    const Value image = reshape(x, {"batch", 1, n});
    return flatten(conv1d(image, weight({2, 1, 3}), {.stride = {2}, .padding = {1}}));
  }

  std::mt19937 random_;
  Graph graph_;
  std::vector<Value> pool_;
  int parameters_ = 0;
};

}  // namespace

Graph random_affine_graph(uint32_t seed) { return Grower(seed).grow(); }

}  // namespace crease::test
