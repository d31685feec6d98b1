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

PointWalk::Path PointWalk::path(const Access& access, const Shape& shape) const {
  Path path;
  path.steps.resize(extents_.size());
  const std::vector<int64_t> sizes = sample_sizes(shape);
  int64_t stride = element_count(sizes);
  for (size_t i = 0; i < access.size(); ++i) {
    ensure(access[i].lookup < 0, "[points] access looks up: its elements depend on data");
    path.axes.push_back({access[i].terms, access[i].offset, sizes[i]});
    if (stride > 0) stride /= sizes[i];
    path.flat += stride * access[i].offset;
    int64_t least = access[i].offset, most = access[i].offset;
    for (const Term& term : access[i].terms) {
      const auto label = static_cast<size_t>(term.label);
      path.steps[label] += stride * term.coefficient;
      const int64_t reach = term.coefficient * (extents_[label] - 1);
      (reach < 0 ? least : most) += reach;
    }
    path.stays = path.stays && least >= 0 && most < sizes[i];
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
  stays_ = write_.stays && std::ranges::all_of(reads_, &Path::stays);
}

void PointWalk::next() {
  for (size_t i = labels_.size(); i-- > 0;) {
    const bool ends = labels_[i] + 1 == extents_[i];
    const int64_t by = ends ? -labels_[i] : 1;
    labels_[i] += by;
    for (Path& read : reads_) move(read, i, by);
    move(write_, i, by);
    if (!ends) return;
  }
  valid_ = false;
}

int64_t PointWalk::searched(const Path& path) const {
  int64_t flat = 0;
  for (const Axis& axis : path.axes) {
    int64_t index = axis.offset;
    for (const Term& term : axis.terms) index += term.coefficient * labels_[static_cast<size_t>(term.label)];
    if (index < 0 || index >= axis.size) return -1;
    flat = flat * axis.size + index;
  }
  return flat;
}

bool PointWalk::inside() const {
  return stays_ || (element(write_) >= 0 && std::all_of(reads_.begin(), reads_.end(), [&](const Path& read) {
                      return element(read) >= 0;
                    }));
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
