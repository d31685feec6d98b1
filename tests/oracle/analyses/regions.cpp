// "truth": what follows from all linear pieces, on all of space and on the box; "region_upper_bound".
#include "tests/graph/analysis/oracle_facts.h"
#include "tests/oracle/analyses/fields.h"

namespace crease::oracle {
namespace {

void take(const test::Failures& failures, const std::string& where, Outcome& outcome) {
  for (const std::string& failure : failures) outcome.check(false, "{}{}", where, failure);
}

/// The sides of the box, input after input.
Json box_of(const Network& network) {
  Json sides = Json::array();
  for (const Json& input : network.json.at("inputs"))
    for (const Json& side : network.json.at("box").at(input.at("name").get<std::string>()))
      sides.push_back(side);
  return sides;
}

}  // namespace

void check_truth(const Json& expected, const Network& network, Outcome& outcome) {
  for (const auto& [key, value] : expected.items()) {
    if (key == "all_space")
      take(test::check_region_truth(network.built, value), "", outcome);
    else if (key == "box")
      take(test::check_region_truth(network.built, value, box_of(network)), "on the box: ", outcome);
    else
      outcome.check(key == "note", "field '{}' is not known", key);
  }
}

void check_region_bound(const Json& expected, const Network& network, Outcome& outcome) {
  take(test::check_region_bound(network.built, expected), "", outcome);
}

}  // namespace crease::oracle
