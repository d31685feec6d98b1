// Rules about accesses.
#include <algorithm>
#include <set>

#include "graph/ops/hold.h"
#include "graph/rewrite/rewrite.h"
#include "graph/rewrite/simplify/rules.h"

namespace crease {
namespace {

bool has_lookup(const Access& access) {
  return std::any_of(access.begin(), access.end(), [](const AffineIndex& i) { return i.lookup >= 0; });
}

/// Every dimension is walked whole by a label of its own, or has size 1 and is read at 0.
bool is_whole(const Access& access, const Loops& loops, const Shape& shape) {
  std::set<int> labels;
  for (size_t d = 0; d < access.size(); ++d) {
    if (shape[d] == Dim(1) && access[d] == AffineIndex{}) continue;
    const int label = access[d].plain_label();
    if (label < 0 || !labels.insert(label).second) return false;
    if (loops.labels[static_cast<size_t>(label)].extent != shape[d]) return false;
  }
  return true;
}

/// Which dimension each label walks in a whole access, or -1.
std::vector<int> dimension_of_label(const Access& access, size_t labels) {
  std::vector<int> dimension(labels, -1);
  for (size_t d = 0; d < access.size(); ++d)
    if (access[d].plain_label() >= 0)
      dimension[static_cast<size_t>(access[d].plain_label())] = static_cast<int>(d);
  return dimension;
}

AffineIndex sum_of(std::span<const AffineIndex> parts, std::span<const int64_t> factors, int64_t offset) {
  AffineIndex sum{.terms = {}, .offset = offset};
  for (size_t i = 0; i < parts.size(); ++i) {
    sum.offset += factors[i] * parts[i].offset;
    for (const Term& term : parts[i].terms) {
      const auto it = std::find_if(sum.terms.begin(), sum.terms.end(),
                                   [&](const Term& t) { return t.label == term.label; });
      if (it != sum.terms.end())
        it->coefficient += factors[i] * term.coefficient;
      else
        sum.terms.push_back({term.label, factors[i] * term.coefficient});
    }
  }
  std::erase_if(sum.terms, [](const Term& t) { return t.coefficient == 0; });
  std::sort(sum.terms.begin(), sum.terms.end(),
            [](const Term& a, const Term& b) { return a.label < b.label; });
  return sum;
}

/// The access with label i replaced by the index values[i].
Access replace_labels(const Access& access, std::span<const AffineIndex> values) {
  Access result;
  for (const AffineIndex& index : access) {
    std::vector<AffineIndex> parts;
    std::vector<int64_t> factors;
    for (const Term& term : index.terms) {
      parts.push_back(values[static_cast<size_t>(term.label)]);
      factors.push_back(term.coefficient);
    }
    result.push_back(sum_of(parts, factors, index.offset));
  }
  return result;
}

/// z[V(p)] = y[A(p)] and y[q] = x[B(q)] give z[V(p)] = x[B(A(p))]: the inner write walks y whole, and the
/// outer read stays inside, so that no point is skipped but those that leave x.
std::optional<Loops> read_through(const Loops& outer, const Loops& inner, const Shape& between) {
  if (!is_whole(inner.write, inner, between) || !always_inside(outer.reads[0], outer, between)) return {};
  const std::vector<int> dimension = dimension_of_label(inner.write, inner.labels.size());
  std::vector<AffineIndex> values;
  for (size_t label = 0; label < dimension.size(); ++label) {
    if (dimension[label] < 0 && inner.labels[label].extent != Dim(1)) return {};
    values.push_back(dimension[label] < 0 ? AffineIndex{}
                                          : outer.reads[0][static_cast<size_t>(dimension[label])]);
  }
  Loops loops = outer;
  loops.reads[0] = replace_labels(inner.reads[0], values);
  return loops;
}

std::string fresh_name(const std::string& wanted, const std::vector<Label>& labels) {
  std::string name = wanted;
  const auto taken = [&] {
    return std::any_of(labels.begin(), labels.end(), [&](const Label& l) { return l.name == name; });
  };
  while (taken()) name += '_';
  return name;
}

/// z[V(p)] = y[p] and y[W(q)] = x[B(q)] give z[V(W(q))] = x[B(q)]: the outer read walks y whole, and the
/// inner write stays inside. Labels of the outer loops that y does not have repeat the result.
std::optional<Loops> write_through(const Loops& outer, const Loops& inner, const Shape& between) {
  if (!is_whole(outer.reads[0], outer, between) || !always_inside(inner.write, inner, between)) return {};
  Loops loops = inner;
  const std::vector<int> dimension = dimension_of_label(outer.reads[0], outer.labels.size());
  std::vector<AffineIndex> values;
  for (size_t label = 0; label < outer.labels.size(); ++label) {
    if (dimension[label] >= 0) {
      values.push_back(inner.write[static_cast<size_t>(dimension[label])]);
      continue;
    }
    values.push_back({.terms = {{static_cast<int>(loops.labels.size()), 1}}});
    loops.labels.push_back({fresh_name(outer.labels[label].name, loops.labels), outer.labels[label].extent});
  }
  loops.write = replace_labels(outer.write, values);
  return loops;
}

/// The inner label that each outer label is, if the outer read is the inner write under other names.
std::optional<std::vector<AffineIndex>> match_labels(const Loops& outer, const Loops& inner) {
  std::vector<int> match(outer.labels.size(), -1);
  const Access &read = outer.reads[0], &write = inner.write;
  for (size_t d = 0; d < read.size(); ++d) {
    if (read[d].offset != write[d].offset || read[d].terms.size() != write[d].terms.size()) return {};
    for (size_t t = 0; t < read[d].terms.size(); ++t) {
      const Term &a = read[d].terms[t], &b = write[d].terms[t];
      int& known = match[static_cast<size_t>(a.label)];
      const bool fits = a.coefficient == b.coefficient && (known < 0 || known == b.label) &&
                        outer.labels[static_cast<size_t>(a.label)].extent ==
                            inner.labels[static_cast<size_t>(b.label)].extent;
      if (!fits) return {};
      known = b.label;
    }
  }
  std::vector<AffineIndex> values;
  std::set<int> used;
  for (const int label : match) {
    if (label < 0 || !used.insert(label).second) return {};
    values.push_back({.terms = {{label, 1}}});
  }
  if (used.size() != inner.labels.size()) return {};
  return values;
}

/// z[V(p)] = y[W(p)] and y[W(q)] = x[B(q)], W the same map, which Assign makes one to one: z[V(q)] = x[B(q)].
std::optional<Loops> undo_scatter(const Loops& outer, const Loops& inner, const Shape& between) {
  const auto values = match_labels(outer, inner);
  if (!values || !always_inside(inner.write, inner, between)) return {};
  Loops loops = inner;
  loops.write = replace_labels(outer.write, *values);
  return loops;
}

/// Read and write are the same element at every point, and every element has its point: Assign writes each
/// once, so it is enough to count them.
bool moves_nothing(const Loops& loops, const Shape& shape) {
  std::set<int> walked;  // labels of named dimensions
  int64_t points = 1, elements = 1;
  for (size_t d = 0; d < shape.size(); ++d) {
    const AffineIndex& index = loops.write[d];
    if (shape[d] != Dim(1) && index != loops.reads[0][d]) return false;
    if (!shape[d].is_symbol())
      elements *= shape[d].size();
    else if (index.plain_label() < 0 || !walked.insert(index.plain_label()).second)
      return false;  // a label that walks two dimensions sees their diagonal only
  }
  for (size_t label = 0; label < loops.labels.size(); ++label) {
    if (walked.contains(static_cast<int>(label))) continue;
    if (loops.labels[label].extent.is_symbol()) return false;
    points *= loops.labels[label].extent.size();
  }
  return points == elements;
}

}  // namespace

bool is_movement(const Node& node) {
  return node.role == Role::Apply && node.op->combine == Combine::Assign && node.operands.size() == 1 &&
         node.op->body.expression.kind() == ScalarKind::Argument && !has_lookup(node.loops.reads[0]) &&
         !has_lookup(node.loops.write) && !is_held(node);
}

Simpler drop_identity(const Value& value, Derivatives) {
  const Node& node = value.node();
  if (!is_movement(node)) return {};
  const Value x = operand(value, 0);
  if (x.shape() != node.shape || x.type() != node.type) return {};
  const bool inside = always_inside(node.loops.reads[0], node.loops, node.shape) &&
                      always_inside(node.loops.write, node.loops, node.shape);
  return inside && moves_nothing(node.loops, node.shape) ? Simpler(x) : Simpler();
}

Simpler compose_movements(const Value& value, Derivatives) {
  const Node& outer = value.node();
  if (!is_movement(outer)) return {};
  const Value between = operand(value, 0);
  const Node& inner = between.node();
  if (!is_movement(inner) || inner.type != outer.type || operand(between, 0).type() != inner.type) return {};
  auto loops = read_through(outer.loops, inner.loops, inner.shape);
  if (!loops) loops = write_through(outer.loops, inner.loops, inner.shape);
  if (!loops) loops = undo_scatter(outer.loops, inner.loops, inner.shape);
  if (!loops) return {};
  return remake(value, outer.op->body, Combine::Assign, std::move(*loops), {operand(between, 0)});
}

Simpler assign_single_point(const Value& value, Derivatives) {
  const Node& node = value.node();
  const Combine combine = node.op->combine;
  if (combine == Combine::Assign || gives_position(combine)) return {};
  for (const int label : reduced_labels(node.loops))
    if (node.loops.labels[static_cast<size_t>(label)].extent != Dim(1)) return {};
  if (!is_whole(node.loops.write, node.loops, node.shape)) return {};
  std::vector<Value> operands;
  for (size_t k = 0; k < node.operands.size(); ++k) {
    operands.push_back(operand(value, k));
    if (!always_inside(node.loops.reads[k], node.loops, operands[k].shape())) return {};
  }
  return remake(value, node.op->body, Combine::Assign, node.loops, operands);
}

}  // namespace crease
