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

/// Unions of cells with equal maps that touch in a facet, and the number of different maps.
void count_regions(Regions& result, const Maps& maps) {
  std::map<std::string, std::vector<size_t>> equal;
  for (size_t i = 0; i < maps.size(); ++i) {
    std::string key;
    for (const AffineFunction& f : maps[i]) key += text_of(f, result.cells[i].cell.dimension()) + ';';
    equal[key].push_back(i);
  }
  result.activation_regions = pattern_count(result.cells);
  result.distinct_affine_maps = static_cast<int64_t>(equal.size());
  for (const auto& [key, members] : equal) {
    std::vector<size_t> rank(members.size()), parent(members.size());
    boost::disjoint_sets sets(rank.data(), parent.data());
    for (size_t i = 0; i < members.size(); ++i) sets.make_set(i);
    int64_t parts = static_cast<int64_t>(members.size());
    for (size_t i = 0; i < members.size(); ++i)
      for (size_t j = 0; j < i && parts > 1; ++j)
        if (sets.find_set(i) != sets.find_set(j) &&
            share_facet(result.cells[members[i]].cell, result.cells[members[j]].cell)) {
          sets.union_set(i, j);
          --parts;
        }
    result.linear_regions += parts;
  }
}

Monotone joined(Monotone known, int sign) {
  using enum Monotone;
  if (sign == 0 || known == None) return known;
  const Monotone here = sign > 0 ? Nondecreasing : Nonincreasing;
  return known == Constant || known == here ? here : None;
}

/// Whether f is nowhere below (direction 1) or above (-1) any of its pieces.
bool bends_one_way(const Regions& result, const Maps& maps, size_t e, int direction) {
  std::vector<AffineFunction> pieces;
  std::set<std::string> known;
  for (size_t i = 0; i < maps.size(); ++i)
    if (known.insert(text_of(maps[i][e], result.cells[i].cell.dimension())).second)
      pieces.push_back(maps[i][e]);
  for (size_t i = 0; i < maps.size(); ++i)
    for (const AffineFunction& piece : pieces) {
      const auto excess = result.cells[i].cell.maximum((piece - maps[i][e]) * Rational(direction));
      if (!excess || excess->sign() > 0) return false;
    }
  return true;
}

Rational sum_of_slopes(const AffineFunction& f) {
  Rational sum;
  for (const Rational& s : f.slope) sum += s.abs();
  return sum;
}

PieceFacts facts_of(const Regions& result, const Maps& maps, size_t e, bool continuous, bool compare) {
  PieceFacts facts;
  facts.monotone.assign(result.cells.front().cell.dimension(), Monotone::Constant);
  std::optional<Rational> high = maps[0][e].at(result.cells[0].cell.interior()), low = high;
  Rational steepest;
  for (size_t i = 0; i < maps.size(); ++i) {
    const AffineFunction& f = maps[i][e];
    const auto most = result.cells[i].cell.maximum(f), least = result.cells[i].cell.maximum(f * Rational(-1));
    high = high && most ? std::optional(std::max(*high, *most)) : std::nullopt;
    low = low && least ? std::optional(std::min(*low, -*least)) : std::nullopt;
    for (size_t k = 0; k < f.slope.size(); ++k)
      facts.monotone[k] = joined(facts.monotone[k], f.slope[k].sign());
    steepest = std::max(steepest, sum_of_slopes(f));
  }
  facts.range = {low, high};
  if (!continuous) {
    facts.monotone.assign(facts.monotone.size(), Monotone::None);
    return facts;
  }
  facts.lipschitz = steepest;
  if (compare) {
    facts.convex = bends_one_way(result, maps, e, 1);
    facts.concave = bends_one_way(result, maps, e, -1);
  }
  return facts;
}

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
  result.cells = std::move(found.cells);
  Maps maps;
  for (const AffineCell& cell : result.cells) maps.push_back(outputs_of(graph, cell));
  count_regions(result, maps);
  const Linearity facts = linearity(graph);
  const bool compare = static_cast<int64_t>(maps.size()) <= options.convexity_limit;
  size_t e = 0;
  for (const NodeId id : wanted)
    for (int64_t i = 0; i < sample_count(graph.node(id).shape); ++i, ++e)
      result.outputs.push_back(facts_of(
          result, maps, e, facts.piecewise[static_cast<size_t>(id)] <= Piecewise::Continuous, compare));
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
