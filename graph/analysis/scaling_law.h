// How a scalar body passes scale factors on: the law that links the factor of its result with those of its
// arguments. Derived from the expression alone, so a user's own activation has one too.
//
// Lattice: a linear form over the arguments' exponents (the factor of x is e^s, or -1 to the power s), or Any
// for an expression that is 0 whatever the arguments are. A law is sound: arguments that satisfy the
// constraints give a result that is scaled as stated, for all values. It is not complete: x / (x + 0 * y)
// looks pinned.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "graph/rational.h"
#include "graph/scalar.h"

namespace crease {

/// The field with two elements: exponents of -1.
struct Parity2 {
  bool odd = false;
  Parity2() = default;
  Parity2(int value) : odd(value % 2 != 0) {}  // NOLINT(google-explicit-constructor)
  bool is_zero() const { return !odd; }
  Parity2 operator-() const { return *this; }
  Parity2 operator+(Parity2 other) const { return {odd != other.odd ? 1 : 0}; }
  Parity2 operator*(Parity2 other) const { return {odd && other.odd ? 1 : 0}; }
  /// Only 1 can divide.
  Parity2 operator/(Parity2) const { return *this; }
  bool operator==(const Parity2&) const = default;
};

/// Sum of coefficient * unknown, by unknown, without zero coefficients.
template <class Field>
using LinearForm = std::map<int, Field>;

/// form += factor * other.
template <class Field>
void add_to(LinearForm<Field>& form, const LinearForm<Field>& other, const Field& factor) {
  for (const auto& [unknown, coefficient] : other) {
    const auto [place, fresh] = form.try_emplace(unknown, 0);
    place->second = place->second + factor * coefficient;
    if (place->second.is_zero()) form.erase(place);
  }
}

/// The law of a body with n arguments: every constraint, a form over the arguments, is 0, and the result has
/// the exponent `result` (absent: the result is 0 and may be said to have any factor).
template <class Field>
struct BodyLaw {
  std::vector<LinearForm<Field>> constraints;
  std::optional<LinearForm<Field>> result;
};

/// The law for positive factors e^s. relu: result = x. x * y: result = x + y. tanh: x = 0, result = 0.
BodyLaw<Rational> scale_law(const Scalar& body);
/// The law for signs. tanh: result = x. relu: x = 0, result = 0. |x|: result = 0.
BodyLaw<Parity2> sign_law(const Scalar& body);

/// k such that body(c x) = c^k body(x) for every c > 0, x the only argument, if the law shows one: 1 for
/// relu, 0 for step, 2 for x * x.
std::optional<Rational> homogeneous_degree(const Scalar& body);

}  // namespace crease
