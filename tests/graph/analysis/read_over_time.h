// A small network that reads a sequence by a loop over time, and then has a layer of relu units.
#pragma once

#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/movement.h"
#include "graph/scan.h"

namespace crease::test {

/// Shapes: x [2, batch] -> y [batch, 1]. Every step is h = relu(turn * h + x); three relu units read the last
/// h. The first of them is `size` times what it is for 1, and its weight that much smaller.
inline Graph read_over_time(double size) {
  Graph graph;
  const Value x = graph.input("x", {2, "batch"}, Type::f64);
  const Value turn = graph.parameter("turn", Tensor::f64({1}, {0.75}));
  const Value start = slice(x, 0, 0, 1) * 0;
  const auto step = [](const ScanArguments& now) {
    const Value next = relu(now.carries[0] * now.invariants[0] + now.elements[0]);
    return ScanStep{.carries = {next}};
  };
  const Value last = scan({reshape(start, {"batch"})}, {x}, {turn}, step).carries[0];
  const Value first = graph.parameter("first", Tensor::f64({1, 3}, {3 * size, -5, 0.5}));
  const Value second = graph.parameter("second", Tensor::f64({3, 1}, {1 / size, 2, 7}));
  graph.output("y", matmul(relu(matmul(reshape(last, {"batch", 1}), first)), second));
  return graph;
}

}  // namespace crease::test
