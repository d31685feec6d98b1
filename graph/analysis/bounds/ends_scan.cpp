// Loops over time: a loop whose carries, sequences and invariants are ends. What is bounded is the carry of
// each step, so nothing has to be found that holds for all of them.
#include "graph/analysis/bounds/ends_builder.h"
#include "graph/analysis/bounds/interval.h"
#include "graph/scan.h"

namespace crease {

namespace {

/// Values in a row, as they go into a loop and come out of its arguments.
void append(const Bound& bound, std::vector<Value>& values) {
  if (bound.is_point()) {
    values.push_back(bound.point);
    return;
  }
  values.push_back(bound.negated_low);
  values.push_back(bound.high);
}

/// The bound that was appended to the values at `place`, and steps over it.
Bound taken(bool point, const std::vector<Value>& values, size_t& place) {
  if (point) return {.point = values[place++]};
  const Bound bound{.negated_low = values[place], .high = values[place + 1]};
  place += 2;
  return bound;
}

}  // namespace

Bound EndsBuilder::scanned(const Node& node) {
  const auto key = std::make_pair(node.scan.get(), node.operands);
  if (!scans_.contains(key)) scans_.emplace(key, scan_results(node));
  const auto& results = scans_.at(key);
  const auto number = static_cast<size_t>(node.result);
  if (!results || number >= results->size()) return filled(node.shape, kInfinity, kInfinity);
  return (*results)[number];
}

/// Final carries, then stacked outputs. Nothing where a carry of integers depends on what is not known.
std::optional<std::vector<Bound>> EndsBuilder::scan_results(const Node& node) {
  const Scan& loop = *node.scan;
  const std::vector<NodeId> inputs = loop.body.inputs();
  const auto carries = static_cast<size_t>(loop.carries), elements = static_cast<size_t>(loop.sequences);
  std::vector<Value> initial, sequences, invariants;
  std::vector<bool> point;  // by operand
  for (size_t k = 0; k < inputs.size(); ++k) {
    Bound bound = of(node, k);
    const bool carry = k < carries;
    if (carry && is_floating(loop.body.node(inputs[k]).type)) bound = as_ends(bound);
    if (carry && !is_floating(loop.body.node(inputs[k]).type) && !bound.is_point()) return {};
    point.push_back(bound.is_point());
    append(bound, carry ? initial : k < carries + elements ? sequences : invariants);
  }
  std::vector<NodeId> wanted;
  for (const Output& output : loop.body.outputs()) wanted.push_back(output.node);
  bool known = true;
  std::vector<bool> stacked_point;
  const auto step = [&](const ScanArguments& arguments) {
    const auto& some = !arguments.carries.empty()    ? arguments.carries
                       : !arguments.elements.empty() ? arguments.elements
                                                     : arguments.invariants;
    EndsBuilder inside(loop.body, some.at(0).graph(), type_);
    std::vector<Bound> given;
    size_t carry = 0, element = 0, invariant = 0;
    for (size_t k = 0; k < inputs.size(); ++k) {
      const bool is_element = k >= carries && k < carries + elements;
      given.push_back(k < carries  ? taken(point[k], arguments.carries, carry)
                      : is_element ? taken(point[k], arguments.elements, element)
                                   : taken(point[k], arguments.invariants, invariant));
      inside.give(inputs[k], given.back());
    }
    const std::vector<Bound> results = inside.run(wanted);
    ScanStep next;
    for (size_t k = 0; k < carries; ++k) {
      const bool lost = point[k] && !results[k].is_point();
      known = known && !lost;
      append(lost ? given[k] : point[k] ? results[k] : inside.as_ends(results[k]), next.carries);
    }
    for (size_t k = carries; k < results.size(); ++k) {
      stacked_point.push_back(results[k].is_point());
      append(results[k], next.outputs);
    }
    return next;
  };
  const ScanResult made =
      scan(initial, sequences, invariants, step, {.reverse = loop.reverse, .length = loop.length});
  if (!known) return {};
  std::vector<Bound> results;
  results.reserve(carries + stacked_point.size());
  size_t carry = 0, output = 0;
  for (size_t k = 0; k < carries; ++k) results.push_back(taken(point[k], made.carries, carry));
  for (const bool is_point : stacked_point) results.push_back(taken(is_point, made.outputs, output));
  return results;
}

}  // namespace crease
