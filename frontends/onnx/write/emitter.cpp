#include "frontends/onnx/write/emitter.h"

#include <frontends/onnx/onnx.pb.h>
#include <algorithm>
#include <ranges>

#include "frontends/onnx/stored_tensor.h"
#include "graph/error.h"

namespace crease::onnx {
namespace {

void store(AttributeProto& stored, const Attribute& attribute) {
  stored.set_name(attribute.name);
  switch (attribute.kind) {
    case Attribute::Kind::Integer:
      stored.set_type(AttributeProto::INT);
      stored.set_i(attribute.integers[0]);
      return;
    case Attribute::Kind::Real:
      stored.set_type(AttributeProto::FLOAT);
      stored.set_f(attribute.real);
      return;
    case Attribute::Kind::Text:
      stored.set_type(AttributeProto::STRING);
      stored.set_s(attribute.text);
      return;
    case Attribute::Kind::Integers:
      stored.set_type(AttributeProto::INTS);
      for (const int64_t k : attribute.integers) stored.add_ints(k);
      return;
  }
}

/// Dimensions that are not 1.
Shape without_ones(const Shape& shape) {
  Shape rest;
  std::ranges::copy_if(shape, std::back_inserter(rest), [](const Dim& dim) { return dim != Dim(1); });
  return rest;
}

/// The places of ones in `longer` that `shorter` has not; none if something else tells them apart.
std::vector<int64_t> inserted_ones(const Shape& shorter, const Shape& longer) {
  std::vector<int64_t> axes;
  if (shorter.size() > longer.size() || without_ones(shorter) != without_ones(longer)) return axes;
  size_t k = 0;
  for (size_t axis = 0; axis < longer.size(); ++axis) {
    if (k < shorter.size() && shorter[k] == longer[axis])
      ++k;
    else
      axes.push_back(static_cast<int64_t>(axis));
  }
  if (k != shorter.size()) axes.clear();
  return axes;
}

bool is_flattened(const Shape& from, const Shape& to) {
  return from.size() > 2 && to.size() == 2 && from[0] == to[0] && !to[1].is_symbol() && to[1] != Dim(0);
}

}  // namespace

void store(TensorProto& stored, const std::string& name, const Tensor& tensor) {
  stored.set_name(name);
  stored.set_data_type(number_of(tensor.type()));
  for (const int64_t size : tensor.sizes()) stored.add_dims(size);
  stored.set_raw_data(tensor.data(), static_cast<size_t>(tensor.bytes()));
}

void describe(ValueInfoProto& info, const std::string& name, Type type, const Shape& shape) {
  info.set_name(name);
  TypeProto::Tensor& tensor = *info.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(number_of(type));
  tensor.mutable_shape();
  for (const Dim& dim : shape) {
    auto& stored = *tensor.mutable_shape()->add_dim();
    if (dim.is_symbol())
      stored.set_dim_param(dim.symbol());
    else
      stored.set_dim_value(dim.size());
  }
}

std::string Emitter::unique(const std::string& wanted) {
  std::string name = wanted;
  for (int k = 1; !names_->insert(name).second; ++k) name = fmt::format("{}_{}", wanted, k);
  return name;
}

NodeProto& Emitter::append(const char* type, const std::vector<std::string>& inputs,
                           const std::vector<Attribute>& attributes) {
  NodeProto& node = *graph_.add_node();
  node.set_op_type(type);
  for (const std::string& input : inputs) node.add_input(input);
  for (const Attribute& attribute : attributes) store(*node.add_attribute(), attribute);
  return node;
}

std::string Emitter::add_result(NodeProto& node) {
  const std::string result = unique(fmt::format("{}/{}", base_, node.op_type()));
  node.add_output(result);
  results_.insert(result);
  return result;
}

std::string Emitter::add(const char* type, const std::vector<std::string>& inputs,
                         const std::vector<Attribute>& attributes) {
  return add_result(append(type, inputs, attributes));
}

std::vector<std::string> Emitter::add_loop(const std::vector<std::string>& inputs, const GraphProto& body,
                                           size_t results, const std::vector<Attribute>& attributes) {
  NodeProto& node = append("Scan", inputs, attributes);
  AttributeProto& stored = *node.add_attribute();
  stored.set_name("body");
  stored.set_type(AttributeProto::GRAPH);
  *stored.mutable_g() = body;
  std::vector<std::string> names;
  for (size_t k = 0; k < results; ++k) names.push_back(add_result(node));
  return names;
}

void Emitter::initializer(const std::string& name, const Tensor& value) {
  store(*graph_.add_initializer(), name, value);
}

std::string Emitter::constant(const Tensor& value) {
  std::string key = fmt::format("{} {} ", to_string(value.type()), to_string(value.sizes()));
  key.append(reinterpret_cast<const char*>(value.data()), static_cast<size_t>(value.bytes()));
  const auto [it, is_new] = constants_.emplace(std::move(key), "");
  if (!is_new) return it->second;
  const std::string name = it->second = unique("constant");
  if (value.sizes().empty() || !is_floating(value.type())) {
    initializer(name, value);
    return name;
  }
  NodeProto& node = *graph_.add_node();
  node.set_op_type("Constant");
  node.add_output(name);
  AttributeProto& stored = *node.add_attribute();
  stored.set_name("value");
  stored.set_type(AttributeProto::TENSOR);
  store(*stored.mutable_t(), name, value);
  return name;
}

std::string Emitter::integers(const std::vector<int64_t>& values) {
  return constant(Tensor::i64({std::ssize(values)}, values));
}

void Emitter::give_size(const std::string& symbol, const std::string& input, int64_t axis) {
  axes_.emplace(symbol, std::pair(input, axis));
}

std::string Emitter::size(const std::string& symbol) {
  std::string& name = sizes_[symbol];
  if (!name.empty()) return name;
  const auto it = axes_.find(symbol);
  expect(it != axes_.end(), "no input has the dimension '{}'", symbol);
  const auto& [input, axis] = it->second;
  return name = add("Shape", {input}, {{"start", axis}, {"end", axis + 1}});
}

std::string Emitter::sizes(const Shape& shape) {
  std::vector<std::string> parts;
  std::vector<int64_t> numbers;
  const auto put_numbers = [&] {
    if (!numbers.empty()) parts.push_back(integers(numbers));
    numbers.clear();
  };
  for (const Dim& dim : shape) {
    if (!dim.is_symbol()) {
      numbers.push_back(dim.size());
      continue;
    }
    put_numbers();
    parts.push_back(size(dim.symbol()));
  }
  if (parts.empty()) return integers(numbers);
  put_numbers();
  return parts.size() == 1 ? parts[0] : add("Concat", parts, {{"axis", int64_t{0}}});
}

/// 0 keeps a size and -1 is what is left over, so that a named dimension needs no node where it is the only
/// one that moves.
std::string Emitter::reshape_target(const Shape& from, const Shape& to) {
  std::vector<int64_t> sizes;
  for (size_t k = 0; k < to.size(); ++k)
    sizes.push_back(!to[k].is_symbol() ? to[k].size() : k < from.size() && from[k] == to[k] ? 0 : -1);
  const bool empty =
      std::ranges::find(to, Dim(0)) != to.end() || std::ranges::find(from, Dim(0)) != from.end();
  if (std::ranges::count(sizes, -1) > 1 || empty) return this->sizes(to);
  return integers(sizes);
}

std::string Emitter::reshaped(const Shaped& value, const Shape& shape) {
  if (value.shape == shape) return value.name;
  if (const auto it = before_.find(value.name); it != before_.end())
    return reshaped(Shaped(it->second), shape);
  const auto& [name, from] = value;
  std::string result;
  if (const auto more = inserted_ones(from, shape); !more.empty())
    result = add("Unsqueeze", {name, integers(more)});
  else if (const auto fewer = inserted_ones(shape, from); !fewer.empty())
    result = add("Squeeze", {name, integers(fewer)});
  else if (is_flattened(from, shape))
    result = add("Flatten", {name}, {{"axis", int64_t{1}}});
  else if (std::ranges::find(shape, Dim(0)) != shape.end())
    result = add("Reshape", {name, sizes(shape)}, {{"allowzero", int64_t{1}}});
  else
    result = add("Reshape", {name, reshape_target(from, shape)});
  before_.emplace(result, value);
  return result;
}

std::string Emitter::cast(const std::string& value, Type type) {
  return add("Cast", {value}, {{"to", static_cast<int64_t>(number_of(type))}});
}

bool Emitter::rename(const std::string& value, const std::string& name) {
  return results_.contains(value) && renamed_.emplace(value, name).second;
}

void Emitter::name_after(const std::string& value, const std::string& base) {
  if (results_.contains(value) && !renamed_.contains(value)) renamed_.emplace(value, unique(base));
}

std::string Emitter::known_as(const std::string& value) const {
  const auto it = renamed_.find(value);
  return it == renamed_.end() ? value : it->second;
}

/// Names of what a node reads, also in graphs inside of it.
void Emitter::rename_operands(NodeProto& node, std::set<std::string>& used) const {
  for (std::string& input : *node.mutable_input()) used.insert(input = known_as(input));
  for (AttributeProto& attribute : *node.mutable_attribute())
    if (attribute.has_g())
      for (NodeProto& inner : *attribute.mutable_g()->mutable_node()) rename_operands(inner, used);
}

void Emitter::drop_initializers(const std::set<std::string>& used) {
  std::vector<TensorProto> initializers;
  for (TensorProto& tensor : *graph_.mutable_initializer())
    if (used.contains(tensor.name())) initializers.push_back(std::move(tensor));
  graph_.clear_initializer();
  for (TensorProto& tensor : initializers) *graph_.add_initializer() = std::move(tensor);
}

std::set<std::string> Emitter::finish(const std::vector<std::string>& outputs) {
  std::set<std::string> used(outputs.begin(), outputs.end());
  std::vector<NodeProto> kept;
  for (int k = graph_.node_size(); k-- > 0;) {
    NodeProto& node = *graph_.mutable_node(k);
    bool is_used = false;
    for (std::string& output : *node.mutable_output())
      is_used = used.contains(output = known_as(output)) || is_used;
    if (!is_used) continue;
    node.set_name(node.output(0));
    rename_operands(node, used);
    kept.push_back(std::move(node));
  }
  graph_.clear_node();
  for (NodeProto& node : std::views::reverse(kept)) *graph_.add_node() = std::move(node);
  drop_initializers(used);
  return used;
}

}  // namespace crease::onnx
