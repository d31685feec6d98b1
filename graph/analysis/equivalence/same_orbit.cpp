#include "graph/analysis/equivalence/same_orbit.h"

#include <nlohmann/json.hpp>

#include "graph/analysis/balance/canonical.h"
#include "graph/analysis/certificate.h"
#include "graph/analysis/digest.h"
#include "graph/analysis/equivalence/match.h"
#include "graph/analysis/scaling.h"
#include "graph/analysis/scaling_certificate.h"

namespace crease {

std::optional<Certificate> same_orbit(const Graph& a, const Graph& b) {
  nlohmann::ordered_json json = {{"cert", "graph-cert/1"},
                                 {"kind", "same-orbit"},
                                 {"graph", digest(a)},
                                 {"other", digest(b)},
                                 {"semantics", "real"}};
  if (json["graph"] == json["other"]) return Certificate{"same-orbit", json.dump()};
  if (!same_architecture(a, b)) return {};
  const ScalingGroup group = scaling_group(a);
  if (group.dimension() == 0) return {};
  // Both are brought to one form; what that takes differs by the factors between them.
  std::vector<double> factors = canonical_factors(a, group);
  const std::vector<double> others = canonical_factors(b, scaling_group(b));
  if (factors.size() != others.size()) return {};
  for (size_t k = 0; k < factors.size(); ++k) factors[k] -= others[k];
  if (digest(rescaled(a, group, factors)) != json["other"]) return {};
  std::vector<Rational> exact;
  exact.reserve(factors.size());
  for (const double factor : factors) exact.push_back(Rational::of(factor));
  json["rescaling"] = nlohmann::ordered_json::parse(rescaling_certificate(a, group).json);
  json["factors"] = texts(exact);
  return Certificate{"same-orbit", json.dump()};
}

}  // namespace crease
