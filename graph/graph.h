// The graph: an append-only list of nodes in SSA order. A node reads only earlier nodes, so a graph is
// acyclic by construction. Passes never mutate: they build a new graph and a map from old nodes to new ones.
#pragma once

#include <memory>
#include <optional>
#include <random>
#include <source_location>
#include <string>
#include <vector>

#include "graph/op.h"
#include "graph/tensor.h"
#include "graph/tie.h"
#include "graph/value.h"

namespace crease {

using NodeId = int32_t;

/// Where a node's value comes from.
enum class Role : uint8_t {
  Input,      // bound by name at every call
  Parameter,  // state that programs keep; `value` holds it at compile time
  Constant,   // `value`
  Random,     // uniform in [0, 1), counter-based: a function of seed, the i64 operand (counter) and the
              // element's index
  Apply,      // op(operands)
  Scan,       // one result of a loop over time: scan(operands), see graph/scan.h
};
std::string_view to_string(Role role);

struct Scan;

struct Node {
  Role role = Role::Apply;
  std::string name;  // unique for inputs, parameters; else a hint, possibly empty
  Shape shape;
  Type type = Type::f32;
  std::shared_ptr<const Op> op;      // Apply
  std::vector<NodeId> operands;      // Apply, Scan; Random: the counter
  Loops loops;                       // Apply
  std::optional<Tie> tie;            // set for this node, else the graph's
  Tensor value;                      // Parameter, Constant
  bool state = false;                // Parameter: no optimizer changes it
  uint64_t seed = 0;                 // Random
  std::shared_ptr<const Scan> scan;  // Scan: the loop
  int result = 0;                    // Scan: which of its results
  std::source_location where;
};

/// A named result of a graph.
struct Output {
  std::string name;
  NodeId node;
};

/// After a step, parameter `parameter` takes the value of `value`.
struct Update {
  NodeId parameter;
  NodeId value;
};

/// A network or program as data. Copies are deep; Values refer to the graph that made them and keep it alive.
/// One that was moved away can only be assigned to. Errors (all others): Error that says so.
class Graph {
 public:
  Graph();
  Graph(const Graph& other);
  Graph& operator=(const Graph& other);
  Graph(Graph&&) noexcept = default;
  Graph& operator=(Graph&&) noexcept = default;
  ~Graph() = default;

  /// Errors (inputs, parameters): Error if the name is taken or not printable.
  Value input(const std::string& name, Shape shape, Type type = Type::f32,
              std::source_location where = std::source_location::current());
  Value parameter(const std::string& name, Tensor initial,
                  std::source_location where = std::source_location::current());
  /// A parameter that no optimizer changes, whatever depends on it: a counter, a running moment.
  Value state(const std::string& name, Tensor initial,
              std::source_location where = std::source_location::current());
  Value constant(Tensor value, std::source_location where = std::source_location::current());
  Value constant(double value, Type type = Type::f32,
                 std::source_location where = std::source_location::current());
  /// Uniform numbers in [0, 1): Philox 4x32-10 of (seed, counter, index). Source: Salmon et al. 2011.
  Value random(Shape shape, const Value& counter, uint64_t seed,
               std::source_location where = std::source_location::current());

  /// Marks a result. Errors: Error if the name is taken or the value belongs to another graph.
  void output(const std::string& name, const Value& value);
  /// Errors: Error unless `parameter` is a parameter of this graph and shapes and types agree.
  void update(const Value& parameter, const Value& value);
  void clear_outputs();

  /// Default Tie of all nodes that have none of their own.
  void set_tie(const Tie& tie);
  const std::optional<Tie>& tie() const;
  /// Tie and name of one node. (The only changes that a node may see, since they alter no value.)
  void set_tie(const Value& value, const Tie& tie);
  void set_name(const Value& value, const std::string& name);
  /// Replaces the stored value of a parameter. Errors: Error if type or shape differ.
  void set_parameter(const std::string& name, Tensor value);

  /// The same graph again: appending to one shows in the other. (Copying a Graph copies its nodes.)
  Graph handle() const;

  int size() const;
  const Node& node(NodeId id) const;
  const std::vector<Output>& outputs() const;
  const std::vector<Update>& updates() const;
  std::vector<NodeId> inputs() const;
  std::vector<NodeId> parameters() const;
  /// Named symbols of all shapes, in order of appearance.
  std::vector<std::string> symbols() const;
  Value value(NodeId id) const;
  /// Input or parameter by name. Errors: Error that lists the names.
  Value find(const std::string& name) const;
  /// Result by name. Errors: Error that lists the names.
  Value result(const std::string& name) const;

  /// Appends op(operands). The usual way in is the record itself: relu(x).
  Value apply(std::shared_ptr<const Op> op, const std::vector<Value>& operands, std::source_location where,
              std::optional<Tie> tie = {});
  /// Appends an operation whose loops are given instead of derived from op.loops: adjoints, and passes.
  Value apply_resolved(std::shared_ptr<const Op> op, Resolved resolved, const std::vector<Value>& operands,
                       Type type, std::source_location where, std::optional<Tie> tie = {});
  /// Appends one result of a loop. The usual way in is scan() of graph/scan.h, which checks it.
  Value apply_scan(std::shared_ptr<const Scan> scan, int result, const std::vector<Value>& operands,
                   std::source_location where);
  /// Appends a copy of `node` of another graph with these operands: the building brick of passes.
  Value copy(const Node& node, const std::vector<Value>& operands);

  struct Storage;

 private:
  friend class Value;
  friend bool is_constant(const Graph& graph, NodeId id);
  explicit Graph(std::shared_ptr<Storage> storage);
  Value append(Node node);
  std::vector<NodeId> with_role(Role role) const;
  Storage& storage() const;
  std::shared_ptr<Storage> storage_;  // none once moved away
};

/// "%7 'dense1' (main.cpp:12)" for messages.
std::string describe(const Graph& graph, NodeId id);
/// Element types of a node's operands.
std::vector<Type> operand_types(const Graph& graph, const Node& node);

/// A graph made from another, and where each of its nodes went (-1: gone).
struct Rewrite {
  Graph graph;
  std::vector<NodeId> new_id;
};

/// The nodes that `roots` need, ascending.
std::vector<NodeId> ancestors(const Graph& graph, std::span<const NodeId> roots);
/// Whether no input, parameter or random number reaches the node: the same value in every call.
bool is_constant(const Graph& graph, NodeId id);
/// Outputs and update values: what must stay alive.
std::vector<NodeId> roots(const Graph& graph);

}  // namespace crease
