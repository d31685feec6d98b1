// Graphs as text: see graph/text.h for the form.
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "graph/error.h"
#include "graph/ops/catalog.h"
#include "graph/scan.h"
#include "graph/text.h"
#include "graph/text/cursor.h"

namespace crease {
namespace {

/// The shortest text that reads back to the same bits; NaNs other than the usual one with their bits.
template <class T, class Bits>
std::string float_text(T value) {
  const auto bits = std::bit_cast<Bits>(value);
  if (!std::isnan(value)) return fmt::format("{}", value);
  if (bits == std::bit_cast<Bits>(std::numeric_limits<T>::quiet_NaN())) return "nan";
  return fmt::format("nan:{:x}", bits);
}

std::string element_text(const Tensor& tensor, int64_t index) {
  const auto at = static_cast<size_t>(index);
  switch (tensor.type()) {
    case Type::f64: return float_text<double, uint64_t>(tensor.read<double>()[at]);
    case Type::f32: return float_text<float, uint32_t>(tensor.read<float>()[at]);
    case Type::i64: return fmt::format("{}", tensor.read<int64_t>()[at]);
    case Type::i32: return fmt::format("{}", tensor.read<int32_t>()[at]);
    case Type::u8:
    case Type::boolean: return fmt::format("{}", tensor.read<uint8_t>()[at]);
  }
  return "?";
}

/// "[1, 2.5]", or "fill(0)" where several elements have one and the same text.
std::string values_text(const Tensor& tensor) {
  std::string list = "[";
  const std::string first = tensor.count() > 0 ? element_text(tensor, 0) : std::string();
  bool uniform = tensor.count() > 1;
  for (int64_t i = 0; i < tensor.count(); ++i) {
    const std::string text = element_text(tensor, i);
    uniform = uniform && text == first;
    list += (i > 0 ? ", " : "") + text;
  }
  return uniform ? fmt::format("fill({})", first) : list + "]";
}

std::string operands_text(const Node& node) {
  std::string text = "(";
  for (size_t k = 0; k < node.operands.size(); ++k)
    text += fmt::format("{}%{}", k > 0 ? ", " : "", node.operands[k]);
  return text + ")";
}

std::string attributes_text(const Attributes& attributes) {
  std::string text;
  for (const auto& [name, value] : attributes)
    text += fmt::format("{}{}={}", text.empty() ? "" : ", ", quote_if_needed(name),
                        float_text<double, uint64_t>(value));
  return text.empty() ? text : "[" + text + "]";
}

/// Loops whose labels follow from the pattern and the operands are told by the pattern alone.
bool follows_from_pattern(const Node& node, const std::vector<Shape>& operands) {
  const Access& write = node.loops.write;
  const bool plain = is_plain(write);
  try {
    const Resolved resolved = resolve(to_string(node.loops), operands, {}, plain ? Shape() : node.shape);
    return resolved.loops == node.loops && resolved.shape == node.shape;
  } catch (const Error&) {
    return false;
  }
}

/// Whether a reader takes the beginning of a bare name for a keyword.
bool starts_with_keyword(std::string_view name) {
  Cursor in(name, 0);
  return in.accept("loop") || in.accept("random") || in.accept("scan");
}

std::string loop_text(const Node& node, const std::vector<Shape>& operands) {
  const Op& op = *node.op;
  std::string labels;
  if (!follows_from_pattern(node, operands)) {
    for (const Label& label : node.loops.labels)
      labels += fmt::format("{}{}={}", labels.empty() ? "" : ", ", label.name, to_string(label.extent));
    labels = "[" + labels + "]";
  }
  std::string body = to_string(op.body.expression);
  if (!body.starts_with('{')) body = "{" + body + "}";
  std::string name = starts_with_keyword(op.name) ? quote(op.name) : quote_if_needed(op.name);
  if (op.name.empty() && op.attributes.empty()) name.clear();
  return fmt::format("{}{}{}loop{} \"{}\" {} {}", name, attributes_text(op.attributes),
                     name.empty() ? "" : " ", labels, to_string(node.loops), to_string(op.combine), body);
}

/// Whether the catalogue's operation of that name, applied to these operands, is this node again.
bool is_catalogued(const Graph& graph, const Node& node) {
  const CatalogRow* row = find_op(node.op->name);
  if (row == nullptr || (row->make == nullptr && !node.op->attributes.empty())) return false;
  try {
    const Op op = row->make == nullptr ? row->op : row->make(node.op->attributes);
    if (op.combine != node.op->combine || op.attributes != node.op->attributes ||
        !op.body.expression.same(node.op->body.expression))
      return false;
    Graph scratch;
    std::vector<Value> operands;
    for (const NodeId id : node.operands)
      operands.push_back(
          scratch.input(fmt::format("x{}", operands.size()), graph.node(id).shape, graph.node(id).type));
    const Value value = scratch.apply(std::make_shared<const Op>(op), operands, node.where);
    return value.shape() == node.shape && value.type() == node.type && value.node().loops == node.loops;
  } catch (const Error&) {
    return false;
  }
}

std::string apply_text(const Graph& graph, const Node& node) {
  std::vector<Shape> shapes;
  for (const NodeId id : node.operands) shapes.push_back(graph.node(id).shape);
  const std::string what = is_catalogued(graph, node)
                               ? quote_if_needed(node.op->name) + attributes_text(node.op->attributes)
                               : loop_text(node, shapes);
  return what + operands_text(node);
}

/// Loops by the name that stands for them in the text: scan0, scan1, ...
using ScanNames = std::map<const Scan*, std::string>;

std::string indented(const std::string& text) {
  std::string result = "  ";
  for (const char c : text) result += c == '\n' ? std::string("\n  ") : std::string(1, c);
  result.resize(result.size() - 2);
  return result;
}

/// The block of a loop before the first node that uses it.
std::string block_text(const Scan& scan, ScanNames& names) {
  const auto [name, fresh] = names.emplace(&scan, fmt::format("scan{}", names.size()));
  if (!fresh) return {};
  return fmt::format("scan {} carries={} sequences={} length={}{} {{\n{}}}\n", name->second, scan.carries,
                     scan.sequences, to_string(scan.length), scan.reverse ? " reverse" : "",
                     indented(to_string(scan.body)));
}

std::string result_text(const Scan& scan, int result) {
  if (scan.is_final(result)) return fmt::format("carry={}", result);
  if (scan.is_inner(result)) return fmt::format("inner=%{}", scan.source(result));
  return fmt::format("output={}", result - scan.carries);
}

std::string right_side(const Graph& graph, const Node& node, const ScanNames& scans) {
  switch (node.role) {
    case Role::Input:
    case Role::Parameter: return {};
    case Role::Constant: return " = " + values_text(node.value);
    case Role::Random: return fmt::format(" = random{} seed={}", operands_text(node), node.seed);
    case Role::Apply: return " = " + apply_text(graph, node);
    case Role::Scan:
      return fmt::format(" = scan {} {}{}", scans.at(node.scan.get()), result_text(*node.scan, node.result),
                         operands_text(node));
  }
  return {};
}

std::string_view keyword(const Node& node) {
  switch (node.role) {
    case Role::Input: return "input ";
    case Role::Parameter: return node.state ? "state " : "param ";
    case Role::Constant: return "const ";
    case Role::Random:
    case Role::Apply:
    case Role::Scan: break;
  }
  return "";
}

}  // namespace

std::string to_string(const Graph& graph) {
  std::string text;
  if (graph.tie()) text += fmt::format("graph tie={}\n", to_string(*graph.tie()));
  ScanNames scans;
  for (NodeId id = 0; id < graph.size(); ++id) {
    const Node& node = graph.node(id);
    if (node.scan) text += block_text(*node.scan, scans);
    const std::string name = node.name.empty() ? std::string() : " " + quote_if_needed(node.name);
    const std::string tie = node.tie ? " tie=" + to_string(*node.tie) : std::string();
    text += fmt::format("{}%{}{}: {}{}{}{}\n", keyword(node), id, name, to_string(node.type),
                        to_string(node.shape), right_side(graph, node, scans), tie);
  }
  for (const Output& output : graph.outputs())
    text += fmt::format("output {} = %{}\n", quote_if_needed(output.name), output.node);
  for (const Update& update : graph.updates())
    text +=
        fmt::format("update {} = %{}\n", quote_if_needed(graph.node(update.parameter).name), update.value);
  return text;
}

}  // namespace crease
