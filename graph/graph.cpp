#include "graph/graph.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <ranges>
#include <set>

#include "graph/error.h"
#include "graph/listed.h"
#include "graph/scalar/forms.h"
#include "graph/scan.h"
#include "graph/truth.h"

namespace crease {

namespace {

/// Nodes in blocks: their addresses stay valid while the graph grows, and one allocation holds several.
class Nodes {
 public:
  Nodes() = default;
  Nodes(const Nodes& other) {
    for (size_t i = 0; i < other.size_; ++i) push_back(other[i]);
  }
  Nodes& operator=(const Nodes&) = delete;
  ~Nodes() = default;

  size_t size() const { return size_; }
  Node& operator[](size_t i) { return blocks_[i / block][i % block]; }
  const Node& operator[](size_t i) const { return blocks_[i / block][i % block]; }
  void push_back(Node node) {
    if (size_ % block == 0) blocks_.emplace_back().reserve(block);
    blocks_.back().push_back(std::move(node));
    ++size_;
  }

 private:
  static constexpr size_t block = 16;
  std::vector<std::vector<Node>> blocks_;  // never grown past `block`
  size_t size_ = 0;
};

}  // namespace

struct Graph::Storage {
  Nodes nodes;
  std::vector<bool> constant;  // by node, see is_constant
  std::vector<Output> outputs;
  std::vector<Update> updates;
  std::optional<Tie> tie;
  std::map<std::string, NodeId> names;  // of inputs and parameters
};

namespace {

Graph::Storage& storage_of(const std::shared_ptr<void>& storage) {
  expect(storage != nullptr,
         "this value belongs to no graph: make it by graph.input, graph.parameter or an operation");
  return *static_cast<Graph::Storage*>(storage.get());
}

bool is_printable_name(std::string_view name) {
  const auto allowed = [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("_.:/-").find(static_cast<char>(c)) != std::string_view::npos;
  };
  return !name.empty() && name.size() <= 4096 && std::all_of(name.begin(), name.end(), allowed);
}

/// `line` is where it stands, if that is known: " (main.cpp:12)".
void expect_name(const std::string& name, const std::string& line = "") {
  expect(is_printable_name(name), "name '{}' is not allowed: want letters, digits and _ . : / - only{}", name,
         line);
}

/// " (main.cpp:12)", or nothing for what was read from text and has no line of a program.
std::string line_of(const Node& node) {
  return node.where.line() == 0 ? std::string() : fmt::format(" ({})", to_string(node.where));
}

bool is_transcendental_or_quotient(const Scalar& node) {
  return node.kind() == ScalarKind::Divide ||
         (node.kind() >= ScalarKind::Exp && node.kind() <= ScalarKind::Erf);
}

bool wants_floating(const Scalar& body) { return any_step(body, is_transcendental_or_quotient); }

/// Operands whose values are positions, not numbers: they take no part in the result's type.
bool is_lookup_operand(const Loops& loops, size_t operand) {
  const auto looks = [&](const Access& access) {
    return std::any_of(access.begin(), access.end(),
                       [&](const AffineIndex& i) { return i.lookup == static_cast<int>(operand); });
  };
  return looks(loops.write) || std::any_of(loops.reads.begin(), loops.reads.end(), looks);
}

Type result_type(const Op& op, const Loops& loops, std::span<const Type> operands) {
  if (op.type == ResultType::Index || gives_position(op.combine)) return Type::i64;
  if (op.type == ResultType::Boolean) return Type::boolean;
  std::optional<Type> type;
  for (size_t k = 0; k < operands.size(); ++k)
    if (!is_lookup_operand(loops, k)) type = type ? promote(*type, operands[k]) : operands[k];
  return type.value_or(Type::f32);
}

std::string describe(const Node& node, NodeId id) {
  const std::string name = node.name.empty() ? std::string() : fmt::format(" '{}'", node.name);
  return fmt::format("%{}{}{}", id, name, line_of(node));
}

}  // namespace

Graph::Graph() : storage_(std::make_shared<Storage>()) {}
Graph::Graph(std::shared_ptr<Storage> storage) : storage_(std::move(storage)) {}
Graph::Graph(const Graph& other) : storage_(std::make_shared<Storage>(other.storage())) {}
Graph& Graph::operator=(const Graph& other) {
  if (this != &other) storage_ = std::make_shared<Storage>(other.storage());
  return *this;
}

Graph::Storage& Graph::storage() const {
  expect(storage_ != nullptr, "this graph was moved away: use the one that it was moved to");
  return *storage_;
}

Graph Graph::handle() const {
  static_cast<void>(storage());
  return Graph(storage_);
}

Value Graph::append(Node node) {
  if (node.role == Role::Input || node.role == Role::Parameter) {
    expect_name(node.name, line_of(node));
    const auto [it, fresh] = storage().names.emplace(node.name, size());
    if (!fresh)
      fail("the name '{}' is taken by node {} ({})", node.name, crease::describe(*this, it->second),
           to_string(node.where));
  }
  const auto constant = [this](NodeId id) { return is_constant(*this, id); };
  storage().constant.push_back(node.role == Role::Constant ||
                               (node.role == Role::Apply && std::ranges::all_of(node.operands, constant)));
  storage().nodes.push_back(std::move(node));
  return {storage_, size() - 1};
}

Value Graph::input(const std::string& name, Shape shape, Type type, std::source_location where) {
  return append({.role = Role::Input, .name = name, .shape = std::move(shape), .type = type, .where = where});
}

Value Graph::parameter(const std::string& name, Tensor initial, std::source_location where) {
  const Shape shape(initial.sizes().begin(), initial.sizes().end());
  const Type type = initial.type();
  expect_truth_values(initial, "parameter ", name);
  return append({.role = Role::Parameter,
                 .name = name,
                 .shape = shape,
                 .type = type,
                 .value = std::move(initial),
                 .where = where});
}

Value Graph::state(const std::string& name, Tensor initial, std::source_location where) {
  const Value made = parameter(name, std::move(initial), where);
  storage().nodes[static_cast<size_t>(made.id())].state = true;
  return made;
}

Value Graph::constant(Tensor value, std::source_location where) {
  const Shape shape(value.sizes().begin(), value.sizes().end());
  const Type type = value.type();
  expect_truth_values(value, "a constant");
  return append(
      {.role = Role::Constant, .shape = shape, .type = type, .value = std::move(value), .where = where});
}

Value Graph::constant(double value, Type type, std::source_location where) {
  expect(is_floating(type) || std::floor(value) == value,
         "[constant] {} is no {}: use a whole number, or a floating type ({})", value, to_string(type),
         to_string(where));
  return constant(Tensor::scalar(type, value), where);
}

Value Graph::random(Shape shape, const Value& counter, uint64_t seed, std::source_location where) {
  expect(counter.storage_ == storage_, "[random] the counter belongs to another graph ({})",
         to_string(where));
  expect(counter.type() == Type::i64 && counter.shape().empty(),
         "[random] the counter must be one i64, got {}{} ({})", to_string(counter.type()),
         to_string(counter.shape()), to_string(where));
  return append({.role = Role::Random,
                 .shape = std::move(shape),
                 .operands = {counter.id()},
                 .seed = seed,
                 .where = where});
}

void Graph::output(const std::string& name, const Value& value) {
  expect_name(name);
  expect(value.storage_ == storage_, "output '{}': the value belongs to another graph", name);
  for (const Output& output : storage().outputs)
    if (output.name == name)
      fail("output '{}' exists already, as node {}", name, crease::describe(*this, output.node));
  for (const Update& update : storage().updates)
    if (node(update.parameter).name == name)
      fail("output '{}' has the name of a parameter that is updated, {}: results are told apart by name",
           name, crease::describe(*this, update.parameter));
  storage().outputs.push_back({name, value.id()});
}

void Graph::update(const Value& parameter, const Value& value) {
  expect(parameter.storage_ == storage_ && value.storage_ == storage_,
         "update: a value belongs to another graph");
  const Node& target = node(parameter.id());
  if (target.role != Role::Parameter)
    fail("update: node {} is no parameter but {}", crease::describe(*this, parameter.id()),
         to_string(target.role));
  if (target.shape != value.shape() || target.type != value.type())
    fail("update of '{}': it is {}{}, the new value {}{} (node {})", target.name, to_string(target.type),
         to_string(target.shape), to_string(value.type()), to_string(value.shape()),
         crease::describe(*this, value.id()));
  for (const Update& update : storage().updates)
    expect(update.parameter != parameter.id(), "parameter '{}' is updated twice", target.name);
  for (const Output& output : storage().outputs)
    if (output.name == target.name)
      fail("update of '{}': an output has that name, node {}; results are told apart by name", target.name,
           crease::describe(*this, output.node));
  storage().updates.push_back({parameter.id(), value.id()});
}

void Graph::clear_outputs() {
  storage().outputs.clear();
  storage().updates.clear();
}

void Graph::set_tie(const Tie& tie) { storage().tie = tie; }
const std::optional<Tie>& Graph::tie() const { return storage().tie; }

void Graph::set_tie(const Value& value, const Tie& tie) {
  expect(value.storage_ == storage_, "set_tie: the value belongs to another graph");
  storage().nodes[static_cast<size_t>(value.id())].tie = tie;
}

void Graph::set_name(const Value& value, const std::string& name) {
  expect(value.storage_ == storage_, "set_name: the value belongs to another graph");
  expect_name(name);
  Node& target = storage().nodes[static_cast<size_t>(value.id())];
  expect(target.role != Role::Input && target.role != Role::Parameter, "set_name: {} '{}' keeps its name",
         to_string(target.role), target.name);
  target.name = name;
}

void Graph::set_parameter(const std::string& name, Tensor value) {
  const Value found = find(name);
  Node& target = storage().nodes[static_cast<size_t>(found.id())];
  expect(target.role == Role::Parameter, "'{}' is no parameter but {}", name, to_string(target.role));
  expect(target.value.type() == value.type() && target.value.sizes() == value.sizes(),
         "parameter '{}' is {}{}, got {}{}", name, to_string(target.type), to_string(target.shape),
         to_string(value.type()), to_string(value.sizes()));
  expect_truth_values(value, "parameter ", name);
  target.value = std::move(value);
}

int Graph::size() const { return static_cast<int>(storage().nodes.size()); }

const Node& Graph::node(NodeId id) const {
  const Nodes& nodes = storage().nodes;
  const auto place = static_cast<size_t>(id);  // of a negative number: beyond all
  ensure(place < nodes.size(), "node %{} of a graph with {} nodes", id, nodes.size());
  return nodes[place];
}

const std::vector<Output>& Graph::outputs() const { return storage().outputs; }
const std::vector<Update>& Graph::updates() const { return storage().updates; }

std::vector<NodeId> Graph::inputs() const { return with_role(Role::Input); }
std::vector<NodeId> Graph::parameters() const { return with_role(Role::Parameter); }
std::vector<NodeId> Graph::with_role(Role role) const {
  // Inputs and parameters, the roles that are asked for, are far fewer than nodes, and programs ask at every
  // bind.
  std::vector<NodeId> ids;
  for (const auto& [name, id] : storage().names)
    if (node(id).role == role) ids.push_back(id);
  std::ranges::sort(ids);
  return ids;
}

std::vector<std::string> Graph::symbols() const {
  std::vector<std::string> symbols;
  for (NodeId id = 0; id < size(); ++id)
    for (const Dim& dim : node(id).shape)
      if (dim.is_symbol() && std::find(symbols.begin(), symbols.end(), dim.symbol()) == symbols.end())
        symbols.push_back(dim.symbol());
  return symbols;
}

Value Graph::value(NodeId id) const {
  static_cast<void>(node(id));
  return {storage_, id};
}

Value Graph::find(const std::string& name) const {
  const auto it = storage().names.find(name);
  if (it == storage().names.end())
    fail("no input or parameter '{}'; there are: {}", name, listed(std::views::keys(storage().names)));
  return value(it->second);
}

Value Graph::result(const std::string& name) const {
  for (const Output& output : storage().outputs)
    if (output.name == name) return value(output.node);
  fail("no output '{}'; there are: {}", name,
       listed(std::views::transform(storage().outputs, &Output::name)));
}

Value Graph::apply(std::shared_ptr<const Op> op, const std::vector<Value>& operands,
                   std::source_location where, std::optional<Tie> tie) {
  std::vector<Shape> shapes;
  std::vector<Type> types;
  for (const Value& operand : operands) {
    if (operand.storage_ != storage_)
      fail(
          "[{}] operands belong to different graphs: {} and {}; build both in one, and give a scan what its "
          "step needs from outside as invariants ({})",
          op->name, crease::describe(*this, operands[0].id()),
          operand.valid() ? crease::describe(operand.graph(), operand.id()) : "a value of no graph",
          to_string(where));
    shapes.push_back(operand.shape());
    types.push_back(operand.type());
  }
  expect(op->body.arity == static_cast<int>(operands.size()), "[{}] takes {} operands, got {} ({})", op->name,
         op->body.arity, operands.size(), to_string(where));
  try {
    Resolved resolved =
        op->loops.empty() ? broadcast(shapes) : resolve(op->loops, shapes, op->extents, op->result);
    for (const std::string& problem : problems(*op, resolved.loops, types)) fail("{}", problem);
    const Type type = result_type(*op, resolved.loops, types);
    if (!is_floating(compute_type(types, type)) && wants_floating(op->body.expression))
      fail("the body {} wants floating-point operands", to_string(op->body.expression));
    return apply_resolved(std::move(op), std::move(resolved), operands, type, where, tie);
  } catch (const Error& error) {
    std::string list;
    for (const Value& operand : operands)
      list += fmt::format("\n  operand {}{} = {}", to_string(operand.type()), to_string(operand.shape()),
                          crease::describe(*this, operand.id()));
    fail("[{}] {} (at {}){}", op ? op->name : "apply", error.what(), to_string(where), list);
  }
}

Value Graph::apply_resolved(std::shared_ptr<const Op> op, Resolved resolved,
                            const std::vector<Value>& operands, Type type, std::source_location where,
                            std::optional<Tie> tie) {
  Node node{.role = Role::Apply,
            .shape = std::move(resolved.shape),
            .type = type,
            .op = std::move(op),
            .loops = std::move(resolved.loops),
            .tie = tie,
            .where = where};
  for (const Value& operand : operands) {
    expect(operand.storage_ == storage_, "[{}] an operand belongs to another graph ({})", node.op->name,
           to_string(where));
    node.operands.push_back(operand.id());
  }
  ensure(node.operands.size() == node.loops.reads.size(), "[{}] {} operands, {} accesses", node.op->name,
         node.operands.size(), node.loops.reads.size());
  return append(std::move(node));
}

Value Graph::apply_scan(std::shared_ptr<const Scan> scan, int result, const std::vector<Value>& operands,
                        std::source_location where) {
  Node node{.role = Role::Scan, .shape = scan->shape(result), .where = where};
  node.type = scan->body.node(scan->source(result)).type;
  for (const Value& operand : operands) {
    expect(operand.storage_ == storage_, "[scan] an operand belongs to another graph ({})", to_string(where));
    node.operands.push_back(operand.id());
  }
  node.scan = std::move(scan);
  node.result = result;
  return append(std::move(node));
}

Value Graph::copy(const Node& node, const std::vector<Value>& operands) {
  ensure(node.operands.size() == operands.size(), "copy of a node with {} operands got {}",
         node.operands.size(), operands.size());
  Node fresh = node;
  for (size_t k = 0; k < operands.size(); ++k) {
    ensure(operands[k].storage_ == storage_, "copy: operand {} belongs to another graph", k);
    fresh.operands[k] = operands[k].id();
  }
  return append(std::move(fresh));
}

const Node& Value::node() const { return storage_of(storage_).nodes[static_cast<size_t>(id_)]; }
const Shape& Value::shape() const { return node().shape; }
Type Value::type() const { return node().type; }
Graph Value::graph() const {
  static_cast<void>(storage_of(storage_));
  return Graph(std::static_pointer_cast<Graph::Storage>(storage_));
}

std::string_view to_string(Role role) {
  switch (role) {
    case Role::Input: return "an input";
    case Role::Parameter: return "a parameter";
    case Role::Constant: return "a constant";
    case Role::Random: return "random";
    case Role::Apply: return "computed";
    case Role::Scan: return "a scan";
  }
  return "?";
}

std::string describe(const Graph& graph, NodeId id) { return describe(graph.node(id), id); }

std::vector<Type> operand_types(const Graph& graph, const Node& node) {
  std::vector<Type> types;
  for (const NodeId operand : node.operands) types.push_back(graph.node(operand).type);
  return types;
}

std::vector<NodeId> ancestors(const Graph& graph, std::span<const NodeId> roots) {
  std::vector<bool> needed(static_cast<size_t>(graph.size()), false);
  for (const NodeId root : roots) needed[static_cast<size_t>(root)] = true;
  std::vector<NodeId> ids;
  for (NodeId id = graph.size() - 1; id >= 0; --id) {
    if (!needed[static_cast<size_t>(id)]) continue;
    ids.push_back(id);
    for (const NodeId operand : graph.node(id).operands) needed[static_cast<size_t>(operand)] = true;
  }
  std::reverse(ids.begin(), ids.end());
  return ids;
}

bool is_constant(const Graph& graph, NodeId id) { return graph.storage().constant[static_cast<size_t>(id)]; }

std::vector<NodeId> roots(const Graph& graph) {
  std::vector<NodeId> ids;
  for (const Output& output : graph.outputs()) ids.push_back(output.node);
  for (const Update& update : graph.updates()) ids.push_back(update.value);
  return ids;
}

}  // namespace crease
