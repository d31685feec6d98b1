#include "graph/analysis/regions/segments.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "graph/analysis/linearity.h"
#include "graph/analysis/points.h"
#include "graph/analysis/regions.h"

namespace crease {
namespace {

using Json = nlohmann::ordered_json;

std::vector<NodeId> output_nodes(const Graph& graph) {
  std::vector<NodeId> nodes;
  for (const Output& output : graph.outputs()) nodes.push_back(output.node);
  return nodes;
}

bool has_pieces(const Graph& graph) {
  const Linearity facts = linearity(graph);
  Piecewise most = Piecewise::Constant;
  for (const NodeId id : output_nodes(graph)) most = std::max(most, facts.piecewise[static_cast<size_t>(id)]);
  return most == Piecewise::Continuous || most == Piecewise::Jumps;
}

int64_t loop_points(const Graph& graph) {
  int64_t points = 0;
  for (const NodeId id : ancestors(graph, output_nodes(graph)))
    if (graph.node(id).role == Role::Apply && !has_lookup(graph.node(id)))
      points += PointWalk(graph, id).count();
  return points;
}

Json rounded(const std::vector<Rational>& numbers) {
  Json list = Json::array();
  for (const Rational& number : numbers) list.push_back(number.to_double());
  return list;
}

void add_segments(const Graph& graph, const std::vector<Point>& points, const std::string& where,
                  int64_t work, Finding& finding, Json& evidence) {
  std::vector<std::string> counts;
  std::string stopped;
  Json list = Json::array(), least = Json::array();
  for (size_t k = 0; k + 1 < points.size(); ++k) {
    const auto lines_left = static_cast<int64_t>(points.size() - k) - 1;
    const SegmentRegions found =
        segment_regions(graph, points[k], points[k + 1], {.cells = 100'000, .work = work / lines_left});
    work -= std::min(work, found.work);
    list.push_back(found.complete ? Json(found.count) : Json());
    least.push_back(found.count);
    if (found.complete) counts.push_back(std::to_string(found.count));
    if (!found.out_of_budget) continue;
    counts.push_back(fmt::format("at least {}", found.count));
    stopped = found.reason;
  }
  evidence["segments"] = list;
  if (counts.empty()) return;
  if (!stopped.empty()) evidence["segments_at_least"] = least;
  finding.verdict = Verdict::Proved;
  finding.level = Level::Values;
  finding.sentences.push_back(fmt::format("straight lines between {} pass {} activation regions, {}", where,
                                          fmt::join(counts, ", "),
                                          stopped.empty() ? "exactly" : "not counted further: " + stopped));
}

void add_local_map(const Graph& graph, const Point& point, const std::string& where, Finding& finding,
                   Json& evidence) {
  const auto map = local_map(graph, point);
  if (!map) return;
  Json outputs = Json::array();
  for (const AffineFunction& f : map->outputs)
    outputs.push_back(
        {{"slope", f.slope.empty() ? Json(std::vector<double>(point.size())) : rounded(f.slope)},
         {"offset", f.offset.to_double()}});
  Json& local = evidence["local_map"] = {
      {"at", rounded(point)}, {"outputs", outputs}, {"faces", map->faces}, {"on_crease", map->on_crease}};
  std::string sentence = fmt::format("at the first of the {} the outputs are one affine map", where);
  if (map->nearest) {
    const double distance = std::sqrt(map->squared_distance.to_double());
    local["nearest_facet"] = {{"slope", rounded(map->face.slope)},
                              {"offset", map->face.offset.to_double()},
                              {"squared_distance", to_string(map->squared_distance)},
                              {"distance", distance}};
    sentence += map->on_crease ? ", and the point lies on a facet of its region"
                               : fmt::format(", up to the nearest facet at distance {:.4g}", distance);
  } else {
    sentence += " everywhere";
  }
  finding.verdict = Verdict::Proved;
  finding.level = Level::Values;
  finding.sentences.push_back(std::move(sentence));
}

}  // namespace

std::vector<Finding> segment_findings(const Graph& graph, const std::vector<Point>& points,
                                      const std::string& where, const SegmentLimits& limits) {
  if (points.empty() || !has_pieces(graph)) return {};
  Finding finding{
      .id = "segments", .subject = graph.outputs().front().name, .sentences = {}, .certificate = {}};
  Json evidence = Json::object();
  const int64_t size = loop_points(graph);
  if (size <= limits.points) add_segments(graph, points, where, limits.work, finding, evidence);
  if (size * static_cast<int64_t>(points.front().size()) <= limits.map_points)
    add_local_map(graph, points.front(), where, finding, evidence);
  if (finding.sentences.empty())
    finding.sentences.push_back(
        fmt::format("lines between {} are not cut into regions: {}", where,
                    size > limits.points ? fmt::format("{} loop points, the limit is {}", size, limits.points)
                                         : "a value on the way is irrational, or depends on other samples"));
  finding.evidence = evidence.dump();
  return {std::move(finding)};
}

}  // namespace crease
