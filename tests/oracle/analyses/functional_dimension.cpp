// functional_dimension: the rank of the parameter Jacobian over all pieces, and what rescaling explains of
// the rest.
#include "autodiff/functional_dimension.h"

#include "tests/oracle/analyses/fields.h"

namespace crease::oracle {

void check_functional_dimension(const Json& expected, const Network& network, Outcome& outcome) {
  const FunctionalDimension found = functional_dimension(
      network.built.graph, {.fixed = network.built.state, .absent = network.built.inert});
  const auto compare = [&](const char* key, const Json& got) {
    if (expected.contains(key))
      outcome.check(got == expected.at(key), "{} is {}, want {} ({})", key, got.dump(),
                    expected.at(key).dump(), found.reason);
  };
  outcome.check(found.exact || !found.dimension, "only a lower bound");
  compare("parameters", found.parameters);
  compare("explained_by_positive_scaling", found.explained_by_scaling);
  compare("functional_dim", found.dimension ? Json(*found.dimension) : Json());
  compare("lost", found.lost());
  compare("beyond_scaling", found.beyond_scaling());
  for (const auto& [key, value] : expected.items())
    outcome.check(key == "note" || key == "parameters" || key == "explained_by_positive_scaling" ||
                      key == "functional_dim" || key == "lost" || key == "beyond_scaling",
                  "field '{}' is not known", key);
}

}  // namespace crease::oracle
