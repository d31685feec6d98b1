// Sums of products: MatMul and Gemm where they are some, else Einsum.
#include <algorithm>

#include "frontends/onnx/write/kinds.h"
#include "graph/error.h"

namespace crease::onnx {
namespace {

using Labels = std::vector<int>;

bool has(const Labels& labels, int label) { return std::ranges::find(labels, label) != labels.end(); }

/// Each operand once, multiplied.
bool is_product(const Scalar& body, std::vector<bool>& seen) {
  if (body.kind() == ScalarKind::Multiply)
    return is_product(body.terms()[0], seen) && is_product(body.terms()[1], seen);
  if (body.kind() != ScalarKind::Argument) return false;
  const auto k = static_cast<size_t>(body.position());
  if (k >= seen.size() || seen[k]) return false;
  return seen[k] = true;
}

/// A sum over labels of a product of all operands, which have the result's type.
bool is_contraction(const Writing& writing) {
  const Node& node = writing.node;
  std::vector<bool> seen(node.operands.size(), false);
  const bool sum = node.op->combine == Combine::Sum && node.operands.size() >= 2 &&
                   !reduced_labels(node.loops).empty() && is_product(node.op->body.expression, seen);
  if (!sum || !std::ranges::all_of(seen, std::identity())) return false;
  for (size_t k = 0; k < node.operands.size(); ++k)
    if (writing.operand(k).type != node.type) return false;
  return node.type == Type::f32 || node.type == Type::f64 || node.type == Type::i32 || node.type == Type::i64;
}

/// Whether an operand is read in a way that marks no points, so that its labels can be told before.
bool is_exact(const Writing& writing, size_t k) {
  const Access& access = writing.node.loops.reads[k];
  const Shape& shape = writing.operand(k).shape;
  for (size_t axis = 0; axis < access.size(); ++axis)
    if (!row_major(writing, access[axis], shape[axis])) return false;
  return true;
}

Shape shape_of(const Writing& writing, const Labels& labels) {
  Shape shape;
  for (const int label : labels) shape.push_back(label == none ? Dim(1) : writing.extent(label));
  return shape;
}

/// The factor without dimensions of size 1 that have no label.
Labelled factor(const Writing& writing, const Labelled& value) {
  Labels labels = value.labels;
  std::erase(labels, none);
  return {writing.emit.reshaped({value.name, shape_of(writing, value.labels)}, shape_of(writing, labels)),
          labels};
}

/// The labels of two factors by where they stand.
struct Sorted {
  Labels batch, left, right, summed, lone;  // lone: in one factor only, and not in the result
};

Sorted sorted(const Writing& writing, const Labels& a, const Labels& b) {
  const Labels result = labels_of(writing.node.loops.write);
  Sorted sorted;
  const auto sort = [&](int label) {
    const bool in_a = has(a, label), in_b = has(b, label);
    if (!has(result, label))
      (in_a && in_b ? sorted.summed : sorted.lone).push_back(label);
    else
      (in_a && in_b ? sorted.batch : in_a ? sorted.left : sorted.right).push_back(label);
  };
  for (const int label : a) sort(label);
  for (const int label : b)
    if (!has(a, label)) sort(label);
  return sorted;
}

Labels joined(const Labels& a, const Labels& b, const Labels& c = {}) {
  Labels all = a;
  all.insert(all.end(), b.begin(), b.end());
  all.insert(all.end(), c.begin(), c.end());
  return all;
}

/// Rows and columns as they are stored, and a bias that repeats to the result.
std::optional<std::string> gemm(const Writing& writing, const Labelled& a, const Labelled& b,
                                const Sorted& labels, const std::string& bias) {
  const bool transposed_a = a.labels[0] == labels.summed[0], transposed_b = b.labels[1] == labels.summed[0];
  const bool plain = !transposed_a && !transposed_b && bias.empty();
  if (plain || !is_floating(writing.node.type)) return {};
  std::vector<Attribute> attributes;
  if (transposed_a) attributes.emplace_back("transA", int64_t{1});
  if (transposed_b) attributes.emplace_back("transB", int64_t{1});
  std::vector<std::string> inputs{a.name, b.name};
  if (!bias.empty()) inputs.push_back(bias);
  return writing.emit.add("Gemm", inputs, attributes);
}

/// Whether the node writes exactly these labels, one a dimension.
bool is_result(const Writing& writing, const Labels& labels) {
  Labels result;
  for (const AffineIndex& index : writing.node.loops.write) result.push_back(index.plain_label());
  return result == labels;
}

std::optional<Labelled> matrices(const Writing& writing, const Labelled& a, const Labelled& b,
                                 const std::string& bias) {
  const Sorted labels = sorted(writing, a.labels, b.labels);
  const auto& [batch, left, right, summed, lone] = labels;
  if (!lone.empty() || summed.size() != 1 || right.size() > 1) return {};
  const Labels result = joined(batch, left, right);
  if (!bias.empty() && !is_result(writing, result)) return {};
  const bool rank_2 = batch.empty() && left.size() == 1 && right.size() == 1;
  if (rank_2)
    if (auto name = gemm(writing, a, b, labels, bias)) return Labelled{*name, result};
  if (!bias.empty()) return {};
  if (!batch.empty() && (left.size() != 1 || right.size() != 1)) return {};
  const Labelled x = aligned(writing, a, joined(batch, left, summed)),
                 y = aligned(writing, b, joined(batch, summed, right));
  return Labelled{writing.emit.add("MatMul", {x.name, y.name}), result};
}

/// Rows are those of the factor that has not the last label of the result, which then needs no transposition.
std::optional<Labelled> matrices(const Writing& writing, const std::vector<Labelled>& factors,
                                 const std::string& bias) {
  const AffineIndex* last = writing.node.loops.write.empty() ? nullptr : &writing.node.loops.write.back();
  const bool swap = last && !last->terms.empty() && !has(factors[1].labels, last->terms.back().label);
  const Labelled &a = factors[swap ? 1 : 0], &b = factors[swap ? 0 : 1];
  if (auto result = matrices(writing, a, b, bias)) return result;
  return matrices(writing, b, a, bias);
}

std::optional<Labelled> einsum(const Writing& writing, const std::vector<Labelled>& factors) {
  constexpr size_t letters = 26;
  if (writing.node.loops.labels.size() > letters) return {};
  const auto text = [](const Labels& labels) {
    std::string result;
    for (const int label : labels) result += static_cast<char>('a' + label);
    return result;
  };
  std::vector<std::string> names;
  std::string equation;
  Labels all;
  for (const Labelled& factor : factors) {
    names.push_back(factor.name);
    equation += (equation.empty() ? "" : ",") + text(factor.labels);
    all = joined(all, factor.labels);
  }
  Labels result;
  for (const AffineIndex& index : writing.node.loops.write)
    for (const Term& term : index.terms)
      if (has(all, term.label)) result.push_back(term.label);
  return Labelled{writing.emit.add("Einsum", names, {{"equation", equation + "->" + text(result)}}), result};
}

}  // namespace

std::optional<std::string> write_product(const Writing& writing, const std::string& bias) {
  if (!is_contraction(writing)) return {};
  std::vector<Labelled> factors;
  Labels read_labels;
  for (size_t k = 0; k < writing.node.operands.size(); ++k) {
    if (!is_exact(writing, k)) return {};
    factors.push_back(factor(writing, read(writing, k).value));
    read_labels = joined(read_labels, factors.back().labels);
  }
  // One that no factor has repeats the sum as often as it is large.
  for (const int label : reduced_labels(writing.node.loops))
    if (!has(read_labels, label) && writing.extent(label) != Dim(1)) return {};
  std::optional<Labelled> result;
  if (factors.size() == 2) result = matrices(writing, factors, bias);
  if (!result && bias.empty()) result = einsum(writing, factors);
  if (!result) return {};
  return written(writing, *result);
}

}  // namespace crease::onnx
