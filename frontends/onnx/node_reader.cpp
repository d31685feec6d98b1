#include "frontends/onnx/node_reader.h"

#include <frontends/onnx/onnx.pb.h>
#include <algorithm>
#include <cmath>

#include "frontends/onnx/stored_tensor.h"
#include "graph/error.h"
#include "graph/evaluate.h"
#include "graph/listed.h"
#include "graph/ops/axes.h"

namespace crease::onnx {
namespace {

std::vector<int64_t> integers_of(const Tensor& tensor) {
  expect(!is_floating(tensor.type()), "got {} values, want integers", to_string(tensor.type()));
  std::vector<int64_t> integers;
  for (int64_t i = 0; i < tensor.count(); ++i)
    integers.push_back(tensor.type() == Type::i64 ? tensor.read<int64_t>()[static_cast<size_t>(i)]
                                                  : std::llround(tensor.at(i)));
  return integers;
}

bool is_numbers(const Sizes& sizes) {
  return std::ranges::all_of(sizes.values, [](const Size& size) { return size.symbol.empty(); });
}

/// Whether the value is the same whatever the inputs are, and is not as large as one of them is.
bool is_known(const Graph& graph, const Value& value) {
  const NodeId id = value.id();
  return is_constant(graph, id) && needed_inputs(graph, std::span(&id, 1)).empty();
}

/// Points that the interpreter visits for a node.
int64_t work_of(const Node& node) {
  std::vector<int64_t> extents;
  for (const auto& label : node.loops.labels) extents.push_back(label.extent.size());
  return std::max(element_count(extents), element_count(sizes_of(node.shape)));
}

/// The value, computed by the interpreter, once: what a file asks for in a few words may take hours.
const Tensor& computed(Scope& scope, const Value& value) {
  constexpr int64_t most = int64_t{1} << 26;
  const auto it = scope.computed.find(value.id());
  if (it != scope.computed.end()) return it->second;
  const NodeId id = value.id();
  for (const NodeId node : ancestors(scope.graph, std::span(&id, 1))) {
    const int64_t work = work_of(scope.graph.node(node));
    scope.work += std::min(work, most);
    expect(work <= most && scope.work <= most,
           "constants that are wanted while the file is read take more than {} operations", most);
  }
  return scope.computed.emplace(id, evaluate(value)).first->second;
}

Tensor tensor_of(const Sizes& sizes) {
  std::vector<int64_t> values;
  for (const Size& size : sizes.values) {
    expect(size.symbol.empty(), "the size '{}' has no number here, and needs one", size.symbol);
    values.push_back(size.number);
  }
  const auto count = std::ssize(values);
  return Tensor::i64(sizes.scalar ? std::vector<int64_t>{} : std::vector<int64_t>{count}, values);
}

/// Sizes as a node, whose values are there when a program runs.
Value value_of(Graph& graph, const Sizes& sizes) {
  Scalar body = 0;
  for (size_t k = sizes.values.size(); k-- > 0;) {
    const auto place = static_cast<double>(k);
    const Scalar size = size_term(dim_of(sizes.values[k]));
    body = k + 1 == sizes.values.size() ? size : select(equal(Scalar::index(0), place), size, body);
  }
  Resolved resolved;
  if (!sizes.scalar) {
    const Dim count(sizes.values.size());
    resolved = {.loops = {.labels = {{"k", count}}, .reads = {}, .write = {{.terms = {{0, 1}}}}},
                .shape = {count}};
  }
  const auto op = std::make_shared<const Op>(Op{.name = "sizes", .doc = "Sizes.", .body = Body(0, body)});
  return graph.apply_resolved(op, std::move(resolved), {}, Type::i64, {});
}

}  // namespace

Size size_of(const Dim& dim) {
  return dim.is_symbol() ? Size{.symbol = dim.symbol()} : Size{.number = dim.size()};
}

Dim dim_of(const Size& size) {
  expect(size.number >= 0, "a size of {}", size.number);
  return size.symbol.empty() ? Dim(size.number) : Dim(size.symbol);
}

Shape shape_of(const Sizes& sizes) {
  Shape shape;
  for (const Size& size : sizes.values) shape.push_back(dim_of(size));
  return shape;
}

size_t axis_of(int64_t axis, size_t rank) {
  const auto count = static_cast<int64_t>(rank);
  expect(axis >= -count && axis < count, "axis {} of a value of rank {}", axis, rank);
  return static_cast<size_t>(axis < 0 ? axis + count : axis);
}

std::vector<size_t> axes_of(const std::vector<int64_t>& axes, size_t rank) {
  std::vector<size_t> result;
  for (const int64_t axis : axes) {
    result.push_back(axis_of(axis, rank));
    expect(std::ranges::count(result, result.back()) == 1, "axis {} twice", axis);
  }
  return result;
}

std::string allowed_name(const std::string& name) {
  std::string result;
  for (const char c : name) {
    const bool allowed = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                         std::string_view("_.:/-").find(c) != std::string_view::npos;
    result += allowed ? c : '_';
  }
  return result.empty() ? "_" : result;
}

NodeReader::NodeReader(const NodeProto& node, int64_t opset, Scope& scope)
    : node_(node), opset_(opset), scope_(scope), inputs_(node.input_size()) {
  while (inputs_ > 0 && node.input(inputs_ - 1).empty()) --inputs_;
}

int NodeReader::outputs() const { return node_.output_size(); }

bool NodeReader::has(int k) const { return k < inputs_ && !node_.input(k).empty(); }

bool NodeReader::same(int j, int k) {
  if (!has(j) || !has(k) || node_.input(j) != node_.input(k)) return false;
  read_.insert({j, k});
  return true;
}

Item& NodeReader::item(int k) {
  expect(has(k), "input {} is missing", k);
  read_.insert(k);
  return scope_.items.at(node_.input(k));
}

Value NodeReader::made(Item& item, bool state) {
  if (const auto* stored = std::get_if<Stored>(&item)) {
    const bool parameter =
        stored->initializer && is_floating(stored->tensor.type()) && !stored->tensor.sizes().empty();
    if (!parameter)
      item = scope_.graph.constant(stored->tensor, {});
    else
      item = state ? scope_.graph.state(stored->name, stored->tensor, {})
                   : scope_.graph.parameter(stored->name, stored->tensor, {});
  } else if (const auto* sizes = std::get_if<Sizes>(&item)) {
    item = is_numbers(*sizes) ? scope_.graph.constant(tensor_of(*sizes), {}) : value_of(scope_.graph, *sizes);
  }
  return std::get<Value>(item);
}

Value NodeReader::value(int k) { return made(item(k), false); }
Value NodeReader::state(int k) { return made(item(k), true); }

std::optional<Value> NodeReader::optional_value(int k) {
  if (!has(k)) return {};
  return value(k);
}

bool NodeReader::is_constant(int k) {
  if (!has(k)) return false;
  const Item& it = item(k);
  if (const auto* value = std::get_if<Value>(&it)) return is_known(scope_.graph, *value);
  if (const auto* sizes = std::get_if<Sizes>(&it)) return is_numbers(*sizes);
  return true;
}

Tensor NodeReader::constant(int k) {
  const Item& it = item(k);
  if (const auto* stored = std::get_if<Stored>(&it)) return stored->tensor;
  if (const auto* sizes = std::get_if<Sizes>(&it)) return tensor_of(*sizes);
  const auto& value = std::get<Value>(it);
  expect(is_known(scope_.graph, value), "input {} is computed, and wanted as a constant", k);
  return computed(scope_, value);
}

std::vector<int64_t> NodeReader::integers(int k) { return integers_of(constant(k)); }

bool NodeReader::is_sizes(int k) {
  if (!has(k)) return false;
  const Item& it = item(k);
  if (const auto* stored = std::get_if<Stored>(&it))
    return stored->tensor.type() == Type::i64 && stored->tensor.sizes().size() <= 1;
  const auto* value = std::get_if<Value>(&it);
  return !value ||
         (value->type() == Type::i64 && value->shape().size() <= 1 && is_known(scope_.graph, *value));
}

Sizes NodeReader::sizes(int k) {
  if (const auto* sizes = std::get_if<Sizes>(&item(k))) return *sizes;
  const Tensor values = constant(k);
  expect(values.sizes().size() <= 1, "input {} has shape {}, want a list of sizes", k,
         to_string(values.sizes()));
  Sizes result{.values = {}, .scalar = values.sizes().empty()};
  for (const int64_t size : integers_of(values)) result.values.push_back({.number = size});
  return result;
}

std::optional<double> NodeReader::number(int k, size_t rank) {
  const Item& it = item(k);
  const auto* stored = std::get_if<Stored>(&it);
  if (stored && stored->initializer && is_floating(stored->tensor.type()) && !stored->tensor.sizes().empty())
    return {};  // a parameter
  const Shape own = shape(k);
  if (own.size() > rank || own != Shape(own.size(), Dim(1)) || !is_constant(k)) return {};
  const Tensor tensor = constant(k);
  constexpr double most = 9007199254740992;  // 2^53: beyond it not every integer is a double
  if (!std::isfinite(tensor.item())) return {};
  if (tensor.type() == Type::i64 && std::abs(tensor.item()) >= most) return {};
  return tensor.item();
}

Shape NodeReader::shape(int k) {
  const Item& it = item(k);
  if (const auto* value = std::get_if<Value>(&it)) return value->shape();
  if (const auto* sizes = std::get_if<Sizes>(&it))
    return sizes->scalar ? Shape{} : Shape{Dim(std::ssize(sizes->values))};
  const std::vector<int64_t>& known = std::get<Stored>(it).tensor.sizes();
  return {known.begin(), known.end()};
}

const AttributeProto* NodeReader::find(const std::string& attribute, int type) {
  asked_.insert(attribute);
  for (const AttributeProto& it : node_.attribute()) {
    if (it.name() != attribute) continue;
    expect(!it.has_type() || it.type() == type, "attribute '{}' is of another kind", attribute);
    return &it;
  }
  return nullptr;
}

bool NodeReader::has_attribute(const std::string& attribute) const {
  return std::ranges::any_of(node_.attribute(), [&](const auto& it) { return it.name() == attribute; });
}

int64_t NodeReader::integer(const std::string& attribute, int64_t otherwise) {
  const AttributeProto* it = find(attribute, AttributeProto::INT);
  return it ? it->i() : otherwise;
}

double NodeReader::real(const std::string& attribute, double otherwise) {
  const AttributeProto* it = find(attribute, AttributeProto::FLOAT);
  if (!it) return otherwise;
  expect(std::isfinite(it->f()), "attribute '{}' is {}", attribute, it->f());
  return it->f();
}

std::string NodeReader::text(const std::string& attribute, const std::string& otherwise) {
  const AttributeProto* it = find(attribute, AttributeProto::STRING);
  return it ? it->s() : otherwise;
}

std::vector<std::string> NodeReader::texts(const std::string& attribute) {
  const AttributeProto* it = find(attribute, AttributeProto::STRINGS);
  if (!it) return {};
  return {it->strings().begin(), it->strings().end()};
}

std::vector<int64_t> NodeReader::integers(const std::string& attribute,
                                          const std::vector<int64_t>& otherwise) {
  const AttributeProto* it = find(attribute, AttributeProto::INTS);
  return it ? std::vector<int64_t>(it->ints().begin(), it->ints().end()) : otherwise;
}

std::optional<std::vector<int64_t>> NodeReader::integers(const std::string& attribute, int k) {
  if (has_attribute(attribute)) return integers(attribute, std::vector<int64_t>{});
  if (has(k)) return integers(k);
  return {};
}

std::optional<Tensor> NodeReader::tensor(const std::string& attribute) {
  const AttributeProto* it = find(attribute, AttributeProto::TENSOR);
  if (!it) return {};
  return read_tensor(it->t(), {});
}

void NodeReader::expect_inference() {
  const bool said = opset_ < 7 ? integer("is_test", 0) == 1 : integer("training_mode", 0) == 0;
  expect(said, "it is part of a training: networks are read for inference");
}

void NodeReader::finish() const {
  for (const AttributeProto& it : node_.attribute())
    expect(asked_.contains(it.name()), "attribute '{}' is not known here", it.name());
  for (int k = 0; k < inputs_; ++k)
    expect(!has(k) || read_.contains(k), "input {} ('{}') is not known here", k, node_.input(k));
}

}  // namespace crease::onnx
