#include "graph/analysis/bounds/not_affine.h"

#include <random>

#include "graph/analysis/bounds/node_bounds.h"
#include "graph/analysis/points.h"

namespace crease {

namespace {

NodeBounds values_at(const Graph& graph, NodeId output, NodeId input, const std::vector<double>& point) {
  InputBox box;
  for (const NodeId id : graph.inputs()) {
    std::vector<Interval>& intervals = box.inputs[graph.node(id).name];
    intervals.assign(static_cast<size_t>(sample_count(graph.node(id).shape)), Interval::point(0));
    for (size_t i = 0; id == input && i < point.size(); ++i) intervals[i] = Interval::point(point[i]);
  }
  return std::move(node_bounds(graph, box, {output})[static_cast<size_t>(output)]);
}

/// Whether rounding has taken every digit of every element, as it does at all points of a deep network.
bool is_hopeless(const NodeBounds& values) {
  for (size_t o = 0; o < values.size(); ++o) {
    const Interval value = values.at(static_cast<int64_t>(o));
    if (!value.contains(0) || value.low == value.high) return false;
  }
  return true;
}

}  // namespace

std::optional<IntervalWitness> interval_witness(const Graph& graph, NodeId output, NodeId input, int tries) {
  std::mt19937_64 random(0);
  const auto count = static_cast<size_t>(sample_count(graph.node(input).shape));
  for (int k = 0; k < tries; ++k) {
    IntervalWitness witness;
    const double scale = k % 2 == 0 ? 1 : 16;
    for (size_t i = 0; i < count; ++i) {
      // Multiples of 1/64, so that mid is exactly halfway.
      const auto number = [&] { return scale * (static_cast<double>(random() % 129) - 64) / 64; };
      const double middle = k == 0 ? 0 : number(), step = number();
      witness.a.push_back(middle - step);
      witness.b.push_back(middle + step);
      witness.mid.push_back(middle);
    }
    const NodeBounds f_a = values_at(graph, output, input, witness.a),
                     f_b = values_at(graph, output, input, witness.b),
                     f_mid = values_at(graph, output, input, witness.mid);
    for (size_t o = 0; o < f_a.size(); ++o) {
      witness.index = static_cast<int64_t>(o);
      witness.f_a = f_a.at(witness.index);
      witness.f_b = f_b.at(witness.index);
      witness.f_mid = f_mid.at(witness.index);
      witness.defect = witness.f_a + witness.f_b - Interval::point(2) * witness.f_mid;
      if (!witness.defect.contains(0)) return witness;
    }
    if (is_hopeless(f_a) && is_hopeless(f_b)) return {};
  }
  return {};
}

}  // namespace crease
