// The checker's side of "same-orbit": carries the claimed factors out and compares fingerprints.
#include <nlohmann/json.hpp>

#include "graph/analysis/check.h"
#include "graph/analysis/check_fields.h"
#include "graph/analysis/check_kinds.h"
#include "graph/analysis/check_replay.h"
#include "graph/analysis/digest.h"

namespace crease::checker {

std::string check_same_orbit(const nlohmann::json& certificate, const Graph& a, const Graph& b) {
  require_fields(certificate, {"cert", "kind", "graph", "other", "semantics"}, {"rescaling", "factors"});
  if (!certificate.contains("rescaling")) {
    require_fields(certificate, {"cert", "kind", "graph", "other", "semantics"}, {});
    if (digest(a) != digest(b)) throw Refused("the networks are not the same");
    return "both networks are the same";
  }
  const nlohmann::json& group = certificate.at("rescaling");
  if (group.at("kind") != "rescaling-invariance") throw Refused("the group has another kind of certificate");
  if (const CheckResult result = check(group.dump(), a); !result.accepted) throw Refused(result.reason);
  const Graph moved = moved_by(group, a, numbers(certificate.at("factors")));
  if (digest(moved) != digest(b))
    throw Refused("these factors do not carry the first network into the second");
  return "both networks compute the same function: powers of two carry one into the other";
}

}  // namespace crease::checker
