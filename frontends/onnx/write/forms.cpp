#include "frontends/onnx/write/forms.h"

#include <algorithm>
#include <map>

namespace crease::onnx {
namespace {

using Kind = ScalarKind;

/// In patterns: the terms, and numbers of any value.
const Scalar x = Scalar::argument(0), y = Scalar::argument(1);
constexpr int first_number = 100;
const Scalar a = Scalar::argument(first_number), b = Scalar::argument(first_number + 1);

/// What the numbers are: attributes, or inputs behind the terms.
enum class Numbers : uint8_t { None, Attributes, Inputs };

struct Row {
  const char* type;
  Scalar pattern;
  Numbers numbers = Numbers::None;
  std::vector<const char*> names = {};  // of the attributes
  bool (*holds)(double a, double b) = nullptr;
  bool f32_only = false;  // runtimes have it, or survive it, for f32 only: its parts are written
};

Scalar below(const Scalar& negative) { return select(x > 0, x, negative); }

/// Larger expressions first: the first row that fits is taken.
const std::vector<Row>& rows() {
  using enum Numbers;
  const auto ordered = [](double low, double high) { return low <= high; };
  const auto flat = [](double slope, double) { return slope <= 1; };
  const auto steep = [](double slope, double) { return slope > 1; };
  static const std::vector<Row> all{
      {"HardSwish", x * min(max(x + 3, 0), 6) / 6, None, {}, nullptr, true},
      {"HardSigmoid", min(max(x * a + b, 0), 1), Attributes, {"alpha", "beta"}, nullptr, true},
      {"Selu", below(expm1(x) * a) * b, Attributes, {"alpha", "gamma"}, nullptr, true},
      {"Elu", below(expm1(x) * a), Attributes, {"alpha"}, nullptr, true},
      {"Elu", below(expm1(x)), None, {}, nullptr, true},
      {"Celu", below(expm1(x / a) * a), Attributes, {"alpha"}, nullptr, true},
      {"Sign", select(x > 0, 1, select(x < 0, -1, 0))},
      {"LeakyRelu", max(x, 0) + a * min(x, 0), Attributes, {"alpha"}},
      {"PRelu", max(x, 0) + y * min(x, 0)},
      {"Softsign", x / (1 + abs(x)), None, {}, nullptr, true},
      {"Clip", min(max(x, a), b), Inputs, {}, ordered, true},
      {"ThresholdedRelu", select(a < x, x, 0), Attributes, {"alpha"}, nullptr, true},
      {"LeakyRelu", max(x, x * a), Attributes, {"alpha"}, flat},
      {"LeakyRelu", min(x, x * a), Attributes, {"alpha"}, steep},
      {"Relu", max(x, 0)},
      {"Abs", abs(x)},
      {"Ceil", -floor(-x)},
      {"Reciprocal", 1 / x},
      {"Softplus", softplus(x), None, {}, nullptr, true}};
  return all;
}

using Bound = std::map<int, Scalar>;

bool bind(Bound& bound, const Scalar& pattern, const Scalar& expression) {
  if (pattern.position() >= first_number && expression.kind() != Kind::Constant) return false;
  return bound.emplace(pattern.position(), expression).first->second.same(expression);
}

bool matches(Bound& bound, const Scalar& pattern, const Scalar& expression) {
  if (pattern.kind() == Kind::Argument) return bind(bound, pattern, expression);
  if (pattern.kind() != expression.kind()) return false;
  if (pattern.kind() == Kind::Constant) return pattern.same(expression);
  const auto want = pattern.terms(), have = expression.terms();
  const auto all = [&](size_t first) {
    Bound trial = bound;
    for (size_t k = 0; k < want.size(); ++k)
      if (!matches(trial, want[k], have[k == 0 ? first : k == first ? 0 : k])) return false;
    bound = trial;
    return true;
  };
  if (all(0)) return true;
  using enum ScalarKind;
  const bool commutes = want.size() == 2 && (pattern.kind() == Add || pattern.kind() == Multiply ||
                                             pattern.kind() == Max || pattern.kind() == Min);
  return commutes && all(1);
}

std::optional<Form> form_of(const Row& row, const Bound& bound, Type type) {
  Form form{.type = row.type, .terms = {}};
  std::vector<double> numbers;
  for (const auto& [position, term] : bound) {
    if (position < first_number || row.numbers == Numbers::Inputs) form.terms.push_back(term);
    if (position >= first_number) numbers.push_back(term.constant());
  }
  for (size_t k = 0; row.numbers == Numbers::Attributes && k < numbers.size(); ++k) {
    const auto value = static_cast<float>(numbers[k]);
    if (type == Type::f64 && static_cast<double>(value) != numbers[k]) return {};
    form.attributes.emplace_back(row.names[k], value);
  }
  numbers.resize(2);
  if (row.holds && !row.holds(numbers[0], numbers[1])) return {};
  return form;
}

}  // namespace

std::optional<Form> find_form(const Scalar& expression, Type type) {
  if (!is_floating(type)) return {};
  for (const Row& row : rows()) {
    Bound bound;
    if ((row.f32_only && type != Type::f32) || !matches(bound, row.pattern, expression)) continue;
    if (auto form = form_of(row, bound, type)) return form;
  }
  return {};
}

}  // namespace crease::onnx
