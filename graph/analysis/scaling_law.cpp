#include "graph/analysis/scaling_law.h"

#include <cmath>
#include <type_traits>
#include <unordered_map>

namespace crease {
namespace {

/// Reads an expression bottom up; what Any and forms mean is said in the header.
template <class Field>
class LawReader {
 public:
  using Form = LinearForm<Field>;
  using Scale = std::optional<Form>;

  BodyLaw<Field> read(const Scalar& body) {
    Scale result = scale(body);
    return {std::move(constraints_), std::move(result)};
  }

 private:
  static constexpr bool signs = std::is_same_v<Field, Parity2>;

  std::unordered_map<const ScalarNode*, Scale> known_;
  std::vector<Form> constraints_;

  const Scale& scale(const Scalar& e) {
    if (const auto found = known_.find(e.id()); found != known_.end()) return found->second;
    Scale result = derive(e);
    return known_.emplace(e.id(), std::move(result)).first->second;
  }

  void require_zero(const Scale& a) {
    if (a && !a->empty()) constraints_.push_back(*a);
  }

  /// Both have one factor; Any joins either.
  Scale join(const Scale& a, const Scale& b) {
    if (!a) return b;
    if (!b) return a;
    Form difference = *a;
    add_to(difference, *b, -Field(1));
    require_zero(difference);
    return a;
  }

  Scale pinned(const Scale& a) {
    require_zero(a);
    return Form{};
  }

  static Scale product(const Scale& a, const Scale& b, const Field& factor) {
    if (!a || !b) return std::nullopt;
    Form sum = *a;
    add_to(sum, *b, factor);
    return sum;
  }

  static bool opposite(const Scalar& a, const Scalar& b) { return a.same(-b) || b.same(-a); }

  /// max, min: positive factors pass; a sign does not, except through max(x, -x), which hides it.
  Scale extremum(const Scalar& a, const Scalar& b) {
    if constexpr (!signs) return join(scale(a), scale(b));
    if (opposite(a, b)) {
      scale(a);
      return Form{};
    }
    require_zero(scale(a));
    return pinned(scale(b));
  }

  Scale comparison(const Scalar& a, const Scalar& b, bool symmetric) {
    const Scale left = scale(a), right = scale(b);
    if (signs && !symmetric) {
      require_zero(left);
      return pinned(right);
    }
    join(left, right);
    return Form{};
  }

  Scale root(const Scale& a) {
    if constexpr (signs) return pinned(a);
    if (!a) return a;
    Form half;
    add_to(half, *a, Field(1) / Field(2));
    return half;
  }

  Scale odd(const Scale& a) { return signs ? a : pinned(a); }

  Scale even(const Scale& a) { return signs ? Scale(Form{}) : pinned(a); }

  static Scale constant(double value) {
    if (value == 0 || (!signs && std::isinf(value))) return std::nullopt;
    return Form{};
  }

  Scale select(const Scalar& condition, const Scalar& then, const Scalar& otherwise) {
    require_zero(scale(condition));
    const Scale first = scale(then);
    return join(first, scale(otherwise));
  }

  Scale derive(const Scalar& e) {
    const auto t = e.terms();
    switch (e.kind()) {
      case ScalarKind::Constant: return constant(e.constant());
      case ScalarKind::Argument: return Form{{e.position(), Field(1)}};
      case ScalarKind::Index:
      case ScalarKind::Size: return Form{};
      case ScalarKind::Add:
      case ScalarKind::Subtract: {
        const Scale first = scale(t[0]);
        return join(first, scale(t[1]));
      }
      case ScalarKind::Multiply: {
        const Scale first = scale(t[0]);
        return product(first, scale(t[1]), Field(1));
      }
      case ScalarKind::Divide: {
        const Scale first = scale(t[0]);
        return product(first, scale(t[1]), -Field(1));
      }
      case ScalarKind::Negate: return scale(t[0]);
      case ScalarKind::Max:
      case ScalarKind::Min: return extremum(t[0], t[1]);
      case ScalarKind::Less:
      case ScalarKind::LessEqual: return comparison(t[0], t[1], false);
      case ScalarKind::Equal: return comparison(t[0], t[1], true);
      case ScalarKind::And:
      case ScalarKind::Or: require_zero(scale(t[0])); return pinned(scale(t[1]));
      case ScalarKind::Select: return select(t[0], t[1], t[2]);
      case ScalarKind::Sqrt: return root(scale(t[0]));
      case ScalarKind::Sin:
      case ScalarKind::Tanh:
      case ScalarKind::Erf: return odd(scale(t[0]));
      case ScalarKind::Cos: return even(scale(t[0]));
      case ScalarKind::Not:
      case ScalarKind::Exp:
      case ScalarKind::Expm1:
      case ScalarKind::Log:
      case ScalarKind::Log1p:
      case ScalarKind::Sigmoid:
      case ScalarKind::Softplus:
      case ScalarKind::Floor: return pinned(scale(t[0]));
    }
    return std::nullopt;
  }
};

}  // namespace

BodyLaw<Rational> scale_law(const Scalar& body) { return LawReader<Rational>().read(body); }

BodyLaw<Parity2> sign_law(const Scalar& body) { return LawReader<Parity2>().read(body); }

std::optional<Rational> homogeneous_degree(const Scalar& body) {
  const BodyLaw<Rational> law = scale_law(body);
  if (!law.constraints.empty() || !law.result || arity(body) != 1) return std::nullopt;
  const auto found = law.result->find(0);
  return found == law.result->end() ? Rational(0) : found->second;
}

}  // namespace crease
