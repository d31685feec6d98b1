// A loop over time in the interpreter.
#include <algorithm>
#include <cstring>

#include "graph/evaluate/loops.h"
#include "graph/scan.h"

namespace crease {
namespace {

/// Element `t` of a sequence.
Tensor element(const Tensor& sequence, int64_t t) {
  return sequence.rows(t, t + 1).reshaped({sequence.sizes().begin() + 1, sequence.sizes().end()});
}

void set_element(Tensor& sequence, int64_t t, const Tensor& value) {
  if (value.bytes() > 0)
    std::memcpy(sequence.mutable_data() + t * value.bytes(), value.data(),
                static_cast<size_t>(value.bytes()));
}

}  // namespace

std::map<int, Tensor> run_scan(const Scan& scan, std::span<const Tensor* const> operands,
                               const std::set<int>& wanted, const Sizes& sizes) {
  const std::vector<NodeId> inputs = scan.body.inputs();
  const auto name = [&](int k) { return scan.body.node(inputs[static_cast<size_t>(k)]).name; };
  Bindings bindings;
  for (int k = 0; k < static_cast<int>(inputs.size()); ++k)
    if (k < scan.carries || k >= scan.carries + scan.sequences)
      bindings.emplace(name(k), *operands[static_cast<size_t>(k)]);
  std::map<int, Tensor> results;
  std::vector<NodeId> sources;  // of the next carries, then of what is stacked
  for (int c = 0; c < scan.carries; ++c) sources.push_back(scan.source(c));
  for (const int r : wanted) {
    if (scan.is_final(r)) continue;
    sources.push_back(scan.source(r));
    results.emplace(r, Tensor(scan.body.node(scan.source(r)).type, sizes_of(scan.shape(r), sizes)));
  }
  const int64_t length = sizes_of({scan.length}, sizes)[0];
  for (int64_t step = 0; step < length; ++step) {
    const int64_t t = scan.reverse ? length - 1 - step : step;
    for (int k = scan.carries; k < scan.carries + scan.sequences; ++k)
      bindings.insert_or_assign(name(k), element(*operands[static_cast<size_t>(k)], t));
    const std::vector<Tensor> values = evaluate_nodes(scan.body, bindings, sizes, sources);
    auto value = values.begin();
    for (int c = 0; c < scan.carries; ++c) bindings.insert_or_assign(name(c), *value++);
    for (auto& [r, stacked] : results) set_element(stacked, t, *value++);
  }
  for (const int r : wanted)
    if (scan.is_final(r)) results.emplace(r, bindings.at(name(r)));
  return results;
}

}  // namespace crease
