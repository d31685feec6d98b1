#include "graph/scan.h"

#include <algorithm>

#include "graph/error.h"
#include "graph/ops/movement.h"

namespace crease {
namespace {

Shape after(const Dim& length, const Shape& shape) {
  Shape result{length};
  result.insert(result.end(), shape.begin(), shape.end());
  return result;
}

std::string form(Type type, const Shape& shape) { return std::string(to_string(type)) + to_string(shape); }

/// Collects what is wrong.
struct Complaints {
  std::vector<std::string> list;
  template <class... Arguments>
  void unless(bool holds, fmt::format_string<Arguments...> text, Arguments&&... arguments) {
    if (!holds) list.push_back(fmt::format(text, std::forward<Arguments>(arguments)...));
  }
};

void check_counts(const Scan& scan, Complaints& wrong) {
  const size_t inputs = scan.body.inputs().size(), outputs = scan.body.outputs().size();
  wrong.unless(scan.carries >= 0 && scan.sequences >= 0 &&
                   inputs >= static_cast<size_t>(scan.carries + scan.sequences),
               "{} carries and {} sequences, but a body with {} inputs", scan.carries, scan.sequences,
               inputs);
  wrong.unless(scan.carries >= 0 && outputs >= static_cast<size_t>(scan.carries),
               "{} carries, but a body with {} outputs", scan.carries, outputs);
  wrong.unless(scan.body.parameters().empty() && scan.body.updates().empty(),
               "the body has parameters or updates of its own: give them as invariants");
}

std::vector<Value> add_inputs(Graph& body, const char* name, std::span<const Value> values, size_t drop) {
  std::vector<Value> inputs;
  for (const Value& value : values) {
    const Shape shape(value.shape().begin() + static_cast<std::ptrdiff_t>(drop), value.shape().end());
    inputs.push_back(
        body.input(fmt::format("{}{}", name, inputs.size()), shape, value.type(), value.node().where));
  }
  return inputs;
}

void add_outputs(Graph& body, const char* name, std::span<const Value> values, std::source_location where) {
  for (size_t k = 0; k < values.size(); ++k) {
    const bool of_body = values[k].valid() && body.size() > 0 && values[k].same_graph(body.value(0));
    expect(of_body,
           "[scan] {}{} is no value of the body: compute it from what the step is given; values from outside "
           "go in as invariants (at {})",
           name, k, to_string(where));
    body.output(fmt::format("{}{}", name, k), values[k]);
  }
}

Dim length_of(const std::vector<Value>& sequences, const ScanOptions& options, std::source_location where) {
  std::optional<Dim> length = options.length;
  for (const Value& sequence : sequences) {
    expect(!sequence.shape().empty(), "[scan] a sequence is a scalar: want [length, ...] (at {})",
           to_string(where));
    const Dim own = sequence.shape().front();
    expect(!length || *length == own, "[scan] sequences of lengths {} and {} (at {})",
           to_string(length.value_or(own)), to_string(own), to_string(where));
    length = own;
  }
  expect(length.has_value(), "[scan] without a sequence, give options.length (at {})", to_string(where));
  return *length;
}

/// The loop as one node for each result.
ScanResult plain_scan(const std::vector<Value>& initial, const std::vector<Value>& sequences,
                      const std::vector<Value>& invariants, const ScanFunction& step,
                      const ScanOptions& options, std::source_location where) {
  auto record = std::make_shared<Scan>();
  record->carries = static_cast<int>(initial.size());
  record->sequences = static_cast<int>(sequences.size());
  record->length = length_of(sequences, options, where);
  record->reverse = options.reverse;
  Graph& body = record->body;
  const ScanArguments arguments{.carries = {add_inputs(body, "carry", initial, 0), "carries"},
                                .elements = {add_inputs(body, "element", sequences, 1), "elements"},
                                .invariants = {add_inputs(body, "invariant", invariants, 0), "invariants"}};
  const ScanStep made = step(arguments);
  expect(made.carries.size() == initial.size(), "[scan] the step makes {} carries of {} (at {})",
         made.carries.size(), initial.size(), to_string(where));
  add_outputs(body, "next", made.carries, where);
  add_outputs(body, "output", made.outputs, where);
  std::vector<Value> operands = initial;
  operands.insert(operands.end(), sequences.begin(), sequences.end());
  operands.insert(operands.end(), invariants.begin(), invariants.end());
  ScanResult result;
  for (int r = 0; r < record->carries + record->stacked(); ++r)
    (record->is_final(r) ? result.carries : result.outputs).push_back(apply_scan(record, r, operands, where));
  return result;
}

/// [length, ...] as [length / part, part, ...], or back.
Value split(const Value& sequence, int64_t part, std::source_location where) {
  const int64_t length = sequence.shape()[0].size();
  Shape shape{Dim(length / part), Dim(part)};
  shape.insert(shape.end(), sequence.shape().begin() + 1, sequence.shape().end());
  return reshape({sequence, where}, shape);
}

Value join(const Value& parts, std::source_location where) {
  Shape shape{Dim(parts.shape()[0].size() * parts.shape()[1].size())};
  shape.insert(shape.end(), parts.shape().begin() + 2, parts.shape().end());
  return reshape({parts, where}, shape);
}

/// A loop over parts, each a loop of its own: the way back keeps of a part only what it started from.
ScanResult checkpointed_scan(const std::vector<Value>& initial, const std::vector<Value>& sequences,
                             const std::vector<Value>& invariants, const ScanFunction& step,
                             const ScanOptions& options, std::source_location where) {
  const Dim length = length_of(sequences, options, where);
  const int64_t part = options.checkpoint;
  expect(!length.is_symbol() && part > 0 && length.size() % part == 0,
         "[scan] a checkpoint after {} steps does not fit: got length {}, want a multiple (at {})", part,
         to_string(length), to_string(where));
  std::vector<Value> parts;
  for (const Value& sequence : sequences) parts.push_back(split(sequence, part, where));
  const auto one = [&](const ScanArguments& arguments) {
    const ScanResult made = plain_scan(arguments.carries, arguments.elements, arguments.invariants, step,
                                       {.reverse = options.reverse, .length = Dim(part)}, where);
    return ScanStep{.carries = made.carries, .outputs = made.outputs};
  };
  ScanResult result = plain_scan(initial, parts, invariants, one,
                                 {.reverse = options.reverse, .length = Dim(length.size() / part)}, where);
  for (Value& output : result.outputs) output = join(output, where);
  return result;
}

}  // namespace

const Value& ScanValues::at(size_t position) const {
  expect(position < values_.size(),
         "[scan] the step reads number {} of its {}, counted from 0: it is given {}", position, what_,
         values_.size());
  return values_[position];
}

int Scan::invariants() const { return static_cast<int>(body.inputs().size()) - carries - sequences; }
int Scan::stacked() const { return static_cast<int>(body.outputs().size()) - carries; }
int Scan::results() const { return inner(body.size()); }

NodeId Scan::source(int result) const {
  if (is_inner(result)) return result - inner(0);
  return body.outputs()[static_cast<size_t>(result)].node;
}

Shape Scan::shape(int result) const {
  const Shape& own = body.node(source(result)).shape;
  return is_final(result) ? own : after(length, own);
}

std::vector<std::string> problems(const Scan& scan, std::span<const Shape> shapes,
                                  std::span<const Type> types) {
  Complaints wrong;
  check_counts(scan, wrong);
  if (!wrong.list.empty()) return wrong.list;
  const std::vector<NodeId> inputs = scan.body.inputs();
  wrong.unless(shapes.size() == inputs.size(), "{} operands for a body with {} inputs", shapes.size(),
               inputs.size());
  for (size_t k = 0; k < std::min(shapes.size(), inputs.size()); ++k) {
    const Node& input = scan.body.node(inputs[k]);
    const bool sequence =
        k >= static_cast<size_t>(scan.carries) && k < static_cast<size_t>(scan.carries + scan.sequences);
    const Shape want = sequence ? after(scan.length, input.shape) : input.shape;
    wrong.unless(shapes[k] == want && types[k] == input.type, "operand {} is {}, want {}", k,
                 form(types[k], shapes[k]), form(input.type, want));
  }
  for (int c = 0; c < scan.carries; ++c) {
    const Node& before = scan.body.node(inputs[static_cast<size_t>(c)]);
    const Node& next = scan.body.node(scan.source(c));
    wrong.unless(before.shape == next.shape && before.type == next.type, "carry {} is {}, the next one {}", c,
                 form(before.type, before.shape), form(next.type, next.shape));
  }
  return wrong.list;
}

Value apply_scan(const std::shared_ptr<const Scan>& scan, int result, const std::vector<Value>& operands,
                 std::source_location where) {
  expect(!operands.empty(), "[scan] has no operands (at {})", to_string(where));
  std::vector<Shape> shapes;
  std::vector<Type> types;
  for (const Value& operand : operands) {
    shapes.push_back(operand.shape());
    types.push_back(operand.type());
  }
  const auto wrong = problems(*scan, shapes, types);
  expect(wrong.empty(), "[scan] {} (at {})", wrong.empty() ? std::string() : wrong.front(), to_string(where));
  expect(result >= 0 && result < scan->results(), "[scan] no result {}: it has {} (at {})", result,
         scan->results(), to_string(where));
  return operands.front().graph().apply_scan(scan, result, operands, where);
}

std::vector<NodeId> siblings(const Graph& graph, NodeId id, int size) {
  const Node& node = graph.node(id);
  std::vector<NodeId> found;
  for (NodeId other = 0; other < size; ++other)
    if (graph.node(other).scan == node.scan && graph.node(other).operands == node.operands)
      found.push_back(other);
  return found;
}

ScanResult scan(const std::vector<Value>& initial, const std::vector<Value>& sequences,
                const std::vector<Value>& invariants, const ScanFunction& step, const ScanOptions& options,
                std::source_location where) {
  const auto make = options.checkpoint == 0 ? plain_scan : checkpointed_scan;
  return make(initial, sequences, invariants, step, options, where);
}

}  // namespace crease
