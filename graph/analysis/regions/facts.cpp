#include <fmt/format.h>

#include <algorithm>
#include <boost/pending/disjoint_sets.hpp>
#include <set>

#include "graph/analysis/linearity.h"
#include "graph/analysis/points.h"
#include "graph/analysis/regions.h"

namespace crease {
namespace {

std::vector<NodeId> output_nodes(const Graph& graph) {
  std::vector<NodeId> nodes;
  for (const Output& output : graph.outputs()) nodes.push_back(output.node);
  return nodes;
}

/// The affine functions of all output elements in a cell, in order.
std::vector<AffineFunction> outputs_of(const Graph& graph, const AffineCell& cell) {
  std::vector<AffineFunction> all;
  for (const NodeId id : output_nodes(graph))
    all.insert(all.end(), cell.values.at(id).begin(), cell.values.at(id).end());
  return all;
}

std::string text_of(const AffineFunction& f, size_t dimension) {
  std::string text = to_string(f.offset);
  for (size_t i = 0; i < dimension; ++i) text += ' ' + to_string(f.slope.empty() ? Rational() : f.slope[i]);
  return text;
}

using Maps = std::vector<std::vector<AffineFunction>>;

Monotone joined(Monotone known, int sign) {
  using enum Monotone;
  if (sign == 0 || known == None) return known;
  const Monotone here = sign > 0 ? Nondecreasing : Nonincreasing;
  return known == Constant || known == here ? here : None;
}

Rational sum_of_slopes(const AffineFunction& f) {
  Rational sum;
  for (const Rational& s : f.slope) sum += s.abs();
  return sum;
}

/// Reached the limit of work.
struct TooLong {};

/// Reads off the cells what follows from having them all.
class Reader {
 public:
  /// `work`: operations on rationals until TooLong is thrown.
  Reader(const Graph& graph, std::vector<AffineCell>& cells, int64_t work)
      : cells_(cells), dimension_(cells.front().cell.dimension()), left_(work) {
    for (const AffineCell& cell : cells) maps_.push_back(outputs_of(graph, cell));
  }

  void count_regions(Regions& result) {
    std::map<std::string, std::vector<size_t>> equal;
    for (size_t i = 0; i < maps_.size(); ++i) {
      std::string key;
      for (const AffineFunction& f : maps_[i]) key += text_of(f, dimension_) + ';';
      equal[key].push_back(i);
    }
    result.distinct_affine_maps = static_cast<int64_t>(equal.size());
    for (const auto& [key, members] : equal) result.linear_regions += parts_of(members);
  }

  PieceFacts facts_of(size_t e, bool continuous) {
    PieceFacts facts;
    facts.range = {greatest(e, -1), greatest(e, 1)};
    if (facts.range.low) facts.range.low = -*facts.range.low;
    facts.monotone.assign(dimension_, continuous ? Monotone::Constant : Monotone::None);
    if (!continuous) return facts;
    facts.convex = facts.concave = true;  // until decide_shapes
    facts.lipschitz = 0;
    for (const std::vector<AffineFunction>& map : maps_) {
      for (size_t k = 0; k < map[e].slope.size(); ++k)
        facts.monotone[k] = joined(facts.monotone[k], map[e].slope[k].sign());
      facts.lipschitz = std::max(*facts.lipschitz, sum_of_slopes(map[e]));
    }
    return facts;
  }

  /// A continuous function is convex if it bends upwards wherever it bends. Only pairs of cells that would
  /// contradict take a linear program, which says whether they have a facet in common.
  void decide_shapes(std::vector<PieceFacts>& outputs) {
    const auto is_open = [](const PieceFacts& facts) {
      return facts.convex == true || facts.concave == true;
    };
    for (size_t i = 0; i < maps_.size(); ++i)
      for (size_t j = 0; j < i && std::ranges::any_of(outputs, is_open); ++j) {
        const auto signs = bends(i, j, outputs);
        if (!signs) continue;
        std::optional<bool> shared;
        for (size_t e = 0; e < outputs.size(); ++e) {
          if ((*signs)[e] == 0) continue;
          std::optional<bool>& contradicted = (*signs)[e] > 0 ? outputs[e].concave : outputs[e].convex;
          if (!*contradicted) continue;
          if (!shared) shared = share_facet(i, j);
          if (*shared) contradicted = false;
        }
      }
  }

 private:
  void spend(int64_t work) {
    left_ -= work;
    if (left_ < 0) throw TooLong();
  }

  std::optional<Rational> greatest_in(size_t i, const AffineFunction& f) {
    Cell& cell = cells_[i].cell;
    const int64_t before = cell.work();
    auto most = cell.maximum(f);
    spend(cell.work() - before);
    return most;
  }

  bool share_facet(size_t i, size_t j) {
    Cell& cell = cells_[i].cell;
    const int64_t before = cell.work();
    const bool shared = cell.shares_facet(cells_[j].cell);
    spend(cell.work() - before);
    return shared;
  }

  /// How many unions cells of one map are, connected through facets.
  int64_t parts_of(const std::vector<size_t>& members) {
    std::vector<size_t> rank(members.size()), parent(members.size());
    boost::disjoint_sets sets(rank.data(), parent.data());
    for (size_t i = 0; i < members.size(); ++i) sets.make_set(i);
    int64_t parts = static_cast<int64_t>(members.size());
    for (size_t i = 0; i < members.size(); ++i)
      for (size_t j = 0; j < i && parts > 1; ++j)
        if (sets.find_set(i) != sets.find_set(j) && share_facet(members[i], members[j])) {
          sets.union_set(i, j);
          --parts;
        }
    return parts;
  }

  /// Of an element times a sign, over all cells; absent: unbounded.
  std::optional<Rational> greatest(size_t e, int sign) {
    std::optional<Rational> most;
    for (size_t i = 0; i < maps_.size(); ++i) {
      const auto here = greatest_in(i, maps_[i][e] * Rational(sign));
      if (!here) return {};
      most = most ? std::max(*most, *here) : *here;
    }
    return most;
  }

  /// Signs of the bends of all outputs from cell j to cell i: across a facet, the pieces of a continuous
  /// function differ by a multiple of the function that is 0 on it. Nothing for most other pairs of cells.
  std::optional<std::vector<int>> bends(size_t i, size_t j, const std::vector<PieceFacts>& outputs) {
    const AffineFunction& border = cells_[i].cell.border(cells_[j].cell);
    std::vector<int> signs(outputs.size(), 0);
    for (size_t e = 0; e < outputs.size(); ++e) {
      if (!outputs[e].convex || maps_[i][e] == maps_[j][e]) continue;
      spend(2 * static_cast<int64_t>(dimension_ + 1));
      const auto multiple = ratio(maps_[i][e] - maps_[j][e], border);
      if (!multiple) return {};
      signs[e] = multiple->sign();
    }
    return signs;
  }

  std::vector<AffineCell>& cells_;
  const size_t dimension_;
  Maps maps_;
  int64_t left_;
};

}  // namespace

Regions regions(const Graph& graph, const RegionOptions& options) {
  Regions result;
  const size_t inputs = input_elements(graph);
  if (inputs == 0 || inputs > options.input_limit) {
    result.reason = fmt::format("{} input elements, want 1 to {}", inputs, options.input_limit);
    return result;
  }
  const std::vector<NodeId> wanted = output_nodes(graph);
  Exploration found = explore(graph, input_space(graph, options.box), wanted,
                              {.cells = options.cell_limit, .work = options.work_limit});
  result.reason = found.reason;
  result.complete = found.complete;
  result.out_of_budget = found.out_of_budget;
  result.activation_regions = pattern_count(found.cells);
  if (!found.complete) return result;
  try {
    Reader reader(graph, found.cells, options.work_limit);
    reader.count_regions(result);
    const Linearity facts = linearity(graph);
    size_t e = 0;
    for (const NodeId id : wanted)
      for (int64_t i = 0; i < sample_count(graph.node(id).shape); ++i, ++e)
        result.outputs.push_back(
            reader.facts_of(e, facts.piecewise[static_cast<size_t>(id)] <= Piecewise::Continuous));
    reader.decide_shapes(result.outputs);
  } catch (const TooLong&) {
    return {.reason = too_long(options.work_limit),
            .out_of_budget = true,
            .activation_regions = result.activation_regions};
  }
  result.cells = std::move(found.cells);
  return result;
}

std::optional<Rational> lipschitz(const Regions& regions) {
  std::optional<Rational> most;
  for (const PieceFacts& facts : regions.outputs) {
    if (!facts.lipschitz) return {};
    most = std::max(most.value_or(0), *facts.lipschitz);
  }
  return most;
}

SegmentRegions segment_regions(const Graph& graph, const Point& from, const Point& to,
                               const ExploreLimits& limits) {
  const Exploration found = explore(graph, segment(graph, from, to), output_nodes(graph), limits);
  return {.count = pattern_count(found.cells),
          .complete = found.complete,
          .reason = found.reason,
          .out_of_budget = found.out_of_budget,
          .work = found.work};
}

std::optional<int64_t> regions_along(const Graph& graph, const Point& from, const Point& to) {
  const SegmentRegions found = segment_regions(
      graph, from, to, {.cells = 100'000, .points = int64_t{1} << 18, .work = 10 * kSecondOfWork});
  if (!found.complete) return {};
  return found.count;
}

std::optional<LocalMap> local_map(const Graph& graph, const Point& at) {
  InputSpace space = input_space(graph);
  space.start = Cell::around(at);
  const Exploration found = explore(graph, space, output_nodes(graph));
  if (!found.complete) return {};
  const Cell& cell = found.cells.front().cell;
  LocalMap map;
  map.outputs = outputs_of(graph, found.cells.front());
  map.faces = cell.faces().size();
  for (size_t i = 0; i < cell.faces().size(); ++i) {
    const AffineFunction& face = cell.faces()[i];
    const Rational height = face.at(at);
    Rational norm;
    for (const Rational& s : face.slope) norm += s * s;
    const Rational distance = height * height / norm;
    map.on_crease = map.on_crease || height.is_zero();
    if (map.nearest && distance >= map.squared_distance) continue;
    map.nearest = i;
    map.face = face;
    map.squared_distance = distance;
  }
  return map;
}

}  // namespace crease
