// Text to graph: the statements are read, put into order of definition, and applied one by one.
#include <algorithm>
#include <map>
#include <set>

#include "graph/access/pattern.h"
#include "graph/edit_distance.h"
#include "graph/error.h"
#include "graph/ops/catalog.h"
#include "graph/scan.h"
#include "graph/text.h"
#include "graph/text/statement.h"
#include "graph/verify.h"

namespace crease {
namespace {

using Kind = Statement::Kind;

std::string place(const Reference& at) {
  return fmt::format("[text] line {}, column {}", at.line, at.column);
}

/// Node statements by their number. Errors: Error for a number that is defined twice.
std::map<int64_t, const Statement*> definitions(const std::vector<Statement>& statements) {
  std::map<int64_t, const Statement*> defined;
  for (const Statement& statement : statements) {
    if (!statement.is_node()) continue;
    const auto [it, fresh] = defined.emplace(statement.self.id, &statement);
    expect(fresh, "{}: %{} is defined already in line {}: give every node its own number",
           place(statement.self), statement.self.id, it->second->self.line);
  }
  return defined;
}

/// The nodes of a cycle through `start`, in the order in which each reads the next; empty if there is none.
std::vector<int64_t> cycle_through(int64_t start, const std::map<int64_t, const Statement*>& defined) {
  std::set<int64_t> seen;
  std::vector<std::pair<int64_t, size_t>> path{{start, 0}};  // node, operands already followed
  while (!path.empty()) {
    auto& [id, next] = path.back();
    const auto& operands = defined.at(id)->operands;
    if (next == operands.size()) {
      path.pop_back();
      continue;
    }
    const int64_t operand = operands[next++].id;
    if (operand == start) {
      std::vector<int64_t> cycle;
      for (const auto& step : path) cycle.push_back(step.first);
      return cycle;
    }
    if (defined.contains(operand) && seen.insert(operand).second) path.emplace_back(operand, 0);
  }
  return {};
}

[[noreturn]] void fail_cycle(const Reference& at, const std::vector<int64_t>& cycle,
                             const std::map<int64_t, const Statement*>& defined) {
  std::string text;
  for (const int64_t id : cycle) text += fmt::format("%{} (line {}) reads ", id, defined.at(id)->self.line);
  fail("{}: the nodes form a cycle: {}%{}; a graph computes in order, so break it", place(at), text,
       cycle[0]);
}

/// Every node that is read is defined before. Errors: Error that names an undefined node, a cycle node by
/// node, or the line that must move up.
void check_order(const std::vector<Statement>& statements) {
  const auto defined = definitions(statements);
  std::set<int64_t> known;
  for (const Statement& statement : statements) {
    for (const Reference& operand : statement.operands) {
      if (known.contains(operand.id)) continue;
      const auto later = defined.find(operand.id);
      expect(later != defined.end(), "{}: %{} is not defined in this text", place(operand), operand.id);
      if (statement.is_node()) {
        const auto cycle = cycle_through(statement.self.id, defined);
        if (!cycle.empty()) fail_cycle(operand, cycle, defined);
      }
      fail("{}: %{} is read before line {} defines it: move that line up", place(operand), operand.id,
           later->second->self.line);
    }
    if (statement.is_node()) known.insert(statement.self.id);
  }
}

std::string nearest_op(std::string_view name) {
  const auto rows = catalog();
  return std::min_element(rows.begin(), rows.end(),
                          [&](const CatalogRow& a, const CatalogRow& b) {
                            return edit_distance(a.name, name) < edit_distance(b.name, name);
                          })
      ->name;
}

/// Loops from a pattern and an explicit list of labels.
Resolved with_labels(const Statement& s, size_t operands) {
  Pattern pattern = parse_pattern(s.pattern);
  if (operands == 1) pattern.reads.resize(std::max<size_t>(pattern.reads.size(), 1));  // one scalar: "-> i"
  expect(pattern.reads.size() == operands, "pattern '{}' wants {} operands, got {}", s.pattern,
         pattern.reads.size(), operands);
  Resolved resolved{.loops = {.labels = s.labels, .reads = {}, .write = {}}, .shape = s.shape};
  std::vector<std::string> names;
  for (const Label& label : s.labels) names.push_back(label.name);
  const auto read = [&](const std::vector<std::string>& dims) {
    Access access;
    for (const std::string& dim : dims) access.push_back(read_index(dim, s.pattern, names));
    if (names.size() != s.labels.size()) {
      fail("label '{}' of pattern '{}' is not in the list after 'loop'", names.back(), s.pattern);
    }
    return access;
  };
  for (const auto& dims : pattern.reads) resolved.loops.reads.push_back(read(dims));
  resolved.loops.write = read(pattern.write);
  return resolved;
}

/// Loops from a pattern alone; a result that is written at computed positions takes the declared shape.
Resolved from_pattern(const Statement& s, std::span<const Shape> operands) {
  std::vector<std::string> names;
  const Pattern pattern = parse_pattern(s.pattern);
  const bool plain = std::all_of(pattern.write.begin(), pattern.write.end(), [&](const std::string& dim) {
    return dim == "..." || read_index(dim, s.pattern, names).plain_label() >= 0;
  });
  return resolve(s.pattern, operands, {}, plain ? Shape() : s.shape);
}

class Builder {
 public:
  Graph build(const std::vector<Statement>& statements) {
    for (const Statement& statement : statements) {
      try {
        add(statement);
      } catch (const Error& error) {
        fail("{}: {}", place(at(statement)), error.what());
      }
    }
    return std::move(graph_);
  }

 private:
  static Reference at(const Statement& statement) {
    return statement.self.line > 0 ? statement.self : Reference{-1, 1, 1};
  }

  void add(const Statement& s) {
    switch (s.kind) {
      case Kind::Graph: graph_.set_tie(*s.tie); return;
      case Kind::Output: graph_.output(s.name, operands(s)[0]); return;
      case Kind::Update: graph_.update(graph_.find(s.name), operands(s)[0]); return;
      case Kind::Input: return define(s, graph_.input(s.name, s.shape, s.type));
      case Kind::Parameter: return define(s, graph_.parameter(s.name, Tensor(s.type, sizes_of(s.shape))));
      case Kind::State: return define(s, graph_.state(s.name, Tensor(s.type, sizes_of(s.shape))));
      case Kind::Constant: return define(s, graph_.constant(s.value));
      case Kind::Random: return define(s, graph_.random(s.shape, operands(s)[0], s.seed));
      case Kind::Named: return define(s, named(s));
      case Kind::Loop: return define(s, loop(s));
      case Kind::Scan: return define(s, scan(s));
      case Kind::Block: return add_block(s);
    }
  }

  void define(const Statement& s, const Value& value) {
    expect(value.shape() == s.shape && value.type() == s.type, "%{} is declared {}{}, but follows as {}{}",
           s.self.id, to_string(s.type), to_string(s.shape), to_string(value.type()),
           to_string(value.shape()));
    if (s.tie) graph_.set_tie(value, *s.tie);
    if (!s.name.empty() && !s.is_leaf()) graph_.set_name(value, s.name);
    values_.emplace(s.self.id, value);
  }

  std::vector<Value> operands(const Statement& s) const {
    std::vector<Value> values;
    for (const Reference& reference : s.operands) values.push_back(values_.at(reference.id));
    return values;
  }

  void add_block(const Statement& s) {
    auto record = std::make_shared<Scan>();
    Block block{.scan = record, .nodes = {}};
    try {
      const std::vector<Statement> statements = read_statements(s.text);
      check_order(statements);
      Builder body;
      record->body = body.build(statements);
      verify(record->body);
      for (const auto& [id, value] : body.values_) block.nodes.emplace(id, value.id());
    } catch (const Error& error) {
      fail("in the body of '{}', counted from the next line: {}", s.name, error.what());
    }
    record->carries = s.carries;
    record->sequences = s.sequences;
    record->length = s.length;
    record->reverse = s.reverse;
    expect(scans_.emplace(s.name, std::move(block)).second, "the scan '{}' exists already", s.name);
  }

  Value scan(const Statement& s) {
    const auto found = scans_.find(s.op);
    expect(found != scans_.end(), "no scan '{}' above", s.op);
    const Block& block = found->second;
    const Scan& record = *block.scan;
    int result = -1;
    if (s.part == "inner") {
      const auto node = block.nodes.find(s.result);
      expect(node != block.nodes.end(), "no %{} in the body of '{}'", s.result, s.op);
      result = record.inner(node->second);
    } else {
      const int count = s.part == "carry" ? record.carries : record.stacked();
      expect(s.result < count, "no {} {} of '{}': it has {}", s.part, s.result, s.op, count);
      result = static_cast<int>(s.result) + (s.part == "carry" ? 0 : record.carries);
    }
    return apply_scan(block.scan, result, operands(s), std::source_location());
  }

  Value named(const Statement& s) {
    const CatalogRow* row = find_op(s.op);
    expect(row != nullptr,
           "unknown operation '{}': nearest is '{}'; write others as loop \"...\" assign {{...}}(...)", s.op,
           nearest_op(s.op));
    expect(row->make != nullptr || s.attributes.empty(), "[{}] takes no attributes, got '{}'", s.op,
           s.attributes.empty() ? std::string() : s.attributes[0].first);
    const Op op = s.attributes.empty() ? row->op : row->make(s.attributes);
    return graph_.apply(std::make_shared<const Op>(op), operands(s), std::source_location());
  }

  Value loop(const Statement& s) {
    const std::vector<Value> values = operands(s);
    std::vector<Shape> shapes;
    for (const Value& value : values) shapes.push_back(value.shape());
    Op op{.name = s.op,
          .doc = "Read from text.",
          .loops = s.pattern,
          .combine = s.combine,
          .attributes = s.attributes};
    op.body = Body(static_cast<int>(values.size()), s.body);
    Resolved resolved = s.labels_given ? with_labels(s, shapes.size()) : from_pattern(s, shapes);
    return graph_.apply_resolved(std::make_shared<const Op>(std::move(op)), std::move(resolved), values,
                                 s.type, std::source_location());
  }

  Graph graph_;
  std::map<int64_t, Value> values_;
  /// A loop, and the nodes of its body by their numbers in the text.
  struct Block {
    std::shared_ptr<const Scan> scan;
    std::map<int64_t, NodeId> nodes;
  };
  std::map<std::string, Block> scans_;
};

}  // namespace

Graph parse(std::string_view text) {
  const std::vector<Statement> statements = read_statements(text);
  check_order(statements);
  Graph graph = Builder().build(statements);
  verify(graph);
  return graph;
}

}  // namespace crease
