#include "jit/address.h"

#include <algorithm>

#include "graph/error.h"

namespace crease {
namespace {

void add(std::vector<Address::Step>& steps, int number, const Extent& stride) {
  const auto same = std::ranges::find_if(steps, [&](const Address::Step& step) {
    return step.number == number && step.stride.symbols == stride.symbols;
  });
  if (same == steps.end())
    steps.push_back({.number = number, .stride = stride});
  else
    same->stride.factor += stride.factor;
}

}  // namespace

Extent Address::stride(int loop) const {
  ensure(has_stride(loop), "[address] loop {} has no single stride", loop);
  const auto found = std::ranges::find(loops, loop, &Step::number);
  return found == loops.end() ? Extent{0, {}} : found->stride;
}

bool Address::has_stride(int loop) const { return std::ranges::count(loops, loop, &Step::number) <= 1; }

Address address_of(const Place& place, const Shape& shape) {
  const std::vector<Extent> strides = strides_of(shape);
  Address address;
  for (size_t d = 0; d < place.size(); ++d) {
    for (const Term& term : place[d].terms)
      add(address.loops, term.label, Extent{term.coefficient, {}} * strides[d]);
    if (place[d].value >= 0) address.values.push_back({.number = place[d].value, .stride = strides[d]});
    if (place[d].offset != 0) address.constants.push_back(Extent{place[d].offset, {}} * strides[d]);
  }
  std::erase_if(address.loops, [](const Address::Step& step) { return step.stride.factor == 0; });
  return address;
}

}  // namespace crease
