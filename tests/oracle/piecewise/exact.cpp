#include "tests/oracle/piecewise/exact.h"

#include <random>

#include "graph/error.h"

namespace crease::piecewise {
namespace {

/// A value with its gradient on the side where it was computed.
struct Dual {
  Rational value;
  std::vector<Rational> gradient;
};

/// What decides one comparison: the sign of a quantity, and whether the quantity moves at all.
struct Decision {
  int sign;
  bool moves;
};

Dual combine(const Rational& a, const Dual& x, const Rational& b, const Dual& y) {
  Dual sum{a * x.value + b * y.value, {}};
  for (size_t i = 0; i < x.gradient.size(); ++i)
    sum.gradient.push_back(a * x.gradient[i] + b * y.gradient[i]);
  return sum;
}

bool moves(const Dual& x) {
  for (const Rational& slope : x.gradient)
    if (!slope.is_zero()) return true;
  return false;
}

/// A program at one point: its value and gradient, and every decision on the way. Where a decision is 0 the
/// gradient is that of the left branch.
struct Run {
  Run(const std::vector<Step>& program, const std::vector<Rational>& at) {
    for (const Step& step : program) duals.push_back(next(step, at));
  }

  int decide(const Dual& u) {
    decisions.push_back({u.value.sign(), moves(u)});
    return decisions.back().sign;
  }

  Dual next(const Step& step, const std::vector<Rational>& at) {
    if (step.kind == Kind::Variable) {
      Dual variable{at[duals.size()], std::vector<Rational>(at.size())};
      variable.gradient[duals.size()] = 1;
      return variable;
    }
    const Dual &a = duals[static_cast<size_t>(step.terms[0])], &b = duals[static_cast<size_t>(step.terms[1])],
               &c = duals[static_cast<size_t>(step.terms[2])];
    const auto scaled = [&](const Rational& factor) { return combine(factor, a, 0, a); };
    switch (step.kind) {
      case Kind::Variable: break;
      case Kind::Add: return combine(1, a, 1, b);
      case Kind::Subtract: return combine(1, a, -1, b);
      case Kind::Scale: return scaled(step.number);
      case Kind::Shift: {
        Dual moved = a;
        moved.value += step.number;
        return moved;
      }
      case Kind::Relu: return scaled(decide(a) > 0 ? 1 : 0);
      case Kind::Abs: return scaled(decide(a) > 0 ? 1 : -1);
      case Kind::Leaky: return scaled(decide(a) > 0 ? Rational(1) : Rational(1, 2));
      case Kind::Max: return decide(combine(1, a, -1, b)) > 0 ? a : b;
      case Kind::Min: return decide(combine(1, a, -1, b)) > 0 ? b : a;
      case Kind::Where: return decide(a) > 0 ? b : c;
    }
    throw Bug("a step of no kind");
  }

  std::vector<Dual> duals;
  std::vector<Decision> decisions;
};

/// Whether the ray from x to y stays in one piece: what is decided at x is decided the same at y, and what is
/// not decided at y does not move there.
bool same_piece(const Run& x, const Run& y) {
  for (size_t i = 0; i < x.decisions.size(); ++i) {
    const Decision &here = x.decisions[i], &there = y.decisions[i];
    if (here.sign != 0 && here.sign != there.sign) return false;
    if (there.sign == 0 && there.moves) return false;
  }
  return true;
}

std::vector<Rational> ray(const std::vector<Rational>& from, const std::vector<Rational>& direction,
                          const Rational& t) {
  std::vector<Rational> at;
  for (size_t i = 0; i < from.size(); ++i) at.push_back(from[i] + t * direction[i]);
  return at;
}

class Maker {
 public:
  explicit Maker(uint64_t seed) : random_(seed) {}

  Case make() {
    const auto variables = 1 + pick(3), operations = 4 + pick(11);
    for (int i = 0; i < variables; ++i) {
      result_.point.emplace_back(pick(5) - 2);
      result_.direction.emplace_back(2 * pick(100) - 99);
      push({Kind::Variable});
    }
    for (int i = 0; i < operations; ++i) operation();
    // The last step depends on everything that is left.
    for (size_t i = static_cast<size_t>(variables); i + 1 < used_.size(); ++i)
      if (!used_[i]) push({Kind::Add, {static_cast<int>(i), last()}});
    return std::move(result_);
  }

 private:
  int pick(int count) { return static_cast<int>(random_() % static_cast<uint64_t>(count)); }
  int last() const { return static_cast<int>(result_.program.size()) - 1; }

  int push(const Step& step) {
    if (step.kind != Kind::Variable) {
      for (const int term : step.terms) used_[static_cast<size_t>(term)] = true;
    }
    result_.program.push_back(step);
    used_.push_back(false);
    return last();
  }

  int any() { return pick(2) == 0 ? last() : pick(last() + 1); }

  /// A value that is 0 at the point, three times out of four.
  int near_kink(int term) {
    if (pick(4) == 0) return term;
    const Rational value = Run(result_.program, result_.point).duals[static_cast<size_t>(term)].value;
    return value.is_zero() ? term : push({Kind::Shift, {term, term, term}, -value});
  }

  void operation() {
    const int a = any(), b = any();
    switch (pick(10)) {
      case 0: push({Kind::Add, {a, b, a}}); return;
      case 1:
      case 2: push({Kind::Subtract, {a, b, a}}); return;
      case 3: push({Kind::Scale, {a, a, a}, Rational(pick(2) == 0 ? -2 : 3)}); return;
      case 4:
      case 5: return one(Kind::Relu, a);
      case 6: return one(Kind::Abs, a);
      case 7: return one(Kind::Leaky, a);
      case 8: {
        const int kinked = near_kink(push({Kind::Subtract, {a, b, a}})),
                  moved = push({Kind::Add, {b, kinked, b}});
        push({pick(2) == 0 ? Kind::Max : Kind::Min, {moved, b, b}});
        return;
      }
      default: {
        // c > 0 ? x + 2 c : x - c is continuous.
        const int c = near_kink(a);
        const int twice = push({Kind::Scale, {c, c, c}, 2});
        const int then = push({Kind::Add, {b, twice, b}}), otherwise = push({Kind::Subtract, {b, c, b}});
        push({Kind::Where, {c, then, otherwise}});
      }
    }
  }

  void one(Kind kind, int term) {
    const int kinked = near_kink(term);
    push({kind, {kinked, kinked, kinked}});
  }

  std::mt19937_64 random_;
  Case result_;
  std::vector<bool> used_;
};

}  // namespace

Case random_case(uint64_t seed) { return Maker(seed).make(); }

Piece piece_along(const Case& made) {
  const Run here(made.program, made.point);
  for (int tilt = 60; tilt <= 240; tilt += 60) {
    // With tilt 0 first: where d decides every kink, it is the direction itself.
    std::vector<Rational> direction = made.direction;
    Rational small = 1;
    for (size_t i = 0; tilt > 60 && i < direction.size(); ++i) {
      small = small * Rational::dyadic(1, 60 - tilt);
      direction[i] += small;
    }
    for (int closer = 4; closer < 40; ++closer) {
      const Rational t = Rational::dyadic(1, -closer);
      const Run there(made.program, ray(made.point, direction, t));
      if (!same_piece(here, there)) continue;
      Piece piece{there.duals.back().gradient, 0};
      for (size_t i = 0; i < direction.size(); ++i) piece.slope += piece.gradient[i] * made.direction[i];
      if (tilt == 60 && piece.slope != (there.duals.back().value - here.duals.back().value) / t)
        throw Bug("the ray does not stay in one piece");
      return piece;
    }
  }
  throw Bug("no piece reaches the point");
}

}  // namespace crease::piecewise
