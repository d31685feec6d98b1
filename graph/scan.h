// A loop over time as one node: the body is a graph of its own, run once for each step and never unrolled, so
// that evaluation, derivatives and compiled code do not grow with the number of steps.
//
//   carries = initial
//   for t in 0 .. length - 1 (from the end if reverse):
//     carries, stacked[t] = body(carries, sequences[t], invariants)
//
// Each result is a node of its own (Node::scan, Node::result): a final carry, a stacked output, or any inner
// value of the body, stacked; derivatives read those. Nodes with the same record and operands are siblings:
// one loop computes all of them, and nothing that none of them wants.
#pragma once

#include <functional>

#include "graph/graph.h"

namespace crease {

/// The record of a loop. Inputs of the body, in order: carries, elements of sequences, invariants. Its
/// outputs: the next carries, then the outputs to be stacked. The body has neither parameters nor updates.
struct Scan {
  Graph body;
  int carries = 0;
  int sequences = 0;
  Dim length;            // number of steps: the first dimension of each sequence
  bool reverse = false;  // the last step first

  int invariants() const;
  int stacked() const;
  /// Carries, stacked outputs, inner values: how many results there are.
  int results() const;
  bool is_final(int result) const { return result < carries; }
  bool is_inner(int result) const { return result >= carries + stacked(); }
  /// The result that stacks the value of a node of the body.
  int inner(NodeId id) const { return carries + stacked() + id; }
  /// Node of the body that gives a result.
  NodeId source(int result) const;
  /// Shape of a result: that of its source, for all but final carries after the length.
  Shape shape(int result) const;
};

/// Wrong numbers, shapes or types of a record over operands of these shapes and types; empty if it is sound.
std::vector<std::string> problems(const Scan& scan, std::span<const Shape> shapes,
                                  std::span<const Type> types);

/// One result of a scan. Errors: Error with the problems of the record, or for a result that it has not.
Value apply_scan(const std::shared_ptr<const Scan>& scan, int result, const std::vector<Value>& operands,
                 std::source_location where);
/// The nodes before `size` that have the same record and operands as node `id`, ascending, itself among them.
std::vector<NodeId> siblings(const Graph& graph, NodeId id, int size);

/// What a step is given of one kind: a list of values that is never read past its end.
class ScanValues {
 public:
  /// `what` they are called in errors.
  ScanValues(std::vector<Value> values, const char* what = "values")  // NOLINT(google-explicit-constructor)
      : values_(std::move(values)), what_(what) {}
  operator const std::vector<Value>&() const { return values_; }  // NOLINT(google-explicit-constructor)
  size_t size() const { return values_.size(); }
  bool empty() const { return values_.empty(); }
  auto begin() const { return values_.begin(); }
  auto end() const { return values_.end(); }
  /// Errors (all): Error if there are no more than `position`.
  const Value& at(size_t position) const;
  const Value& front() const { return at(0); }
  const Value& operator[](size_t position) const { return at(position); }

 private:
  std::vector<Value> values_;
  const char* what_;
};

/// What a step starts from, and what it gives; all values belong to the body.
struct ScanArguments {
  ScanValues carries, elements, invariants;
};
struct ScanStep {
  std::vector<Value> carries;       // the next ones: same shapes and types
  std::vector<Value> outputs = {};  // stacked
};
using ScanFunction = std::function<ScanStep(const ScanArguments& arguments)>;
struct ScanOptions {
  bool reverse = false;
  /// Derivatives keep the carries after every so many steps only, and compute the steps between again: memory
  /// of length / checkpoint + checkpoint steps instead of length. 0: all is kept. Source: Griewank 1992.
  int64_t checkpoint = 0;
  /// Number of steps, wanted only where there is no sequence.
  std::optional<Dim> length = {};
};
struct ScanResult {
  std::vector<Value> carries;  // after the last step
  std::vector<Value> outputs;  // [length, ...]
};

/// Builds the body by one call of `step` and applies it. Values of the outer graph that the body needs go in
/// as `invariants`. Shapes: sequences [length, ...]; elements [...]. Errors: Error if lengths differ, if
/// `step` changes the number, shape or type of a carry, if it gives values of another graph than the body's,
/// or if a checkpoint does not divide the length, which must be a number then.
ScanResult scan(const std::vector<Value>& initial, const std::vector<Value>& sequences,
                const std::vector<Value>& invariants, const ScanFunction& step,
                const ScanOptions& options = {},
                std::source_location where = std::source_location::current());

}  // namespace crease
