#include "frontends/report/fold_picture.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "frontends/report/plot.h"
#include "graph/analysis/regions.h"
#include "graph/error.h"

namespace crease {
namespace {

using Json = nlohmann::ordered_json;

std::string term(double factor, const std::string& variable, bool first) {
  if (factor == 0) return "";
  const std::string sign = factor < 0 ? (first ? "-" : " - ") : (first ? "" : " + ");
  const double size = std::abs(factor);
  if (variable.empty()) return fmt::format("{}{:.4g}", sign, size);
  return size == 1 ? sign + variable : fmt::format("{}{:.4g} {}", sign, size, variable);
}

/// Names of the two coordinates.
std::array<std::string, 2> coordinates(const Graph& graph) {
  const std::vector<NodeId> inputs = graph.inputs();
  if (inputs.size() == 2) return {graph.node(inputs[0]).name, graph.node(inputs[1]).name};
  const std::string name = graph.node(inputs.at(0)).name;
  return {name + "[0]", name + "[1]"};
}

std::string formula(const AffineFunction& f, const std::array<std::string, 2>& names) {
  std::string text;
  for (size_t i = 0; i < 2; ++i)
    if (!f.slope.empty()) text += term(f.slope[i].to_double(), names[i], text.empty());
  text += term(f.offset.to_double(), "", text.empty());
  return text.empty() ? "0" : text;
}

/// The maps of all outputs in a cell: exactly, as a key, and for reading.
struct MapText {
  std::string key, shown;
};

MapText map_of(const Graph& graph, const AffineCell& cell, const std::array<std::string, 2>& names) {
  constexpr int most = 3;
  MapText text;
  int count = 0;
  for (const Output& output : graph.outputs())
    for (size_t i = 0; i < cell.values.at(output.node).size(); ++i, ++count) {
      const AffineFunction& f = cell.values.at(output.node)[i];
      for (size_t k = 0; k < 2; ++k) text.key += to_string(f.slope.empty() ? Rational() : f.slope[k]) + " ";
      text.key += to_string(f.offset) + ";";
      if (count < most)
        text.shown += fmt::format("{}{}[{}] = {}", count == 0 ? "" : ", ", output.name, i, formula(f, names));
    }
  return text;
}

/// Colours of maps: hues one golden angle apart.
std::string colour(size_t map) {
  return fmt::format("hsl({:.0f} {}% {}%)", std::fmod(static_cast<double>(map) * 137.508, 360),
                     45 + 10 * (map % 3), 62 + 6 * (map / 3 % 4));
}

}  // namespace

std::optional<FoldPicture> fold_picture(const Graph& graph, double half, int64_t cell_limit,
                                        int64_t work_limit) {
  return fold_picture_explained(graph, half, cell_limit, work_limit).picture;
}

ExplainedFolds fold_picture_explained(const Graph& graph, double half, int64_t cell_limit,
                                      int64_t work_limit) {
  expect(std::isfinite(half) && half > 0, "[fold_picture] the square must be from -half to half > 0: got {}",
         half);
  if (graph.inputs().empty() || input_elements(graph) != 2) return {.picture = {}};
  const auto side = std::pair{Rational::of(-half), Rational::of(half)};
  const Regions found =
      regions(graph, {.box = {side, side}, .cell_limit = cell_limit, .work_limit = work_limit});
  if (!found.complete)
    return {.picture = {},
            .reason = fmt::format("the linear pieces for inputs from -{0} to {0} are not all known: {1}",
                                  half, found.reason)};
  const auto names = coordinates(graph);
  FoldPicture picture{.half = half,
                      .cells = {},
                      .maps = {},
                      .activation_regions = found.activation_regions,
                      .linear_regions = found.linear_regions};
  std::map<std::string, size_t> numbers;
  for (const AffineCell& cell : found.cells) {
    const MapText text = map_of(graph, cell, names);
    const auto [place, fresh] = numbers.emplace(text.key, picture.maps.size());
    if (fresh) picture.maps.push_back(text.shown);
    FoldCell drawn{.corners = {}, .map = place->second};
    for (const Point& corner : cell.cell.corners())
      drawn.corners.push_back({corner[0].to_double(), corner[1].to_double()});
    picture.cells.push_back(std::move(drawn));
  }
  return {.picture = std::move(picture)};
}

std::string to_svg(const FoldPicture& picture, int size) {
  const double scale = size / (2 * picture.half);
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{0}\" viewBox=\"0 0 {0} {0}\" "
      "role=\"img\">\n<title>{1} linear regions of {2} activation regions</title>\n",
      size, picture.linear_regions, picture.activation_regions);
  for (const FoldCell& cell : picture.cells) {
    std::string points;
    for (const auto& [x, y] : cell.corners)
      points += fmt::format("{}{:.2f},{:.2f}", points.empty() ? "" : " ", (x + picture.half) * scale,
                            (picture.half - y) * scale);
    svg += fmt::format(
        "<polygon points=\"{}\" fill=\"{}\" stroke=\"#222\" "
        "stroke-width=\"0.7\"><title>{}</title></polygon>\n",
        points, colour(cell.map), svg_escaped(picture.maps[cell.map]));
  }
  return svg + "</svg>\n";
}

std::string to_json(const FoldPicture& picture) {
  Json cells = Json::array();
  for (const FoldCell& cell : picture.cells) cells.push_back({{"corners", cell.corners}, {"map", cell.map}});
  return Json{{"half", picture.half},
              {"cells", cells},
              {"maps", picture.maps},
              {"activation_regions", picture.activation_regions},
              {"linear_regions", picture.linear_regions}}
      .dump();
}

}  // namespace crease
