#include "graph/analysis/affine_body.h"

#include <cmath>

#include "graph/piecewise.h"

namespace crease {

AffineBody::AffineBody(const Scalar& body, std::vector<bool> is_data)
    : is_data_(std::move(is_data)), steps_(steps_of(body)) {
  if (is_data_.size() == 1 && is_data_[0]) {
    const auto table = piecewise_linear(body);
    if (table && is_affine(*table)) table_ = Value{true, {table->slopes[0]}, table->offsets[0]};
  }
  values_.resize(steps_.size());
}

bool AffineBody::run(std::span<const Rational> constants, std::span<const int64_t> labels) {
  if (table_) {
    values_.back() = *table_;
    return true;
  }
  for (size_t i = 0; i < steps_.size(); ++i)
    values_[i] = steps_[i].terms.empty() ? leaf(steps_[i].node, constants, labels) : inner(steps_[i]);
  values_.back().slopes.resize(is_data_.size());
  return values_.back().known;
}

AffineBody::Value AffineBody::leaf(const Scalar& node, std::span<const Rational> constants,
                                   std::span<const int64_t> labels) const {
  if (node.kind() == ScalarKind::Argument) {
    const auto position = static_cast<size_t>(node.position());
    if (!is_data_[position]) return {true, {}, constants[position]};
    Value value{true, std::vector<Rational>(is_data_.size()), {}};
    value.slopes[position] = 1;
    return value;
  }
  if (node.kind() == ScalarKind::Index) return {true, {}, labels[static_cast<size_t>(node.position())]};
  if (node.kind() == ScalarKind::Constant && std::isfinite(node.constant()))
    return {true, {}, Rational::of(node.constant())};
  return {};
}

AffineBody::Value AffineBody::inner(const BodyStep& step) const {
  const auto term = [&](size_t k) -> const Value& { return values_[step.terms[k]]; };
  const ScalarKind kind = step.node.kind();
  if (kind == ScalarKind::Select) {
    if (!term(0).known || !term(0).slopes.empty()) return {};
    return term(0).offset.is_zero() ? term(2) : term(1);
  }
  bool constant = true;
  std::vector<Rational> offsets;
  for (size_t k = 0; k < step.terms.size(); ++k) {
    if (!term(k).known) return {};
    constant = constant && term(k).slopes.empty();
    offsets.push_back(term(k).offset);
  }
  if (constant) {
    const auto value = compute_exactly(kind, offsets);
    return value ? Value{true, {}, *value} : Value{};
  }
  const auto scaled = [](Value value, const Rational& factor) {
    for (Rational& slope : value.slopes) slope *= factor;
    value.offset *= factor;
    return value;
  };
  if (kind == ScalarKind::Negate) return scaled(term(0), -1);
  if (kind == ScalarKind::Divide && term(1).slopes.empty() && !offsets[1].is_zero())
    return scaled(term(0), Rational(1) / offsets[1]);
  if (kind == ScalarKind::Multiply && term(1).slopes.empty()) return scaled(term(0), offsets[1]);
  if (kind == ScalarKind::Multiply && term(0).slopes.empty()) return scaled(term(1), offsets[0]);
  if (kind != ScalarKind::Add && kind != ScalarKind::Subtract) return {};
  Value sum = term(0);
  sum.slopes.resize(is_data_.size());
  const Value second = kind == ScalarKind::Add ? term(1) : scaled(term(1), -1);
  for (size_t k = 0; k < second.slopes.size(); ++k) sum.slopes[k] += second.slopes[k];
  sum.offset += second.offset;
  return sum;
}

}  // namespace crease
