// All ways to change one place of a JSON text: for tests that every changed certificate is refused.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace crease::test {

struct Mutant {
  std::string change;  // "/claim/b/0: 3 became 4"
  nlohmann::json json;
};

/// Each field deleted and renamed, each element of a list deleted and doubled, each number one greater, each
/// other text longer by a letter; and an unknown field in each object.
std::vector<Mutant> mutants(const nlohmann::json& json);

}  // namespace crease::test
