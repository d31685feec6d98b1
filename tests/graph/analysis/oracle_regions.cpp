#include <fmt/format.h>

#include <set>

#include "graph/analysis/regions.h"
#include "tests/graph/analysis/oracle_facts.h"

namespace crease::test {
namespace {

using Json = nlohmann::json;

std::string bound_text(const std::optional<Rational>& bound, const char* infinite) {
  return bound ? to_string(*bound) : infinite;
}

Json flag(const std::optional<bool>& value) { return value ? Json(*value) : Json(); }

/// One line if two values differ.
void compare(const std::string& field, const Json& got, const Json& want, Failures& failures) {
  if (got != want) failures.push_back(fmt::format("{}: got {}, want {}", field, got.dump(), want.dump()));
}

Json map_rows(const Regions& found, const OracleNetwork& network, bool offsets) {
  Json rows = Json::array();
  for (const Output& output : network.graph.outputs())
    for (const AffineFunction& f : found.cells.front().values.at(output.node)) {
      if (offsets) {
        rows.push_back(to_string(f.offset));
        continue;
      }
      Json row = Json::array();
      for (size_t k = 0; k < found.cells.front().cell.dimension(); ++k)
        row.push_back(to_string(f.slope.empty() ? Rational() : f.slope[k]));
      rows.push_back(row);
    }
  return rows;
}

void check_output(const PieceFacts& facts, const Json& truth, size_t e, Failures& failures) {
  const std::string where = fmt::format("[{}] ", e);
  compare(where + "convex", flag(facts.convex), truth.at("convex")[e], failures);
  compare(where + "concave", flag(facts.concave), truth.at("concave")[e], failures);
  const Json range{bound_text(facts.range.low, "-inf"), bound_text(facts.range.high, "inf")};
  compare(where + "output_range", range, truth.at("output_range")[e], failures);
  const Json& signs = truth.at("monotone")[e];
  for (size_t k = 0; k < signs.size(); ++k) {
    const std::string got =
        facts.monotone[k] == Monotone::None ? "neither" : std::string(to_string(facts.monotone[k]));
    const bool jumps = signs[k] == "not-applicable(step)" && !facts.lipschitz;
    if (!jumps) compare(where + fmt::format("monotone[{}]", k), got, signs[k], failures);
  }
}

}  // namespace

Failures check_region_truth(const OracleNetwork& network, const Json& truth, const Json& box) {
  Failures failures;
  static const std::set<std::string> known{
      "activation_regions", "linear_regions", "distinct_affine_maps", "affine", "convex", "concave",
      "monotone",           "output_range",   "lipschitz_inf",        "W",      "b"};
  for (const auto& [key, value] : truth.items())
    if (!known.contains(key)) failures.push_back("truth " + key + " is not a known field");
  RegionOptions options{.box = {}, .input_limit = 16};
  for (const auto& side : box)
    options.box.emplace_back(Rational::parse(side[0].get<std::string>()),
                             Rational::parse(side[1].get<std::string>()));
  const Regions found = regions(network.graph, options);
  if (!found.complete) return {"regions are not counted: " + found.reason};
  compare("activation_regions", found.activation_regions, truth.at("activation_regions"), failures);
  compare("linear_regions", found.linear_regions, truth.at("linear_regions"), failures);
  compare("distinct_affine_maps", found.distinct_affine_maps, truth.at("distinct_affine_maps"), failures);
  compare("affine", found.distinct_affine_maps == 1, truth.at("affine"), failures);
  const auto steepest = lipschitz(found);
  compare("lipschitz_inf", steepest ? Json(to_string(*steepest)) : Json(), truth.at("lipschitz_inf"),
          failures);
  if (truth.contains("W")) compare("W", map_rows(found, network, false), truth["W"], failures);
  if (truth.contains("b")) compare("b", map_rows(found, network, true), truth["b"], failures);
  for (size_t e = 0; e < found.outputs.size(); ++e) check_output(found.outputs[e], truth, e, failures);
  return failures;
}

Failures check_region_bound(const OracleNetwork& network, const Json& expected) {
  Failures failures;
  const auto bound = region_bound(network.graph);
  if (!bound) return {"region_upper_bound: none"};
  for (const auto& [key, value] : expected.items())
    if (key != "widths" && key != "serra2018" && key != "montufar2017")
      failures.push_back("region_upper_bound " + key + " is not a known field");
  compare("widths", bound->widths, expected.at("widths"), failures);
  compare("serra2018", to_string(bound->serra), std::to_string(expected.at("serra2018").get<int64_t>()),
          failures);
  compare("montufar2017", to_string(bound->montufar),
          std::to_string(expected.at("montufar2017").get<int64_t>()), failures);
  return failures;
}

}  // namespace crease::test
