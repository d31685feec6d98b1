#include <random>

#include "autodiff/reverse.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/lookup.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"
#include "graph/text.h"
#include "tests/jit/oracle.h"

using namespace crease;
using namespace crease::test;

namespace {

/// Grows graphs over integers of magnitude at most 16, so that every sum is exact in any order.
class Grower {
 public:
  Grower(unsigned seed, Type type) : random_(seed), type_(type) {
    columns_ = std::vector<int64_t>{1, 3, 5, 16, 17}[pick(5)];
    const Dim batch = pick(2) == 0 ? Dim("batch") : Dim(5);
    values_.push_back(graph.input("x", {batch, columns_}, type));
    values_.push_back(graph.input("y", {batch, columns_}, type));
    values_.push_back(graph.input("r", {columns_}, type));
    index_ = graph.input("index", {batch}, Type::i32);
    batch_ = batch;
  }

  void grow(int nodes) {
    for (int i = 0; i < nodes; ++i) values_.push_back(clip(-16, 16)(next()));
  }

  /// Some values as outputs, and a scalar of the last.
  Value finish() {
    for (size_t i = 3; i < values_.size(); ++i)
      if (pick(3) == 0) graph.output("v" + std::to_string(i), values_[i]);
    const Value loss = sum(values_.back());
    graph.output("loss", loss);
    return loss;
  }

  std::vector<Value> inputs() const { return {values_[0], values_[1], values_[2]}; }

  Bindings bindings(unsigned seed) const {
    return {{"x", integers(type_, {5, columns_}, -2, 2, seed)},
            {"y", integers(type_, {5, columns_}, -2, 2, seed + 1)},
            {"r", integers(type_, {columns_}, -2, 2, seed + 2)},
            {"index", integers(Type::i32, {5}, -1, static_cast<int>(columns_), seed + 3)}};
  }

  Graph graph;

 private:
  size_t pick(size_t count) { return random_() % count; }
  Value any() { return values_[pick(values_.size())]; }
  /// A value of shape [batch, columns].
  Value matrix() {
    const Value value = any();
    if (value.shape() == Shape{batch_, columns_}) return value;
    if (value.shape().size() <= 1 && (value.shape().empty() || value.shape()[0] == Dim(columns_)))
      return broadcast_to(value, {batch_, columns_});
    return values_[pick(2)];
  }

  Value next() {
    switch (pick(20)) {
      case 0: return matrix() + matrix();
      case 1: return matrix() - any_row();
      case 2: return matrix() * matrix();
      case 3: return relu(any());
      case 4: return max(matrix(), any_row());
      case 5: return where(matrix() < matrix(), matrix(), matrix());
      case 6: return sum(matrix(), {0});
      case 7: return matrix() - reduce_max(matrix(), {1}, true);
      case 8: return reduce_min(matrix(), {0});
      case 9: return matmul(matrix(), matmul(transpose(matrix()), matrix()));
      case 10: return matmul_transposed(matrix(), broadcast_to(any_row(), {columns_, columns_}));
      case 11: return sum(matrix(), {1}, true) * matrix();
      case 12: return slice(pad(matrix(), 1, 2, 1), 1, 1, columns_ + 1);
      case 13: return reverse(matrix(), 1);
      case 14: return sum(concat({matrix(), matrix()}, 1), {1}, true) + matrix();
      case 15: return one_hot(index_, columns_, type_) * matrix();
      case 16: return gather(transpose(matmul(transpose(matrix()), matrix())), index_);
      case 17: return reshape(pick_row(), {batch_, 1}) + matrix();
      case 18: return reshape(reshape(matrix(), {batch_, columns_, 1}), {batch_, columns_}) * 2.0;
      default: return sum(matrix()) - sum(matrix(), {0});
    }
  }

  Value any_row() {
    const Value value = any();
    const Shape& shape = value.shape();
    return shape.empty() || (shape.size() == 1 && shape[0] == Dim(columns_)) ? value : values_[2];
  }
  Value pick_row() { return crease::pick(matrix(), index_); }

  std::mt19937 random_;
  Type type_;
  int64_t columns_ = 1;
  Dim batch_;
  Value index_;
  std::vector<Value> values_;
};

}  // namespace

TEST_CASE("random graphs equal the interpreter") {
  for (unsigned seed = 0; seed < 60; ++seed) {
    CAPTURE(seed);
    Grower grower(seed, seed % 3 == 0 ? Type::f64 : Type::f32);
    grower.grow(4 + static_cast<int>(seed % 9));
    grower.finish();
    CAPTURE(to_string(grower.graph));
    check_program(grower.graph, grower.bindings(seed),
                  {.fuse = seed % 5 != 0, .optimisation = seed % 4 == 0 ? 0 : 2});
  }
}

TEST_CASE("gradients of random graphs equal the interpreter") {
  for (unsigned seed = 0; seed < 30; ++seed) {
    CAPTURE(seed);
    Grower grower(1000 + seed, Type::f64);
    grower.grow(3 + static_cast<int>(seed % 5));
    const Value loss = grower.finish();
    const std::vector<Value> gradients = grad(loss, grower.inputs());
    for (size_t i = 0; i < gradients.size(); ++i) grower.graph.output("d" + std::to_string(i), gradients[i]);
    CAPTURE(to_string(grower.graph));
    check_program(grower.graph, grower.bindings(seed), {.fuse = seed % 5 != 0});
  }
}
