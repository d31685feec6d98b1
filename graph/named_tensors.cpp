#include "graph/named_tensors.h"

#include <ranges>

#include "graph/error.h"
#include "graph/listed.h"

namespace crease {

const Tensor& NamedTensors::at(const std::string& name, std::source_location where) const {
  const auto found = find(name);
  expect(found != end(), "[tensors] there is no '{}': the names are {} ({})", name,
         listed(std::views::keys(*this)), to_string(where));
  return found->second;
}

Tensor& NamedTensors::at(const std::string& name, std::source_location where) {
  return const_cast<Tensor&>(std::as_const(*this).at(name, where));
}

}  // namespace crease
