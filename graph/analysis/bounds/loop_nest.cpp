#include "graph/analysis/bounds/loop_nest.h"

#include <algorithm>

#include "graph/analysis/points.h"
#include "graph/error.h"

namespace crease {

namespace {

int64_t extent_of(const Label& label) { return label.extent.is_symbol() ? 1 : label.extent.size(); }

int64_t floor_divide(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0); }

}  // namespace

LoopNest::LoopNest(const Graph& graph, NodeId id, std::span<const int> accesses) {
  const Node& node = graph.node(id);
  ensure(!has_lookup(node), "[bounds] access looks up: its elements depend on data");
  const std::vector<Label>& labels = node.loops.labels;
  for (const Label& label : labels) count_ *= extent_of(label);
  // Rows run along the longest loop.
  std::vector<size_t> order(labels.size());
  for (size_t k = 0; k < order.size(); ++k) order[k] = k;
  const auto longest = std::ranges::max_element(order, {}, [&](size_t k) { return extent_of(labels[k]); });
  if (longest != order.end()) std::rotate(longest, longest + 1, order.end());
  for (const size_t k : order) outer_.push_back(extent_of(labels[k]));
  if (!outer_.empty()) {
    inner_ = outer_.back();
    outer_.pop_back();
  }
  for (size_t k = 0; k < node.operands.size(); ++k)
    add_limits(node.loops.reads[k], graph.node(node.operands[k]).shape, order);
  add_limits(node.loops.write, node.shape, order);
  for (size_t a = 0; a < accesses.size(); ++a) {
    if (accesses[a] == kResult) {
      paths_[a] = path(node.loops.write, node.shape, order);
    } else if (accesses[a] >= 0) {
      const auto k = static_cast<size_t>(accesses[a]);
      paths_[a] = path(node.loops.reads[k], graph.node(node.operands[k]).shape, order);
    } else {
      paths_[a].steps.assign(labels.size(), 0);
      int64_t step = 1;
      for (size_t k = labels.size(); k-- > 0;) {
        paths_[a].steps[static_cast<size_t>(std::ranges::find(order, k) - order.begin())] = step;
        step *= extent_of(labels[k]);
      }
    }
  }
  for (Path& missing : paths_) missing.steps.resize(std::max<size_t>(labels.size(), 1));
}

LoopNest::Path LoopNest::path(const Access& access, const Shape& shape,
                              const std::vector<size_t>& order) const {
  Path result{0, std::vector<int64_t>(std::max<size_t>(order.size(), 1))};
  const std::vector<int64_t> sizes = sample_sizes(shape);
  int64_t stride = 1;
  for (size_t i = access.size(); i-- > 0;) {
    result.first += stride * access[i].offset;
    for (const Term& term : access[i].terms) {
      const auto place = std::ranges::find(order, static_cast<size_t>(term.label)) - order.begin();
      result.steps[static_cast<size_t>(place)] += stride * term.coefficient;
    }
    stride *= sizes[i];
  }
  return result;
}

void LoopNest::add_limits(const Access& access, const Shape& shape, const std::vector<size_t>& order) {
  const std::vector<int64_t> sizes = sample_sizes(shape);
  for (size_t i = 0; i < access.size(); ++i) {
    Limit limit{{access[i].offset, std::vector<int64_t>(std::max<size_t>(order.size(), 1))}, sizes[i]};
    for (const Term& term : access[i].terms) {
      const auto place = std::ranges::find(order, static_cast<size_t>(term.label)) - order.begin();
      limit.index.steps[static_cast<size_t>(place)] += term.coefficient;
    }
    int64_t least = limit.index.first, most = limit.index.first;
    for (size_t k = 0; k < limit.index.steps.size(); ++k) {
      const int64_t extent = k < outer_.size() ? outer_[k] : inner_;
      const int64_t reach = limit.index.steps[k] * (extent - 1);
      (reach < 0 ? least : most) += reach;
    }
    if (least < 0 || most >= limit.size) limits_.push_back(std::move(limit));
  }
}

bool LoopNest::start(const std::vector<int64_t>& labels, LoopRow& row) const {
  int64_t begin = 0, end = inner_;
  for (const Limit& limit : limits_) {
    int64_t index = limit.index.first;
    for (size_t k = 0; k < labels.size(); ++k) index += limit.index.steps[k] * labels[k];
    const int64_t step = limit.index.steps[labels.size()];
    if (step == 0) {
      if (index < 0 || index >= limit.size) return false;
      continue;
    }
    // 0 <= index + step * i <= size - 1
    const int64_t a = floor_divide(step > 0 ? -index : limit.size - 1 - index, step);
    const int64_t b = floor_divide(step > 0 ? limit.size - 1 - index : -index, step);
    const bool exact = (step > 0 ? -index : limit.size - 1 - index) % step == 0;
    begin = std::max(begin, exact ? a : a + 1);
    end = std::min(end, b + 1);
  }
  if (begin >= end) return false;
  row.count = end - begin;
  for (size_t p = 0; p < paths_.size(); ++p) {
    const Path& path = paths_[p];
    row.first[p] = path.first + path.steps[labels.size()] * begin;
    for (size_t k = 0; k < labels.size(); ++k) row.first[p] += path.steps[k] * labels[k];
    row.step[p] = path.steps[labels.size()];
  }
  return true;
}

bool LoopNest::advance(std::vector<int64_t>& labels) const {
  for (size_t k = labels.size(); k-- > 0;) {
    if (++labels[k] < outer_[k]) return true;
    labels[k] = 0;
  }
  return false;
}

}  // namespace crease
