// The nodes, names and constants of an ONNX file while it is written. What an operation of crease becomes is
// said elsewhere.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "graph/tensor.h"

namespace crease::onnx {

class GraphProto;
class NodeProto;
class TensorProto;
class ValueInfoProto;

/// An attribute of a node: what it was made of is what it is in the file.
struct Attribute {
  enum class Kind : uint8_t { Integer, Real, Text, Integers };
  Attribute(const char* called, int64_t value) : name(called), kind(Kind::Integer), integers{value} {}
  Attribute(const char* called, float value) : name(called), kind(Kind::Real), real(value) {}
  Attribute(const char* called, std::string value) : name(called), kind(Kind::Text), text(std::move(value)) {}
  Attribute(const char* called, std::vector<int64_t> values)
      : name(called), kind(Kind::Integers), integers(std::move(values)) {}

  const char* name;
  Kind kind;
  float real = 0;
  std::string text = {};
  std::vector<int64_t> integers = {};
};

/// A value of the file by its name there, and its shape.
struct Shaped {
  std::string name;
  Shape shape;
};

/// A tensor in the form of the file.
void store(TensorProto& stored, const std::string& name, const Tensor& tensor);
/// Name, type and shape of an input or output.
void describe(ValueInfoProto& info, const std::string& name, Type type, const Shape& shape);

class Emitter {
 public:
  explicit Emitter(GraphProto& graph) : graph_(graph), names_(std::make_shared<std::set<std::string>>()) {}
  /// Of a graph inside of a node: it knows the values of the one around it, and has other names than that.
  Emitter(GraphProto& graph, const Emitter& outer)
      : graph_(graph), names_(outer.names_), axes_(outer.axes_) {}

  /// `wanted`, or with a number behind it where another value has that name.
  std::string unique(const std::string& wanted);
  /// What the values of the nodes that follow are named after.
  void begin(const std::string& base) { base_ = base; }
  /// Appends a node of one result and gives its name. An empty input is left out.
  std::string add(const char* type, const std::vector<std::string>& inputs,
                  const std::vector<Attribute>& attributes = {});

  /// Appends a Scan with so many results.
  std::vector<std::string> add_loop(const std::vector<std::string>& inputs, const GraphProto& body,
                                    size_t results, const std::vector<Attribute>& attributes);

  /// A parameter: an initializer under its own name.
  void initializer(const std::string& name, const Tensor& value);
  /// A constant: a node, where readers take initializers for parameters. Equal ones are stored once.
  std::string constant(const Tensor& value);
  std::string number(Type type, double value) { return constant(Tensor::scalar(type, value)); }
  std::string integers(const std::vector<int64_t>& values);

  /// Says that the dimension of that name is this axis of an input.
  void give_size(const std::string& symbol, const std::string& input, int64_t axis);
  /// The size of a named dimension as i64 [1]. Errors: Error if no input has it.
  std::string size(const std::string& symbol);
  /// A shape as i64 [rank].
  std::string sizes(const Shape& shape);

  /// The same elements under another shape: the value itself, or one Flatten, Squeeze, Unsqueeze or Reshape
  /// of what it was before it was last reshaped.
  std::string reshaped(const Shaped& value, const Shape& shape);
  std::string cast(const std::string& value, Type type);

  /// The name by which the file will know the result of a node; false if it has one, or is no result.
  bool rename(const std::string& value, const std::string& name);
  /// The same with a name of its own made of this one, where it has none yet.
  void name_after(const std::string& value, const std::string& base);
  /// The name that a value has in the end.
  std::string known_as(const std::string& value) const;
  /// Names the nodes after what they give, and drops those whose result nothing uses. The values that are.
  std::set<std::string> finish(const std::vector<std::string>& outputs);

 private:
  NodeProto& append(const char* type, const std::vector<std::string>& inputs,
                    const std::vector<Attribute>& attributes);
  std::string add_result(NodeProto& node);
  void rename_operands(NodeProto& node, std::set<std::string>& used) const;
  void drop_initializers(const std::set<std::string>& used);
  std::string reshape_target(const Shape& from, const Shape& to);

  GraphProto& graph_;
  std::string base_;
  std::shared_ptr<std::set<std::string>> names_;
  std::set<std::string> results_;
  std::map<std::string, std::string> constants_, sizes_, renamed_;
  std::map<std::string, std::pair<std::string, int64_t>> axes_;  // input and axis by named dimension
  std::map<std::string, Shaped> before_;                         // what a value is another shape of
};

}  // namespace crease::onnx
