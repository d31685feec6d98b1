// The grammar of one line.
#include "graph/text/statement.h"

#include <bit>
#include <charconv>

#include "graph/error.h"
#include "graph/text/cursor.h"

namespace crease {
namespace {

using Kind = Statement::Kind;

/// Runs `read` on the text at the cursor and puts line and column before what it throws.
template <class Read>
auto located(int line, int column, Read read) {
  try {
    return read();
  } catch (const Error& error) {
    fail("[text] line {}, column {}: {}", line, column, error.what());
  }
}

Reference read_reference(Cursor& in) {
  const int column = in.column();
  in.require("%");
  const int64_t id = in.integer();
  return {id, in.line(), column};
}

Type read_type(Cursor& in) {
  const int column = in.column();
  return located(in.line(), column, [&] { return parse_type(in.word()); });
}

Dim read_dim(Cursor& in) {
  const int column = in.column();
  const std::string word = in.word();
  if (word.empty()) in.error("a size or the name of a dimension");
  int64_t size = 0;
  const auto [end, code] = std::from_chars(word.data(), word.data() + word.size(), size);
  const bool is_size = code == std::errc() && end == word.data() + word.size();
  return located(in.line(), column, [&] { return is_size ? Dim(size) : Dim(word); });
}

Shape read_shape(Cursor& in) {
  Shape shape;
  in.require("[");
  if (in.accept("]")) return shape;
  do shape.push_back(read_dim(in));
  while (in.accept(","));
  in.require("]");
  return shape;
}

Tie read_tie(Cursor& in) {
  const int column = in.column();
  return located(in.line(), column, [&] { return parse_tie(in.until("#")); });
}

template <class T, class Bits>
T read_float(Cursor& in) {
  const int column = in.column();
  const std::string_view word = in.until(",])");
  T value = 0;
  Bits bits = 0;
  const char* end = word.data() + word.size();
  if (word.starts_with("nan:") && std::from_chars(word.data() + 4, end, bits, 16).ptr == end)
    return std::bit_cast<T>(bits);
  const auto [stop, code] = std::from_chars(word.data(), end, value);
  if (code != std::errc() || stop != end || word.empty())
    fail("[text] line {}, column {}: want a number, got '{}'", in.line(), column, word);
  return value;
}

template <class T>
void read_integer(Cursor& in, T& to, int64_t low, int64_t high) {
  const int column = in.column();
  const int64_t value = in.integer();
  expect(value >= low && value <= high,
         "[text] line {}, column {}: {} is outside the element type: want {} to {}", in.line(), column, value,
         low, high);
  to = static_cast<T>(value);
}

void read_element(Cursor& in, Tensor& tensor, int64_t index) {
  const auto at = static_cast<size_t>(index);
  switch (tensor.type()) {
    case Type::f64: tensor.write<double>()[at] = read_float<double, uint64_t>(in); return;
    case Type::f32: tensor.write<float>()[at] = read_float<float, uint32_t>(in); return;
    case Type::i64: return read_integer(in, tensor.write<int64_t>()[at], INT64_MIN, INT64_MAX);
    case Type::i32: return read_integer(in, tensor.write<int32_t>()[at], INT32_MIN, INT32_MAX);
    case Type::u8: return read_integer(in, tensor.write<uint8_t>()[at], 0, 255);
    case Type::boolean: return read_integer(in, tensor.write<uint8_t>()[at], 0, 1);
  }
}

Tensor read_values(Cursor& in, Type type, const Shape& shape) {
  const int column = in.column();
  Tensor tensor = located(in.line(), column, [&] { return Tensor(type, sizes_of(shape)); });
  if (in.accept("fill")) {
    in.require("(");
    Tensor one(type, {});
    read_element(in, one, 0);
    in.require(")");
    std::byte* to = tensor.mutable_data();
    for (int64_t i = 0; i < tensor.count(); ++i)
      std::copy_n(one.data(), size_of(type), to + i * size_of(type));
    return tensor;
  }
  in.require("[");
  for (int64_t i = 0; i < tensor.count(); ++i) {
    if (i > 0) in.require(",");
    read_element(in, tensor, i);
  }
  if (!in.accept("]")) in.error(fmt::format("']' after {} values of {}", tensor.count(), to_string(shape)));
  return tensor;
}

Attributes read_attributes(Cursor& in) {
  Attributes attributes;
  if (!in.accept("[")) return attributes;
  do {
    std::string name = in.name();
    if (name.empty()) in.error("the name of an attribute");
    in.require("=");
    attributes.emplace_back(std::move(name), read_float<double, uint64_t>(in));
  } while (in.accept(","));
  in.require("]");
  return attributes;
}

std::vector<Label> read_labels(Cursor& in) {
  std::vector<Label> labels;
  if (in.accept("]")) return labels;
  do {
    std::string name = in.word();
    if (name.empty()) in.error("the name of a label");
    in.require("=");
    labels.push_back({std::move(name), read_dim(in)});
  } while (in.accept(","));
  in.require("]");
  return labels;
}

std::vector<Reference> read_operands(Cursor& in) {
  std::vector<Reference> operands;
  in.require("(");
  if (in.accept(")")) return operands;
  do operands.push_back(read_reference(in));
  while (in.accept(","));
  in.require(")");
  return operands;
}

void read_loop(Cursor& in, Statement& statement) {
  statement.kind = Kind::Loop;
  statement.labels_given = in.accept("[");
  if (statement.labels_given) statement.labels = read_labels(in);
  statement.pattern = in.quoted();
  const int combine = in.column();
  statement.combine = located(in.line(), combine, [&] { return parse_combine(in.word()); });
  const int body = in.column();
  const std::string text = in.braced();
  statement.body = located(in.line(), body, [&] { return parse_scalar(text); });
}

int read_count(Cursor& in) {
  int count = 0;
  read_integer(in, count, 0, 1'000'000);
  return count;
}

void read_apply(Cursor& in, Statement& statement) {
  if (in.accept("random")) {
    statement.kind = Kind::Random;
    statement.operands = read_operands(in);
    in.require("seed");
    in.require("=");
    statement.seed = in.natural();
    return;
  }
  if (in.accept("scan")) {
    statement.kind = Kind::Scan;
    statement.op = in.name();
    statement.part = in.name();
    const bool known = statement.part == "carry" || statement.part == "output" || statement.part == "inner";
    if (!known) in.error("'carry', 'output' or 'inner'");
    in.require("=");
    statement.result = statement.part == "inner" ? read_reference(in).id : read_count(in);
    statement.operands = read_operands(in);
    return;
  }
  statement.kind = Kind::Named;
  if (in.accept("loop")) {
    read_loop(in, statement);
  } else {
    const bool quoted = in.sees('"');
    statement.op = in.name();
    if (statement.op.empty() && !quoted) in.error("an operation, 'loop', 'scan' or 'random'");
    statement.attributes = read_attributes(in);
    if (in.accept("loop")) read_loop(in, statement);
  }
  statement.operands = read_operands(in);
}

Statement read_node(Cursor& in, Kind kind) {
  Statement statement{.kind = kind};
  statement.self = read_reference(in);
  statement.name = in.name();
  in.require(":");
  statement.type = read_type(in);
  statement.shape = read_shape(in);
  if (!statement.is_leaf()) in.require("=");
  if (kind == Kind::Constant) statement.value = read_values(in, statement.type, statement.shape);
  if (kind == Kind::Named) read_apply(in, statement);
  if (in.accept("tie")) {
    in.require("=");
    statement.tie = read_tie(in);
  }
  return statement;
}

Statement read_mark(Cursor& in, Kind kind) {
  Statement statement{.kind = kind};
  statement.self = {-1, in.line(), in.column()};
  statement.name = in.name();
  if (statement.name.empty()) in.error("a name");
  in.require("=");
  statement.operands = {read_reference(in)};
  return statement;
}

/// The head of a block, up to the brace.
Statement read_block(Cursor& in) {
  Statement statement{.kind = Kind::Block};
  statement.self = {-1, in.line(), in.column()};
  statement.name = in.name();
  if (statement.name.empty()) in.error("the name of a scan");
  const auto option = [&](const char* name) {
    in.require(name);
    in.require("=");
  };
  option("carries");
  statement.carries = read_count(in);
  option("sequences");
  statement.sequences = read_count(in);
  option("length");
  statement.length = read_dim(in);
  statement.reverse = in.accept("reverse");
  in.require("{");
  return statement;
}

Statement read_statement(Cursor& in) {
  if (in.accept("graph")) {
    in.require("tie");
    in.require("=");
    Statement statement{.kind = Kind::Graph};
    statement.tie = read_tie(in);
    return statement;
  }
  if (in.accept("input")) return read_node(in, Kind::Input);
  if (in.accept("param")) return read_node(in, Kind::Parameter);
  if (in.accept("state")) return read_node(in, Kind::State);
  if (in.accept("const")) return read_node(in, Kind::Constant);
  if (in.accept("scan")) return read_block(in);
  if (in.accept("output")) return read_mark(in, Kind::Output);
  if (in.accept("update")) return read_mark(in, Kind::Update);
  if (in.sees('%')) return read_node(in, Kind::Named);
  in.error("'%', graph, input, param, state, const, scan, output or update");
}

std::string_view take_line(std::string_view& text) {
  const size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

/// Lines up to the brace that closes the block, which stands alone in its line; the number of that line.
int read_body(std::string_view& text, int number, Statement& block) {
  int depth = 1;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    ++number;
    Cursor in(line, number);
    if (in.accept("}") && in.at_end() && --depth == 0) return number;
    if (Cursor(line, number).accept("scan")) ++depth;
    expect(depth <= 64, "[text] line {}: more than 64 blocks inside each other", number);
    block.text += std::string(line) + "\n";
  }
  fail("[text] line {}, column {}: the block of '{}' is not closed by a line with '}}'", block.self.line,
       block.self.column, block.name);
}

}  // namespace

std::vector<Statement> read_statements(std::string_view text) {
  std::vector<Statement> statements;
  int number = 0;
  while (!text.empty()) {
    Cursor in(take_line(text), ++number);
    if (in.at_end()) continue;
    statements.push_back(read_statement(in));
    if (statements.back().kind == Kind::Block) number = read_body(text, number, statements.back());
    if (!in.at_end()) in.error("the end of the line");
  }
  return statements;
}

}  // namespace crease
