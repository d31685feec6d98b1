// Certificates of kind "box-equivalence" (format: equivalence/box_equivalence.h): both networks are replayed
// side by side, and the forms of their difference are bounded on the box.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "graph/analysis/check_fields.h"
#include "graph/analysis/check_kinds.h"
#include "graph/analysis/check_nearly.h"
#include "graph/analysis/decimals.h"
#include "graph/analysis/joined.h"

namespace crease::checker {

std::string check_box_equivalence(const nlohmann::json& certificate, const Graph& a, const Graph& b) {
  require_fields(certificate,
                 {"cert", "kind", "graph", "other", "semantics", "box", "claim", "frontier", "steps"}, {});
  require_fields(certificate.at("claim"), {"difference"}, {});
  const nlohmann::json& claimed = certificate.at("claim").at("difference");
  const Joined both = joined(a, b);
  const auto magnitudes = replayed_magnitudes(certificate, both.graph, both.differences);
  if (claimed.size() != magnitudes.size()) throw Refused("the claim has another number of outputs");
  Rational most = 0;
  for (size_t o = 0; o < magnitudes.size(); ++o) {
    const std::string& name = a.outputs()[o].name;
    const Rational bound = Rational::parse(claimed.at(name).get<std::string>());
    Rational proved = 0;
    for (const Rational& element : magnitudes[o]) proved = std::max(proved, element);
    if (proved > bound || is_loose(bound, proved))
      throw Refused(fmt::format("{} is proved within {:.17g}, the certificate claims {:.17g}", name,
                                proved.to_double(), bound.to_double()));
    most = std::max(most, bound);
  }
  if (most.is_zero()) return "both networks are the same function on the box";
  return fmt::format("outputs of both networks differ by at most {} on the box", at_most_text(most, 3));
}

}  // namespace crease::checker
