// Errors of elementary functions in units in the last place, against the C library in higher precision.
#pragma once

#include <cmath>
#include <limits>

#include "graph/scalar.h"

namespace crease {

/// The function in the precision of T, by the C library.
template <class T>
T reference(ScalarKind function, T x) {
  switch (function) {
    case ScalarKind::Exp: return std::exp(x);
    case ScalarKind::Expm1: return std::expm1(x);
    case ScalarKind::Log: return std::log(x);
    case ScalarKind::Log1p: return std::log1p(x);
    case ScalarKind::Sqrt: return std::sqrt(x);
    case ScalarKind::Sin: return std::sin(x);
    case ScalarKind::Cos: return std::cos(x);
    case ScalarKind::Tanh: return std::tanh(x);
    case ScalarKind::Sigmoid: return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x));
    case ScalarKind::Softplus: return (x < 0 ? T(0) : x) + std::log1p(std::exp(-std::fabs(x)));
    case ScalarKind::Erf: return std::erf(x);
    case ScalarKind::Floor: return std::floor(x);
    default: return std::numeric_limits<T>::quiet_NaN();
  }
}

/// |got - want| in spacings of T at want; 0 for the same NaN, infinity or signed zero, infinity for a wrong
/// one. A want beyond T's range is met by an infinity.
template <class T, class Wide>
double ulp_error(T got, Wide want) {
  constexpr double wrong = std::numeric_limits<double>::infinity();
  const T rounded = static_cast<T>(want);
  if (std::isnan(got) || std::isnan(rounded)) return std::isnan(got) == std::isnan(rounded) ? 0 : wrong;
  if (std::isinf(got) || std::isinf(rounded)) {
    if (got == rounded) return 0;
    // The largest finite number is half a spacing or more away from what overflows.
    const T most = std::numeric_limits<T>::max();
    return std::fabs(got) == most && std::signbit(got) == std::signbit(rounded) ? 1 : wrong;
  }
  if (want == 0) return got == 0 && std::signbit(got) == std::signbit(rounded) ? 0 : wrong;
  int exponent = 0;
  std::frexp(want, &exponent);
  exponent = std::max(exponent, std::numeric_limits<T>::min_exponent);
  const Wide spacing = std::ldexp(Wide(1), exponent - std::numeric_limits<T>::digits);
  return static_cast<double>(std::fabs((static_cast<Wide>(got) - want) / spacing));
}

}  // namespace crease
