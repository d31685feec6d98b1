// Which positions along the dimensions of a network belong together: channel 3 of a convolution, of the sum
// that it goes into, of the batch normalisation's scale, and of the next convolution's kernel can only go
// together. Dimensions that a loop label reads or writes one to one are one family; a flattened image and a
// grouped convolution tie whole blocks of positions to one channel, a concatenation ties ranges.
// What it does not know: which values are 0. Source: dependency groups of structured pruning (Fang et al.
// 2023), read off the accesses instead of a table of layers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace crease {

/// A dimension of a node's result, or a label of its loops.
struct AxisMember {
  NodeId node = -1;
  int index = -1;
  bool is_label = false;
  std::vector<int> channel = {};  // of the family, by position
};

/// Dimensions and labels whose positions go together.
struct AxisFamily {
  std::vector<AxisMember> members;
  int channels = 0;
  std::string held = {};  // why no channel can go; empty: some may
};

/// All families of what the outputs need.
class AxisFamilies {
 public:
  explicit AxisFamilies(const Graph& graph);

  const std::vector<AxisFamily>& all() const { return families_; }
  /// Number of the family of a dimension or label; -1 for named dimensions and nodes that no output needs.
  int of_dimension(NodeId node, int dimension) const;
  int of_label(NodeId node, int label) const;
  /// The member that a dimension or label is. Errors: Bug if it has no family.
  const AxisMember& dimension(NodeId node, int dimension) const;
  const AxisMember& label(NodeId node, int label) const;

 private:
  struct Place {
    int family = -1;
    size_t member = 0;
  };
  const Place& place(NodeId node, int index, bool is_label) const;

  std::vector<AxisFamily> families_;
  std::vector<std::vector<Place>> dimensions_, labels_;  // by node
};

/// How an access follows one label: position = label * stride + shift + (what other labels fill below the
/// stride). Absent: it does not, or in another way.
struct LeadingLabel {
  int label = -1;
  int64_t stride = 1, shift = 0;
};
struct FollowedIndex {
  bool fixed = false;  // no label with more than one value, and the dimension has one position
  std::optional<LeadingLabel> leading = {};
};
FollowedIndex followed(const AffineIndex& index, const Loops& loops, const Dim& extent);

}  // namespace crease
