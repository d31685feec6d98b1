// Random piecewise-linear programs placed on kinks, and their pieces in exact rational arithmetic.
#pragma once

#include <array>
#include <vector>

#include "graph/rational.h"

namespace crease::piecewise {

enum class Kind : uint8_t { Variable, Add, Subtract, Scale, Shift, Relu, Abs, Leaky, Max, Min, Where };

/// One step: an operation on earlier steps. Where: terms[0] > 0 ? terms[1] : terms[2], which agree where
/// terms[0] is 0.
struct Step {
  Kind kind;
  std::array<int, 3> terms = {};
  Rational number = 0;  // Scale, Shift
};

struct Case {
  std::vector<Step> program;  // the variables first
  std::vector<Rational> point, direction;
};

/// A program of 1 to 3 variables and up to 14 operations, most of whose kinks lie at the point; numbers are
/// dyadic.
Case random_case(uint64_t seed);

/// The piece that the direction enters.
struct Piece {
  std::vector<Rational> gradient;
  Rational slope;  // f'(x; d)
};

/// Found by walking closer until x + t d' lies in a piece that reaches x; d' = d + s e1 + s^2 e2 + ... for
/// small s where d runs along a kink. Errors: Bug if none is found.
Piece piece_along(const Case& made);

}  // namespace crease::piecewise
