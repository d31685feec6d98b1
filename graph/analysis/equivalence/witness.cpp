#include "graph/analysis/equivalence/witness.h"

#include <algorithm>
#include <cmath>

#include "graph/analysis/ball/values.h"
#include "graph/analysis/enclosed_witness.h"
#include "graph/analysis/exact.h"
#include "graph/analysis/points.h"

namespace crease {

size_t input_size(const Graph& graph, NodeId id) {
  return static_cast<size_t>(sample_count(graph.node(id).shape));
}

std::optional<DifferenceWitness> witness_at(const Joined& both, const std::vector<Rational>& point) {
  std::map<NodeId, ExactValues> inputs;
  size_t next = 0;
  for (const NodeId id : both.graph.inputs()) {
    const size_t count = input_size(both.graph, id);
    const auto first = point.begin() + static_cast<std::ptrdiff_t>(next);
    inputs[id].assign(first, first + static_cast<std::ptrdiff_t>(count));
    next += count;
  }
  for (size_t k = 0; k < both.outputs.size(); ++k) {
    const NodeId wanted[] = {both.outputs[k].first, both.outputs[k].second};
    const auto values = evaluate_exactly(both.graph, inputs, wanted);
    if (!values) continue;
    const ExactValues &of_a = values->at(wanted[0]), &of_b = values->at(wanted[1]);
    for (size_t i = 0; i < of_a.size(); ++i)
      if (of_a[i] != of_b[i])
        return DifferenceWitness{.point = point,
                                 .output = both.graph.outputs()[k].name,
                                 .index = static_cast<int64_t>(i),
                                 .a = of_a[i],
                                 .b = of_b[i]};
  }
  return {};
}

namespace {

/// The first element of which a and b are apart for sure.
Look compared(const Joined& both, size_t output, const std::vector<Rational>& point, int64_t bits,
              std::optional<DifferenceWitness>& result) {
  const checker::BallArithmetic arithmetic(bits);
  const auto of = [&](NodeId id) { return checker::ball_values(both.graph, id, {point}, arithmetic)[0]; };
  const auto of_a = of(both.outputs[output].first), of_b = of(both.outputs[output].second);
  Look look;
  for (size_t i = 0; i < of_a.size(); ++i) {
    const double error = of_a[i].radius + of_b[i].radius;
    look.widest = std::max(look.widest, error);
    const checker::Integer apart = abs(checker::Integer(of_a[i].middle - of_b[i].middle));
    // Twice as far as they may be off, so that the number between them is too.
    if (look.tells || !std::isfinite(4 * error) || apart <= checker::Integer(std::ceil(4 * error))) continue;
    look.tells = true;
    result = {.point = point,
              .output = both.graph.outputs()[output].name,
              .index = static_cast<int64_t>(i),
              .a = arithmetic.short_number(of_a[i]),
              .b = arithmetic.short_number(of_b[i]),
              .bits = bits};
  }
  return look;
}

}  // namespace

std::optional<DifferenceWitness> enclosed_witness_at(const Joined& both, const std::vector<Rational>& point) {
  std::optional<DifferenceWitness> result;
  for (size_t k = 0; k < both.outputs.size() && !result; ++k)
    if (is_enclosable(both.graph, both.differences[k]))
      with_enough_bits(both.graph, both.outputs[k].first,
                       [&](int64_t bits) { return compared(both, k, point, bits, result); });
  return result;
}

}  // namespace crease
