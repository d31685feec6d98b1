#include "jit/lower_loops.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "graph/error.h"
#include "jit/schedule.h"

namespace crease {
namespace {

void add_scaled(Position& position, const Position& other, int64_t factor) {
  for (const Term& term : other.terms) add_term(position, term.label, factor * term.coefficient);
  position.offset += factor * other.offset;
}

class NestMaker {
 public:
  explicit NestMaker(const NodeSource& source)
      : source_(source), loops_(source.node.loops), shape_(buffer(source.result).shape) {
    for (const Label& label : loops_.labels) extents_.push_back(extent_of(fixed(label.extent)));
  }

  Nest run() {
    std::optional<Nest> nest = gather();
    const bool inverted = nest && (!nest->ranges.empty() || !nest->equalities.empty());
    expect(!finds_position() || (nest && !inverted),
           "[{}] the position of an extremum needs a result written at plain labels: got {}",
           source_.node.op->name, to_string(loops_));
    if (!nest) nest = scatter();
    for (size_t i = 0; i < loops_.reads.size(); ++i)
      add_ranges(*nest, loops_.reads[i], buffer(source_.operands[i]).shape);
    std::erase_if(nest->ranges, [&](const Range& range) { return always(range, nest->loops); });
    return std::move(*nest);
  }

 private:
  bool finds_position() const { return gives_position(source_.node.op->combine); }
  const Buffer& buffer(int number) const { return source_.buffers[static_cast<size_t>(number)]; }
  Dim fixed(const Dim& dim) const {
    const bool known = dim.is_symbol() && source_.specialise.contains(dim.symbol());
    return known ? Dim(source_.specialise.at(dim.symbol())) : dim;
  }
  const Extent& extent(int label) const { return extents_[static_cast<size_t>(label)]; }

  /// One loop for each dimension of the result, the labels that are left inside; none if that cannot be or
  /// does not pay.
  std::optional<Nest> gather() {
    Nest nest;
    std::vector<std::optional<Position>> at(loops_.labels.size());
    for (size_t d = 0; d < shape_.size(); ++d) {
      const int label = loops_.write[d].plain_label();
      const bool plain = label >= 0 && loops_.write[d].lookup < 0 && !at[static_cast<size_t>(label)] &&
                         extent(label) == extent_of(shape_[d]);
      nest.loops.push_back({plain ? loops_.labels[static_cast<size_t>(label)].name : fmt::format("o{}", d),
                            extent_of(shape_[d])});
      if (plain) at[static_cast<size_t>(label)] = Position{.terms = {{static_cast<int>(d), 1}}};
    }
    nest.outer = static_cast<int>(nest.loops.size());

    std::vector<int> solved(shape_.size(), -1);  // label that dimension d determines
    std::vector<bool> taken(loops_.labels.size(), false);
    for (size_t d = 0; d < shape_.size(); ++d) {
      solved[d] = solvable(loops_.write[d], at, taken);
      if (solved[d] >= 0) taken[static_cast<size_t>(solved[d])] = true;
    }
    for (size_t l = 0; l < at.size(); ++l) {
      if (at[l] || taken[l]) continue;
      if (extents_[l].is(1) && !finds_position()) {
        at[l] = Position{};
        continue;
      }
      at[l] = Position{.terms = {{static_cast<int>(nest.loops.size()), 1}}};
      nest.loops.push_back({loops_.labels[l].name, extents_[l]});
    }
    if (!invert(nest, at, solved) || !pays(nest)) return std::nullopt;
    for (std::optional<Position>& position : at) nest.label_at.push_back(std::move(*position));
    return nest;
  }

  /// The greatest label with coefficient 1 or -1 that nothing determines yet, or -1.
  int solvable(const AffineIndex& index, const std::vector<std::optional<Position>>& at,
               const std::vector<bool>& taken) const {
    int best = -1;
    if (index.lookup >= 0) return best;
    for (const Term& term : index.terms) {
      const bool open = !at[static_cast<size_t>(term.label)] && !taken[static_cast<size_t>(term.label)];
      if (!open || (term.coefficient != 1 && term.coefficient != -1)) continue;
      if (best < 0 || estimate(extent(term.label)) > estimate(extent(best))) best = term.label;
    }
    return best;
  }

  /// Solves every dimension of the result that is no plain label, adding conditions. False if a dimension
  /// needs a label that a later one determines.
  bool invert(Nest& nest, std::vector<std::optional<Position>>& at, const std::vector<int>& solved) const {
    for (size_t d = 0; d < shape_.size(); ++d) {
      const AffineIndex& index = loops_.write[d];
      const int loop = static_cast<int>(d);
      if (index.lookup >= 0) {
        nest.equalities.push_back({loop, index.lookup});
        continue;
      }
      // loop = offset + sum of terms, hence c * label = loop - offset - other terms, c = 1 or -1.
      Position rest{.terms = {{loop, 1}}, .offset = -index.offset};
      int64_t own = 1;
      for (const Term& term : index.terms) {
        if (term.label == solved[d]) {
          own = term.coefficient;
          continue;
        }
        if (!at[static_cast<size_t>(term.label)]) return false;
        add_scaled(rest, *at[static_cast<size_t>(term.label)], -term.coefficient);
      }
      if (solved[d] < 0) {
        const bool always = rest.terms.empty() && rest.offset == 0;
        const bool single = index.terms.empty() && index.offset == 0 && extent_of(shape_[d]).is(1);
        if (!always && !single) nest.ranges.push_back({rest, {1, {}}});
        continue;
      }
      Position label;
      add_scaled(label, rest, own);
      nest.ranges.push_back({label, extent(solved[d])});
      at[static_cast<size_t>(solved[d])] = std::move(label);
    }
    return true;
  }

  /// A gather runs at most twice the points of fill and scatter, and assigns each element once.
  bool pays(const Nest& nest) const {
    double gather = 1, fill = 1, scatter = 1;
    for (const Loop& loop : nest.loops) gather *= estimate(loop.extent);
    for (int d = 0; d < nest.outer; ++d) fill *= estimate(nest.loops[static_cast<size_t>(d)].extent);
    for (const Extent& extent : extents_) scatter *= estimate(extent);
    const bool reduces = nest.outer < static_cast<int>(nest.loops.size());
    if (reduces && source_.node.op->combine == Combine::Assign) return false;
    return gather <= 2 * (fill + scatter);
  }

  Nest scatter() const {
    Nest nest;
    for (size_t l = 0; l < extents_.size(); ++l) {
      nest.loops.push_back({loops_.labels[l].name, extents_[l]});
      nest.label_at.push_back({.terms = {{static_cast<int>(l), 1}}});
    }
    nest.outer = static_cast<int>(nest.loops.size());
    nest.scatter = true;
    add_ranges(nest, loops_.write, shape_);
    return nest;
  }

  /// Conditions for the dimensions of an access that may leave their range.
  void add_ranges(Nest& nest, const Access& access, const Shape& shape) const {
    for (size_t d = 0; d < access.size(); ++d) {
      if (access[d].lookup >= 0 || inside(access[d], shape[d])) continue;
      const Range range{compose(access[d], nest.label_at), extent_of(shape[d])};
      const bool known = std::ranges::any_of(nest.ranges, [&](const Range& other) {
        return other.position == range.position && other.extent == range.extent;
      });
      if (!known) nest.ranges.push_back(range);
    }
  }

  /// Whether a range holds at every point of the loops.
  static bool always(const Range& range, const std::vector<Loop>& loops) {
    const int plain = plain_loop(range.position);
    if (plain >= 0 && loops[static_cast<size_t>(plain)].extent == range.extent) return true;
    int64_t least = range.position.offset, greatest = range.position.offset;
    for (const Term& term : range.position.terms) {
      const Extent& turns = loops[static_cast<size_t>(term.label)].extent;
      if (!turns.is_constant()) return false;
      (term.coefficient < 0 ? least : greatest) += term.coefficient * std::max<int64_t>(0, turns.factor - 1);
    }
    return least >= 0 && range.extent.is_constant() && greatest < range.extent.factor;
  }

  /// Whether an index cannot leave [0, dim).
  bool inside(const AffineIndex& index, const Dim& dim) const {
    const Extent size = extent_of(dim);
    const int label = index.plain_label();
    if (label >= 0 && extent(label) == size) return true;
    int64_t least = index.offset, greatest = index.offset;
    for (const Term& term : index.terms) {
      if (!extent(term.label).is_constant()) return false;
      const int64_t last = extent(term.label).factor - 1;
      if (last < 0) return true;
      (term.coefficient < 0 ? least : greatest) += term.coefficient * last;
    }
    return least >= 0 && size.is_constant() && greatest < size.factor;
  }

  const NodeSource& source_;
  const Loops& loops_;
  const Shape& shape_;
  std::vector<Extent> extents_;
};

/// Elements between neighbours along each label, for an access that stays inside; none if it is not a sum of
/// distinct labels.
std::optional<std::map<int, Extent>> label_strides(const Access& access, const Shape& shape) {
  std::map<int, Extent> result;
  const std::vector<Extent> strides = strides_of(shape);
  for (size_t d = 0; d < access.size(); ++d) {
    if (access[d].lookup >= 0 || access[d].offset != 0) return std::nullopt;
    for (const Term& term : access[d].terms) {
      if (term.coefficient < 0) return std::nullopt;
      if (!result.emplace(term.label, Extent{term.coefficient, {}} * strides[d]).second) return std::nullopt;
    }
  }
  return result;
}

/// Whether the labels count 0, 1, ..., count - 1 without gap or repetition: sorted by stride, each stride is
/// the previous one times that label's extent.
bool counts(std::map<int, Extent> strides, const std::vector<Extent>& extents, const Extent& count) {
  std::erase_if(strides, [&](const auto& entry) { return extents[static_cast<size_t>(entry.first)].is(1); });
  Extent next;
  while (!strides.empty()) {
    const auto at = std::ranges::find_if(strides, [&](const auto& entry) { return entry.second == next; });
    if (at == strides.end()) return false;
    next = next * extents[static_cast<size_t>(at->first)];
    strides.erase(at);
  }
  return next == count;
}

}  // namespace

Position compose(const AffineIndex& index, const std::vector<Position>& label_at) {
  Position position{.terms = {}, .offset = index.offset};
  if (index.lookup >= 0) return {};
  for (const Term& term : index.terms)
    add_scaled(position, label_at[static_cast<size_t>(term.label)], term.coefficient);
  return position;
}

Nest make_nest(const NodeSource& source) { return NestMaker(source).run(); }

bool is_view(const NodeSource& source) {
  const Node& node = source.node;
  const Scalar& body = node.op->body.expression;
  const Buffer& result = source.buffers[static_cast<size_t>(source.result)];
  const bool copies = body.kind() == ScalarKind::Argument && source.operands.size() == 1 &&
                      (node.op->combine == Combine::Assign || node.op->combine == Combine::Sum);
  if (!copies) return false;
  const Buffer& operand = source.buffers[static_cast<size_t>(source.operands[0])];
  if (operand.type != result.type || extent_of(operand.shape) != extent_of(result.shape)) return false;
  const auto read = label_strides(node.loops.reads[0], operand.shape);
  const auto write = label_strides(node.loops.write, result.shape);
  if (!read || !write) return false;
  std::vector<Extent> extents;
  for (const Label& label : node.loops.labels) {
    const bool known = label.extent.is_symbol() && source.specialise.contains(label.extent.symbol());
    extents.push_back(known ? Extent{source.specialise.at(label.extent.symbol()), {}}
                            : extent_of(label.extent));
  }
  const auto same = [&](const auto& entry) {
    const auto other = read->find(entry.first);
    return extents[static_cast<size_t>(entry.first)].is(1) ||
           (other != read->end() && other->second == entry.second);
  };
  return std::ranges::all_of(*write, same) && counts(*read, extents, extent_of(operand.shape)) &&
         counts(*write, extents, extent_of(result.shape));
}

}  // namespace crease
