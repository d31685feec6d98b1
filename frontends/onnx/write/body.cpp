#include "frontends/onnx/write/body.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "frontends/onnx/write/forms.h"
#include "graph/error.h"
#include "graph/integers.h"

namespace crease::onnx {
namespace {

/// The operator of a kind that is one, with numbers for terms.
const char* operator_of(ScalarKind kind) {
  using enum ScalarKind;
  switch (kind) {
    case Add: return "Add";
    case Subtract: return "Sub";
    case Multiply: return "Mul";
    case Divide: return "Div";
    case Negate: return "Neg";
    case Max: return "Max";
    case Min: return "Min";
    case Exp: return "Exp";
    case Log: return "Log";
    case Sqrt: return "Sqrt";
    case Sin: return "Sin";
    case Cos: return "Cos";
    case Tanh: return "Tanh";
    case Sigmoid: return "Sigmoid";
    case Erf: return "Erf";
    case Floor: return "Floor";
    case Constant:
    case Argument:
    case Index:
    case Size:
    case Less:
    case LessEqual:
    case Equal:
    case And:
    case Or:
    case Not:
    case Select:
    case Expm1:
    case Log1p:
    case Softplus: break;
  }
  return nullptr;
}

}  // namespace

BodyWriter::BodyWriter(const Writing& writing, std::vector<Labelled> operands, std::vector<int> order)
    : writing_(writing),
      operands_(std::move(operands)),
      order_(std::move(order)),
      type_(body_type(*writing.node.op, operand_types(writing.graph, writing.node), writing.node.type)) {}

Labelled BodyWriter::add(const char* type, const std::vector<Labelled>& terms,
                         const std::vector<Attribute>& attributes) {
  std::vector<std::string> names;
  std::vector<int> labels;
  for (const Labelled& term : terms) {
    names.push_back(term.name);
    const size_t rank = std::max(labels.size(), term.labels.size());
    labels.insert(labels.begin(), rank - labels.size(), none);
    for (size_t k = 0; k < term.labels.size(); ++k) {
      int& label = labels[rank - term.labels.size() + k];
      if (label == none) label = term.labels[k];
    }
  }
  return {writing_.emit.add(type, names, attributes), labels};
}

Computed BodyWriter::compute(const Scalar& expression) {
  const auto it = done_.find(expression.id());
  if (it != done_.end()) return it->second;
  return done_.emplace(expression.id(), made(expression)).first->second;
}

Labelled BodyWriter::as_number(const Computed& computed) {
  if (!computed.truth) return computed.value;
  return {writing_.emit.cast(computed.value.name, type_), computed.value.labels};
}

Labelled BodyWriter::as_truth(const Computed& computed) {
  if (computed.truth) return computed.value;
  return {writing_.emit.cast(computed.value.name, Type::boolean), computed.value.labels};
}

Computed BodyWriter::argument(size_t k) {
  const Type type = writing_.operand(k).type;
  if (type == Type::boolean || type == type_) return {operands_[k], type == Type::boolean};
  return {{writing_.emit.cast(operands_[k].name, type_), operands_[k].labels}};
}

/// 0, 1, ... along a label.
Labelled BodyWriter::position(int label) {
  const auto place = std::ranges::find(order_, label);
  const Dim& extent = writing_.extent(label);
  std::vector<int> labels(static_cast<size_t>(order_.end() - place), none);
  labels[0] = label;
  if (!extent.is_symbol()) {
    std::vector<int64_t> sizes(labels.size(), 1);
    sizes[0] = extent.size();
    Tensor values(type_, sizes);
    for (int64_t i = 0; i < values.count(); ++i) values.set(i, static_cast<double>(i));
    return {writing_.emit.constant(values), labels};
  }
  Emitter& emit = writing_.emit;
  const std::string end = emit.reshaped({emit.size(extent.symbol()), {1}}, {});
  std::string values = emit.add("Range", {emit.number(Type::i64, 0), end, emit.number(Type::i64, 1)});
  if (type_ != Type::i64) values = emit.cast(values, type_);
  Shape shape(labels.size(), Dim(1));
  shape[0] = extent;
  return {emit.reshaped({values, {extent}}, shape), labels};
}

Labelled BodyWriter::size(const std::string& symbol) {
  Emitter& emit = writing_.emit;
  const std::string count = emit.reshaped({emit.size(symbol), {1}}, {});
  return {type_ == Type::i64 ? count : emit.cast(count, type_), {}};
}

/// exp(x) - 1 = tanh(x / 2) (exp(x) + 1), which keeps its digits near 0.
Labelled BodyWriter::expm1(const Labelled& x) {
  const Labelled half = add("Tanh", {add("Mul", {x, number(0.5)})});
  return add("Mul", {half, add("Add", {add("Exp", {x}), number(1)})});
}

/// log(u) x / (u - 1) with u = 1 + x, which keeps the digits of x that u has lost; log(u) where it has lost
/// none, and x where it has lost all. Source: Goldberg 1991, theorem 4.
Labelled BodyWriter::log1p(const Labelled& x) {
  const Labelled u = add("Add", {x, number(1)}), kept = add("Sub", {u, number(1)}), log = add("Log", {u});
  const Labelled corrected = add("Mul", {log, add("Div", {x, kept})});
  const Labelled inner = add("Where", {add("Equal", {kept, number(0)}), x, corrected});
  return add("Where", {add("Equal", {kept, x}), log, inner});
}

/// max(x, 0) + log(1 + exp(-|x|)): where there is no operator for it.
Labelled BodyWriter::softplus(const Scalar& x) {
  return add("Add", {number_of(max(x, 0)), log1p(number_of(crease::exp(-abs(x))))});
}

Labelled BodyWriter::compared(const char* type, const char* swapped, const Scalar& expression) {
  const auto terms = expression.terms();
  const bool swap = terms[0].kind() == ScalarKind::Constant;  // x > 0 is written 0 < x
  const Labelled first = number_of(terms[0]), second = number_of(terms[1]);
  return swap ? add(swapped, {second, first}) : add(type, {first, second});
}

/// Whether further terms repeat to the first and not the other way round, as PRelu has it.
bool BodyWriter::fits_first(const std::vector<Labelled>& terms) const {
  return std::ranges::all_of(terms, [&](const Labelled& term) {
    return std::ranges::all_of(term.labels, [&](int label) {
      return label == none || std::ranges::find(terms[0].labels, label) != terms[0].labels.end();
    });
  });
}

Computed BodyWriter::made(const Scalar& expression) {
  if (const auto form = find_form(expression, type_)) {
    std::vector<Labelled> terms;
    for (const Scalar& term : form->terms) terms.push_back(number_of(term));
    if (fits_first(terms)) return {add(form->type, terms, form->attributes)};
  }
  const char* type = operator_of(expression.kind());
  if (!type) return made_of_kind(expression);
  std::vector<Labelled> values;
  for (const Scalar& term : expression.terms()) values.push_back(number_of(term));
  return {add(type, values)};
}

/// Leaves, truth values, and what is made of several operators.
Computed BodyWriter::made_of_kind(const Scalar& expression) {
  const auto terms = expression.terms();
  using enum ScalarKind;
  switch (expression.kind()) {
    case Constant: return {number(expression.constant())};
    case Argument: return argument(static_cast<size_t>(expression.position()));
    case Index: return {position(expression.position())};
    case Size: return {size(expression.symbol())};
    case Less: return {compared("Less", "Greater", expression), true};
    case LessEqual: return {compared("LessOrEqual", "GreaterOrEqual", expression), true};
    case Equal: return {add("Equal", {number_of(terms[0]), number_of(terms[1])}), true};
    case And: return {add("And", {truth_of(terms[0]), truth_of(terms[1])}), true};
    case Or: return {add("Or", {truth_of(terms[0]), truth_of(terms[1])}), true};
    case Not: return {add("Not", {truth_of(terms[0])}), true};
    case Select: return {add("Where", {truth_of(terms[0]), number_of(terms[1]), number_of(terms[2])})};
    case Expm1: return {expm1(number_of(terms[0]))};
    case Log1p: return {log1p(number_of(terms[0]))};
    case Softplus: return {softplus(terms[0])};
    case Add:
    case Subtract:
    case Multiply:
    case Divide:
    case Negate:
    case Max:
    case Min:
    case Exp:
    case Log:
    case Sqrt:
    case Sin:
    case Cos:
    case Tanh:
    case Sigmoid:
    case Erf:
    case Floor: break;
  }
  throw Bug("an operator that is written in another way");
}

}  // namespace crease::onnx
