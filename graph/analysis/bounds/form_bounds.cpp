#include "graph/analysis/bounds/form_bounds.h"

#include <map>

#include "graph/analysis/bounds/interval.h"

namespace crease {

namespace {

// Ends with more bits than this are rounded to doubles.
constexpr int64_t kMostBits = 512;
// In larger networks the slopes of chords are rounded to doubles: sums of fractions grow too long.
constexpr size_t kExactVariables = 40;
// So are those between longer numbers, or times longer ones: through 40 layers each chord's fraction would
// multiply the denominators of those before.
constexpr int64_t kExactBits = 192;

enum class Choice : uint8_t { Middle, Flat, Steep, Intervals };

Rational positive_part(const Rational& value) { return value.sign() > 0 ? value : Rational(0); }

/// A number that is not greater, with the digits of a double; itself where none is as low.
Rational rounded_down(const Rational& x) {
  const double low = enclose(x).low;
  return std::isfinite(low) ? Rational::of(low) : x;
}

/// The line through (l, max(l, 0)) and (u, max(u, 0)), raised if its slope is rounded.
std::pair<Rational, Rational> chord(const Rational& l, const Rational& u, bool exactly) {
  if (l.sign() >= 0) return {1, 0};
  if (u.sign() <= 0) return {0, 0};
  Rational slope = u / (u - l);
  if (!exactly) slope = Rational::of(slope.to_double());
  const Rational offset = std::max(-(slope * l), u - slope * u);
  return {slope, exactly ? offset : -rounded_down(-offset)};
}

Rational lower_slope(const Rational& l, const Rational& u, Choice choice) {
  if (l.sign() >= 0) return 1;
  if (u.sign() <= 0) return 0;
  if (choice == Choice::Middle) return u > -l ? 1 : 0;
  return choice == Choice::Steep ? 1 : 0;
}

// Relus whose lower line is tried both ways for one bound.
constexpr size_t kMostFlips = 24;

/// One end, and what proves it.
struct End {
  std::optional<Rational> value;
  LineProof proof;
  int64_t work = 0;  // as FormRange::work
};

/// A lower bound of a combination.
class LowerBound {
 public:
  /// `slopes`: of lower lines, instead of what the choice says.
  LowerBound(const Variables& variables, const LeafRange& leaf, Choice choice,
             const std::map<int, Rational>& slopes)
      : variables_(variables), leaf_(leaf), choice_(choice), slopes_(slopes) {}

  /// `negated`: the form is the negative of the one to be proved.
  End of(const Combination& form) {
    for (const auto& [variable, coefficient] : form.terms) terms_[variable] = coefficient;
    constant_ = form.constant;
    if (choice_ != Choice::Intervals)
      for (auto place = terms_.end(); place != terms_.begin();) {
        --place;
        place = replaced(place);
      }
    return {ends(), std::move(proof_), work_};
  }

 private:
  using Place = std::map<int, Rational>::iterator;

  /// Replaces a relu by its line, which has earlier variables only; gives the place after what is left to do.
  Place replaced(Place place) {
    const auto [index, coefficient] = *place;
    const Variable& variable = variables_[index];
    if (variable.kind != VariableKind::Relu) return place;
    const auto &l = variable.range.low, &u = variable.range.high;
    const bool above = coefficient.sign() < 0;
    if (!l || !u) return place;
    Rational slope;
    if (above) {
      const bool exactly = variables_.all().size() <= kExactVariables &&
                           l->bits() + u->bits() + coefficient.bits() <= kExactBits;
      const auto line = chord(*l, *u, exactly);
      proof_.upper[index] = line;
      slope = line.first;
      constant_ += coefficient * line.second;
    } else {
      const auto given = slopes_.find(index);
      slope = given == slopes_.end() ? lower_slope(*l, *u, choice_) : given->second;
      proof_.lower[index] = slope;
    }
    proof_.eliminate.push_back(index);
    const auto next = terms_.erase(place);
    if (slope.is_zero()) return next;
    const Rational factor = coefficient * slope;
    const Combination& argument = variable.arguments[0];
    constant_ += factor * argument.constant;
    work_ += work_with(constant_);
    for (const auto& [earlier, weight] : argument.terms) {
      Rational& sum = terms_[earlier];
      sum += factor * weight;
      work_ += work_with(sum);
    }
    return terms_.lower_bound(index);
  }

  std::optional<Rational> ends() const {
    Rational sum = constant_;
    for (const auto& [index, coefficient] : terms_) {
      if (coefficient.is_zero()) continue;
      const Variable& variable = variables_[index];
      std::pair<std::optional<Rational>, std::optional<Rational>> range;
      if (variable.kind == VariableKind::Leaf) range = leaf_(variable.name);
      if (variable.kind == VariableKind::Error) range = {variable.range.low, variable.range.high};
      if (variable.kind == VariableKind::Relu) {
        range.first = variable.range.low ? positive_part(*variable.range.low) : Rational(0);
        if (variable.range.high) range.second = positive_part(*variable.range.high);
      }
      const auto& side = coefficient.sign() > 0 ? range.first : range.second;
      if (!side) return {};
      sum += coefficient * *side;
    }
    return sum;
  }

  const Variables& variables_;
  const LeafRange& leaf_;
  const Choice choice_;
  const std::map<int, Rational>& slopes_;
  std::map<int, Rational> terms_;
  Rational constant_;
  LineProof proof_;
  int64_t work_ = 0;
};

/// The greater of two ends, and the work of both.
End better(End a, End b) {
  const int64_t work = a.work + b.work;
  End result = b.value && (!a.value || *a.value < *b.value) ? std::move(b) : std::move(a);
  result.work = work;
  return result;
}

/// Slopes 0 and 1 exchanged one by one, where that raises the bound.
End improved(const Variables& variables, const Combination& form, const LeafRange& leaf, End best) {
  const std::map<int, Rational> lines = best.proof.lower;
  if (!best.value || lines.size() > kMostFlips) return best;
  for (const auto& line : lines) {
    std::map<int, Rational> slopes = best.proof.lower;
    if (!slopes.contains(line.first)) continue;
    slopes[line.first] = Rational(1) - slopes[line.first];
    best = better(std::move(best), LowerBound(variables, leaf, Choice::Middle, slopes).of(form));
  }
  return best;
}

/// An end with fewer bits, further out; none where that is beyond all doubles.
void round_down(End& end) {
  if (!end.value || end.value->bits() <= kMostBits) return;
  const double low = enclose(*end.value).low;
  end.value = std::isfinite(low) ? std::optional(Rational::of(low)) : std::nullopt;
}

FormRange range_of(End low, End high) {
  round_down(low);
  round_down(high);
  FormRange range{.low = low.value,
                  .lower_proof = std::move(low.proof),
                  .upper_proof = std::move(high.proof),
                  .work = low.work + high.work};
  if (high.value) range.high = -*high.value;
  return range;
}

End lowest(const Variables& variables, const Combination& form, const LeafRange& leaf) {
  static const std::map<int, Rational> by_choice;
  End best;
  for (const Choice choice : {Choice::Middle, Choice::Flat, Choice::Steep})
    best = better(std::move(best), LowerBound(variables, leaf, choice, by_choice).of(form));
  best = improved(variables, form, leaf, std::move(best));
  return better(std::move(best), LowerBound(variables, leaf, Choice::Intervals, by_choice).of(form));
}

}  // namespace

FormRange form_range(const Variables& variables, const Combination& form, const LeafRange& leaf) {
  return range_of(lowest(variables, form, leaf), lowest(variables, Rational(-1) * form, leaf));
}

FormRange interval_range(const Variables& variables, const Combination& form, const LeafRange& leaf) {
  static const std::map<int, Rational> by_choice;
  return range_of(LowerBound(variables, leaf, Choice::Intervals, by_choice).of(form),
                  LowerBound(variables, leaf, Choice::Intervals, by_choice).of(Rational(-1) * form));
}

FormRange line_range(const Variables& variables, const Combination& form, const LeafRange& leaf) {
  static const std::map<int, Rational> by_choice;
  return range_of(LowerBound(variables, leaf, Choice::Middle, by_choice).of(form),
                  LowerBound(variables, leaf, Choice::Middle, by_choice).of(Rational(-1) * form));
}

}  // namespace crease
