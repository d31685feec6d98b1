#include "graph/analysis/points.h"

#include <algorithm>

#include "graph/error.h"

namespace crease {

std::vector<int64_t> sample_sizes(const Shape& shape) {
  std::vector<int64_t> sizes;
  for (const Dim& dim : shape) sizes.push_back(dim.is_symbol() ? 1 : dim.size());
  return sizes;
}

int64_t sample_count(const Shape& shape) { return element_count(sample_sizes(shape)); }

PointWalk::Path PointWalk::path(const Access& access, const Shape& shape) {
  Path path;
  const std::vector<int64_t> sizes = sample_sizes(shape);
  for (size_t i = 0; i < access.size(); ++i) {
    ensure(access[i].lookup < 0, "[points] access looks up: its elements depend on data");
    path.push_back({access[i].terms, access[i].offset, sizes[i]});
  }
  return path;
}

PointWalk::PointWalk(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  for (const Label& label : node.loops.labels) {
    extents_.push_back(label.extent.is_symbol() ? 1 : label.extent.size());
    count_ *= extents_.back();
  }
  labels_.resize(extents_.size());
  for (size_t k = 0; k < node.operands.size(); ++k)
    reads_.push_back(path(node.loops.reads[k], graph.node(node.operands[k]).shape));
  write_ = path(node.loops.write, node.shape);
  valid_ = count_ > 0;
}

void PointWalk::next() {
  for (size_t i = labels_.size(); i-- > 0;) {
    if (++labels_[i] < extents_[i]) return;
    labels_[i] = 0;
  }
  valid_ = false;
}

int64_t PointWalk::element(const Path& path) const {
  int64_t flat = 0;
  for (const Axis& axis : path) {
    int64_t index = axis.offset;
    for (const Term& term : axis.terms) index += term.coefficient * labels_[static_cast<size_t>(term.label)];
    if (index < 0 || index >= axis.size) return -1;
    flat = flat * axis.size + index;
  }
  return flat;
}

bool PointWalk::inside() const {
  return element(write_) >= 0 &&
         std::all_of(reads_.begin(), reads_.end(), [&](const Path& read) { return element(read) >= 0; });
}

bool has_lookup(const Node& node) {
  const auto looks_up = [](const Access& access) {
    return std::any_of(access.begin(), access.end(),
                       [](const AffineIndex& index) { return index.lookup >= 0; });
  };
  return looks_up(node.loops.write) ||
         std::any_of(node.loops.reads.begin(), node.loops.reads.end(), looks_up);
}

}  // namespace crease
