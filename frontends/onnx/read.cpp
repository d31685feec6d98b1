// An ONNX file as a graph: inputs, then node by node in the order of the file.
#include <frontends/onnx/onnx.pb.h>
#include <algorithm>
#include <limits>
#include <ranges>
#include <set>

#include "frontends/file.h"
#include "frontends/onnx.h"
#include "frontends/onnx/operators.h"
#include "frontends/onnx/stored_tensor.h"
#include "frontends/printable.h"
#include "graph/error.h"
#include "graph/listed.h"
#include "graph/scan.h"

namespace crease {
namespace {

using namespace onnx;

constexpr int64_t oldest_opset = 1, newest_opset = 24;
constexpr int64_t most_bytes = std::numeric_limits<int32_t>::max();  // of the format

/// "node 3 'conv1' (Conv)".
std::string describe(const NodeProto& node, int position) {
  const std::string name = node.name().empty() ? "" : fmt::format(" '{}'", printable(node.name()));
  return fmt::format("node {}{} ({})", position, name, printable(node.op_type()));
}

/// What an operation says, without the lines of the reader that called it, and fit for a terminal.
std::string told(std::string_view message) {
  std::string text;
  for (size_t k = 0; k < message.size(); ++k) {
    const std::string_view rest = message.substr(k);
    const size_t end = rest.find(')');
    const bool place =
        rest.starts_with(" (") && end != rest.npos &&
        (rest.substr(0, end).find(".cpp:") != rest.npos || rest.starts_with(" (at text form)"));
    if (place)
      k += end;
    else
      text += message[k] == '\n' ? "\n" : printable(message.substr(k, 1));
  }
  return text;
}

/// Does `action`; an Error of it says where in the file it happened.
template <class F>
auto at(const std::string& place, const F& action) {
  try {
    return action();
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", place, told(error.what())));
  }
}

/// Version of the operators of the default domain.
int64_t opset_of(const ModelProto& model) {
  for (const OperatorSetIdProto& set : model.opset_import()) {
    if (!set.domain().empty() && set.domain() != "ai.onnx") continue;
    expect(set.version() >= oldest_opset && set.version() <= newest_opset,
           "operators of version {}: versions {} to {} are read; export the network anew", set.version(),
           oldest_opset, newest_opset);
    return set.version();
  }
  fail("it does not say which version of the operators it uses (opset_import)");
}

template <class Parts>
std::vector<std::string> names_of(const Parts& parts) {
  std::vector<std::string> names;
  for (const auto& part : parts) names.push_back(printable(part.name()));
  return names;
}

/// What some values are computed from.
struct Needed {
  std::vector<int> nodes;       // positions, ascending
  std::set<std::string> names;  // of values
};

Needed needed_by(const GraphProto& graph, const std::vector<std::string>& values) {
  Needed needed{.nodes = {}, .names = {values.begin(), values.end()}};
  for (int k = graph.node_size() - 1; k >= 0; --k) {
    const NodeProto& node = graph.node(k);
    const auto is_needed = [&](const std::string& name) { return needed.names.contains(name); };
    if (std::ranges::none_of(node.output(), is_needed)) continue;
    needed.names.insert(node.input().begin(), node.input().end());
    needed.nodes.push_back(k);
  }
  std::ranges::reverse(needed.nodes);
  return needed;
}

bool is_usual(const NodeProto& node) { return node.domain().empty() || node.domain() == "ai.onnx"; }

bool is_known(const NodeProto& node) { return is_usual(node) && find_operator(node.op_type()) != nullptr; }

/// Those values that are computed from inputs, without an operator that is not known.
std::vector<std::string> readable(const GraphProto& graph, const std::vector<std::string>& values) {
  std::vector<std::string> result;
  for (const std::string& value : values) {
    const Needed needed = needed_by(graph, {value});
    const bool computed = !needed.nodes.empty() && std::ranges::any_of(graph.input(), [&](const auto& input) {
      return needed.names.contains(input.name());
    });
    if (computed && std::ranges::all_of(needed.nodes, [&](int k) { return is_known(graph.node(k)); }))
      result.push_back(printable(value));
  }
  return result;
}

/// What can be read in place of what these nodes give: other outputs, else the values in front of them.
std::string way_out(const GraphProto& graph, const std::vector<int>& unknown) {
  std::vector<std::string> outputs, operands;
  for (const ValueInfoProto& output : graph.output()) outputs.push_back(output.name());
  if (const auto others = readable(graph, outputs); !others.empty())
    return "; outputs that do not need them can be read alone: " + listed(others);
  for (const int k : unknown)
    operands.insert(operands.end(), graph.node(k).input().begin(), graph.node(k).input().end());
  const auto before = readable(graph, operands);
  return before.empty() ? "" : "; values in front of them can be read as outputs: " + listed(before);
}

/// All that cannot be read, at once.
void expect_known_operators(const GraphProto& graph, const std::vector<int>& nodes) {
  std::vector<int> unknown;
  std::ranges::copy_if(nodes, std::back_inserter(unknown), [&](int k) { return !is_known(graph.node(k)); });
  if (unknown.empty()) return;
  constexpr size_t shown = 20;
  std::vector<std::string> problems;
  for (const int k : unknown | std::views::take(shown)) {
    const NodeProto& node = graph.node(k);
    problems.push_back(is_usual(node)
                           ? describe(node, k)
                           : fmt::format("{} of domain {}", describe(node, k), printable(node.domain())));
  }
  if (unknown.size() > shown) problems.push_back(fmt::format("{} more", unknown.size() - shown));
  fail("operators that are not read: {}; docs/onnx.md lists those that are{}", listed(problems),
       way_out(graph, unknown));
}

/// A name of a dimension as crease has them: an identifier.
std::string symbol_of(const std::string& name) {
  std::string symbol;
  for (const char c : name) symbol += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  if (symbol.empty() || std::isdigit(static_cast<unsigned char>(symbol[0])) != 0) symbol = "d" + symbol;
  return symbol;
}

/// Whether a node brings samples together: a sum over them, a loop along them, or one shape that has them
/// twice, as a product of all with all.
bool mixes(const Node& node, const Dim& samples) {
  if (std::ranges::count(node.shape, samples) > 1) return true;
  if (node.scan) return node.scan->length == samples;
  for (size_t label = 0; label < node.loops.labels.size(); ++label) {
    const auto is_written = [&](const AffineIndex& index) {
      return std::ranges::find(index.terms, static_cast<int>(label), &Term::label) != index.terms.end();
    };
    if (node.loops.labels[label].extent == samples && std::ranges::none_of(node.loops.write, is_written))
      return true;
  }
  return false;
}

/// A dimension was taken for the samples: then each sample must have results of its own.
void expect_samples_apart(const Graph& graph, const std::string& samples) {
  std::vector<NodeId> ends;
  for (const Output& output : graph.outputs()) {
    ends.push_back(output.node);
    expect(std::ranges::count(graph.node(output.node).shape, Dim(samples)) == 1,
           "output '{}' {} has no dimension '{}' of samples", output.name,
           to_string(graph.node(output.node).shape), samples);
  }
  for (const NodeId id : ancestors(graph, ends))
    expect(!mixes(graph.node(id), samples), "{} brings samples together, so that '{}' cannot be any number",
           describe(graph, id), samples);
}

class Reader {
 public:
  Reader(const ModelProto& model, const OnnxOptions& options, const Folder& folder)
      : model_(model), options_(options), folder_(folder), opset_(opset_of(model)) {}

  Graph run() {
    const GraphProto& graph = model_.graph();
    std::vector<std::string> outputs = options_.outputs;
    if (outputs.empty())
      for (const ValueInfoProto& output : graph.output()) outputs.push_back(output.name());
    expect(!outputs.empty(), "the graph has no outputs");
    const Needed needed = needed_by(graph, outputs);
    expect_known_operators(graph, needed.nodes);
    expect(graph.sparse_initializer().empty(), "sparse initializers are not read");
    for (const TensorProto& tensor : graph.initializer())
      if (needed.names.contains(tensor.name())) read_initializer(tensor);
    for (const ValueInfoProto& input : graph.input())
      if (options_.outputs.empty() || needed.names.contains(input.name())) read_input(input);
    for (const auto& [name, size] : options_.sizes)
      expect(named_.contains(name), "no dimension is named '{}'; there are: {}", name, listed(named_));
    for (const int k : needed.nodes) at(describe(graph.node(k), k), [&] { read_node(graph.node(k)); });
    for (const std::string& output : outputs) read_output(output);
    if (!scope_.batch.empty()) expect_samples_apart(scope_.graph, scope_.batch);
    return without_lines(scope_.graph);
  }

 private:
  void define(const std::string& name, Item item) {
    expect(scope_.items.emplace(name, std::move(item)).second, "'{}' has two values", printable(name));
  }

  void read_initializer(const TensorProto& tensor) {
    const std::string& name = tensor.name();
    at(fmt::format("initializer '{}'", printable(name)), [&] {
      expect(!name.empty(), "it has no name");
      define(
          name,
          Stored{.name = unique(name, names_), .tensor = read_tensor(tensor, folder_), .initializer = true});
    });
  }

  /// Inputs that are initializers as well only have a default: files of old versions list all of them.
  void read_input(const ValueInfoProto& input) {
    if (scope_.items.contains(input.name())) return;
    at(fmt::format("input '{}'", printable(input.name())), [&] {
      expect(input.type().has_tensor_type(), "it is no tensor");
      const TypeProto::Tensor& type = input.type().tensor_type();
      expect(type.has_shape(), "its shape is not given");
      const std::string name = unique(input.name(), names_);
      Shape shape;
      for (const auto& dim : type.shape().dim()) shape.push_back(read_dim(dim, name, shape.size()));
      define(input.name(), scope_.graph.input(name, shape, element_type(type.elem_type()), {}));
    });
  }

  Dim read_dim(const TensorShapeProto::Dimension& dim, const std::string& input, size_t axis) {
    const bool known = dim.has_dim_value() && dim.dim_value() > 0;
    expect(!dim.has_dim_value() || dim.dim_value() >= 0, "a dimension of {}", dim.dim_value());
    if (axis == 0 && known && !options_.batch.empty()) {
      expect(scope_.batch_size == 0 || scope_.batch_size == dim.dim_value(),
             "it has {} samples, another input {}", dim.dim_value(), scope_.batch_size);
      scope_.batch_size = dim.dim_value();
      scope_.batch = options_.batch;
      return options_.batch;
    }
    if (known) return dim.dim_value();
    const std::string name = dim.dim_param().empty() ? fmt::format("{}_{}", input, axis) : dim.dim_param();
    const std::string symbol = symbol_of(name);
    named_.insert(symbol);
    const auto it = options_.sizes.find(symbol);
    return it == options_.sizes.end() ? Dim(symbol) : Dim(it->second);
  }

  void read_node(const NodeProto& proto) {
    for (const std::string& name : proto.input())
      expect(name.empty() || scope_.items.contains(name), "it reads '{}', which nothing before it gives",
             printable(name));
    NodeReader node(proto, opset_, scope_);
    const Results results = find_operator(proto.op_type())->read(node);
    node.finish();
    for (int k = 0; k < proto.output_size(); ++k) {
      if (proto.output(k).empty()) continue;
      expect(k < std::ssize(results), "result {} ('{}') is not carried out", k, printable(proto.output(k)));
      const Item& item = results[static_cast<size_t>(k)];
      if (const auto* value = std::get_if<Value>(&item)) name_value(*value, proto);
      if (const auto* value = std::get_if<Value>(&item))
        expect(value->shape().size() <= most_axes, "a value of rank {}", value->shape().size());
      define(proto.output(k), item);
    }
  }

  /// The node's name, unless it is only another name of what was there before.
  void name_value(const Value& value, const NodeProto& proto) {
    const std::string& name = proto.name().empty() ? proto.output(0) : proto.name();
    if (value.node().role == Role::Apply && value.node().name.empty())
      scope_.graph.set_name(value, allowed_name(name));
  }

  void read_output(const std::string& name) {
    at(fmt::format("output '{}'", printable(name)), [&] {
      expect(scope_.items.contains(name), "nothing gives it; outputs of the file: {}",
             listed(names_of(model_.graph().output())));
      NodeProto identity;
      identity.add_input(name);
      scope_.graph.output(unique(name, outputs_), NodeReader(identity, opset_, scope_).value(0));
    });
  }

  /// A name that crease allows and that none of `taken` is.
  static std::string unique(const std::string& name, std::set<std::string>& taken) {
    const std::string allowed = allowed_name(name);
    std::string result = allowed;
    for (int k = 1; !taken.insert(result).second; ++k) result = fmt::format("{}_{}", allowed, k);
    return result;
  }

  /// Nodes stand on lines of a program only where one made them, and no line of this one helps.
  static Graph without_lines(const Graph& graph) {
    Graph result;
    std::vector<Value> copies;
    for (NodeId id = 0; id < graph.size(); ++id) {
      Node node = graph.node(id);
      node.where = {};
      std::vector<Value> operands;
      for (const NodeId operand : node.operands) operands.push_back(copies[static_cast<size_t>(operand)]);
      copies.push_back(result.copy(node, operands));
    }
    for (const Output& output : graph.outputs())
      result.output(output.name, copies[static_cast<size_t>(output.node)]);
    return result;
  }

  const ModelProto& model_;
  const OnnxOptions& options_;
  const Folder& folder_;
  int64_t opset_;
  Scope scope_;
  std::set<std::string> names_;    // of inputs and parameters
  std::set<std::string> outputs_;  // which may be called as the parameter that they are
  std::set<std::string> named_;    // dimensions
};

Graph read(std::string_view bytes, const std::string& name, const OnnxOptions& options,
           const Folder& folder) {
  return at(fmt::format("[onnx] {}", printable(name)), [&] {
    ModelProto model;
    expect(std::ssize(bytes) <= most_bytes, "{} bytes: the format has at most {}", bytes.size(), most_bytes);
    expect(model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())),
           "it is no ONNX file, or it is cut off");
    expect(model.has_graph(), "it has no graph: is it an ONNX file?");
    return Reader(model, options, folder).run();
  });
}

}  // namespace

Graph read_onnx(const std::filesystem::path& path, const OnnxOptions& options) {
  const std::string bytes = read_file(path, most_bytes);
  return read(bytes, path.string(), options, path.parent_path());
}

Graph parse_onnx(std::string_view bytes, const std::string& name, const OnnxOptions& options) {
  return read(bytes, name, options, {});
}

std::vector<std::string> onnx_operators() { return operator_names(); }

}  // namespace crease
