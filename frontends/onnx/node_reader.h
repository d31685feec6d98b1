// One node of an ONNX file while it is read: its inputs as what the operator wants them to be, its
// attributes.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "graph/graph.h"

namespace crease::onnx {

class NodeProto;
class AttributeProto;

/// A tensor of the file that no node has wanted in the graph yet.
struct Stored {
  std::string name;  // that of its parameter
  Tensor tensor;
  bool initializer = false;
};

/// A size, or another integer that is computed from sizes: its number, or its name.
struct Size {
  int64_t number = 0;
  std::string symbol = {};
  bool operator==(const Size&) const = default;
};

/// Integers known when the file is read, of which some may be named, such as the sizes of a value.
struct Sizes {
  std::vector<Size> values;
  bool scalar = false;  // rank 0, else 1
};

Size size_of(const Dim& dim);
/// Errors: Error for what is negative.
Dim dim_of(const Size& size);
Shape shape_of(const Sizes& sizes);

/// What a name of the file stands for.
using Item = std::variant<Value, Stored, Sizes>;

/// Names of a file and what they stand for, and the graph that is made of them.
struct Scope {
  Graph graph;
  std::map<std::string, Item> items;
  std::string batch;       // name of the dimension that takes the place of `batch_size`, or empty
  int64_t batch_size = 0;  // 0: there is none
  std::map<int32_t, Tensor> computed = {};  // constants by node, once they were wanted
  int64_t work = 0;                         // that it took
};

/// Axes that a value may have here: more are no network.
constexpr size_t most_axes = 64;

/// The axis counted from 0. Errors: Error if it is outside [-rank, rank).
size_t axis_of(int64_t axis, size_t rank);
/// The same for several. Errors: also if one is repeated.
std::vector<size_t> axes_of(const std::vector<int64_t>& axes, size_t rank);

/// A name that crease allows: other characters become '_'.
std::string allowed_name(const std::string& name);

/// What an operator reads of its node. What it did not ask for was not carried out: finish() refuses it.
/// Errors (all): Error for what is missing or of another kind; the caller adds which node it was.
class NodeReader {
 public:
  NodeReader(const NodeProto& node, int64_t opset, Scope& scope);

  /// Version of the operator set.
  int64_t opset() const { return opset_; }
  Graph& graph() { return scope_.graph; }
  const Scope& scope() const { return scope_; }

  /// How many inputs are named, those that are left out at the end not counted.
  int inputs() const { return inputs_; }
  int outputs() const;
  bool has(int k) const;
  /// Whether two inputs are one, which then is read by either.
  bool same(int j, int k);
  /// As part of the graph.
  Value value(int k);
  std::optional<Value> optional_value(int k);
  /// A value whose operation stands on no line of a program.
  Operand operand(int k) { return {value(k), std::source_location()}; }
  /// The same, and a floating initializer becomes state, which no optimizer changes.
  Value state(int k);
  /// As values known now.
  Tensor constant(int k);
  bool is_constant(int k);
  std::vector<int64_t> integers(int k);
  /// As integers of which some may be named: a list or a single one.
  Sizes sizes(int k);
  bool is_sizes(int k);
  /// The finite number that the input is: a constant of one element, and of no higher rank than `rank`, so
  /// that it changes no shape. None for parameters, and for anything else.
  std::optional<double> number(int k, size_t rank);
  Shape shape(int k);

  int64_t integer(const std::string& attribute, int64_t otherwise);
  double real(const std::string& attribute, double otherwise);
  std::string text(const std::string& attribute, const std::string& otherwise);
  std::vector<std::string> texts(const std::string& attribute);
  std::vector<int64_t> integers(const std::string& attribute, const std::vector<int64_t>& otherwise);
  /// Of operators whose attribute became their input k in a later version.
  std::optional<std::vector<int64_t>> integers(const std::string& attribute, int k);
  std::optional<Tensor> tensor(const std::string& attribute);
  bool has_attribute(const std::string& attribute) const;
  /// An attribute that makes no difference here.
  void ignore(const std::string& attribute) { asked_.insert(attribute); }
  /// Errors: Error where the node says that it is part of a training.
  void expect_inference();

  /// Errors: Error for attributes and inputs that nobody asked for.
  void finish() const;

 private:
  const AttributeProto* find(const std::string& attribute, int type);
  Item& item(int k);
  Value made(Item& item, bool state);
  const NodeProto& node_;
  int64_t opset_;
  Scope& scope_;
  int inputs_;
  std::set<std::string> asked_;
  std::set<int> read_;
};

}  // namespace crease::onnx
