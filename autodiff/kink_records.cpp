#include "autodiff/kink_records.h"

#include <algorithm>
#include <memory>

#include "autodiff/directional.h"

namespace crease {

KinkRecords::KinkRecords(const Graph& graph, const std::vector<bool>& active, NodeId loss)
    : graph_(graph.handle()) {
  const auto size = static_cast<size_t>(loss) + 1;
  const auto watched = std::make_unique<bool[]>(size);
  std::copy_n(active.begin(), size, watched.get());
  probe_.emplace(graph_, std::span<const bool>(watched.get(), size), std::source_location::current());
}

void KinkRecords::differentiate(ValueSpan wrt, ValueSpan tangents, const std::source_location& where) {
  for (const Value& tangent : tangents) names_.push_back(tangent.node().name);
  const std::vector<Value> differences = probe_->differences(where);
  if (!differences.empty()) derivatives_ = jvp(differences, wrt, tangents, where);
}

std::vector<KinkHit> KinkRecords::hits(Bindings at, const std::vector<std::vector<Tensor>>& directions,
                                       int64_t most) const {
  for (size_t i = 0; !directions.empty() && i < names_.size(); ++i)
    at.insert_or_assign(names_[i], directions[0][i]);
  std::vector<KinkHit> found;
  const Sides sides = probe_->sides(at);
  std::vector<size_t> hit;
  for (size_t k = 0; k < sides.size(); ++k)
    for (int64_t i = 0; i < sides[k].count(); ++i)
      if (sides[k].at(i) == 0 && (hit.empty() || hit.back() != k)) hit.push_back(k);
  std::vector<Value> wanted;
  for (const size_t k : hit) wanted.push_back(derivatives_[k]);
  const std::vector<Tensor> tangents = evaluate(graph_, at, wanted);
  for (size_t h = 0; h < hit.size(); ++h) {
    const Tensor& side = sides[hit[h]];
    const auto [node, comparison, continuous] = probe_->places()[hit[h]];
    for (int64_t i = 0; i < side.count() && static_cast<int64_t>(found.size()) < most; ++i)
      if (side.at(i) == 0)
        found.push_back({.node = node,
                         .comparison = comparison,
                         .point = i,
                         .tangent = tangents[h].at(i),
                         .continuous = continuous});
  }
  return found;
}

bool KinkRecords::is_one_of_two(const std::vector<KinkHit>& kinks) {
  if (kinks.size() == 1) return true;
  return kinks.size() == 2 && kinks[0].node == kinks[1].node && kinks[0].comparison < 0 &&
         kinks[1].comparison < 0;
}

}  // namespace crease
