// Exact numbers with their derivatives, as the replay of gradients computes with them.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "graph/rational.h"

namespace crease::checker {

/// A number in a body: with tangents, and partial derivatives by argument, of which there are none where it
/// does not vary. `curved`: its derivatives may not say all, as those of x * x at 0.
struct Dual {
  Rational value;
  std::vector<Rational> tangents;
  std::map<int, Rational> partials;
  bool curved = false;
};

/// a x + b y, of tangents and partials; the value is given.
inline Dual linear(Rational value, const Dual& x, const Rational& a, const Dual& y, const Rational& b) {
  Dual result{std::move(value), std::vector<Rational>(x.tangents.size()), {}, x.curved || y.curved};
  for (size_t j = 0; j < result.tangents.size(); ++j)
    result.tangents[j] = a * x.tangents[j] + b * y.tangents[j];
  for (const auto& [k, p] : x.partials) result.partials[k] += a * p;
  for (const auto& [k, p] : y.partials) result.partials[k] += b * p;
  return result;
}

inline Dual curved_if(bool curved, Dual x) {
  x.curved |= curved;
  return x;
}

}  // namespace crease::checker
