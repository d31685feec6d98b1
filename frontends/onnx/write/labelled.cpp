#include "frontends/onnx/write/labelled.h"

#include <algorithm>
#include <numeric>
#include <ranges>

#include "graph/error.h"

namespace crease::onnx {
namespace {

Shape shape_of(const Writing& writing, const std::vector<int>& labels) {
  Shape shape;
  for (const int label : labels) shape.push_back(label == none ? Dim(1) : writing.extent(label));
  return shape;
}

bool has(const std::vector<int>& labels, int label) {
  return std::ranges::find(labels, label) != labels.end();
}

/// Its labels from the one that moves farthest to the one that moves least.
std::vector<int> by_stride(const AffineIndex& index) {
  std::vector<Term> terms = index.terms;
  std::ranges::sort(terms, {},
                    [](const Term& term) { return std::pair(-std::abs(term.coefficient), term.label); });
  std::vector<int> labels;
  for (const Term& term : terms) labels.push_back(term.label);
  return labels;
}

/// The values of an index over its labels in row-major order.
std::vector<int64_t> positions(const Writing& writing, const AffineIndex& index,
                               const std::vector<int>& labels) {
  std::vector<int64_t> result{index.offset};
  for (const int label : labels) {
    const Dim& extent = writing.extent(label);
    expect(!extent.is_symbol(), "an index that moves with '{}', which has no number", extent.symbol());
    const auto term = std::ranges::find(index.terms, label, &Term::label);
    std::vector<int64_t> next;
    for (const int64_t base : result)
      for (int64_t k = 0; k < extent.size(); ++k) next.push_back(base + k * term->coefficient);
    result = std::move(next);
  }
  return result;
}

Tensor truths(std::vector<int64_t> sizes, const std::vector<bool>& values) {
  Tensor tensor(Type::boolean, std::move(sizes));
  for (size_t i = 0; i < values.size(); ++i) tensor.set(static_cast<int64_t>(i), values[i] ? 1 : 0);
  return tensor;
}

/// One operand on its way to labels.
class Reader {
 public:
  Reader(const Writing& writing, size_t k)
      : writing_(writing), access_(writing.node.loops.reads[k]), shape_(writing.operand(k).shape) {
    result_.value.name = writing.name(k);
  }

  Reading run() {
    size_t lookup = access_.size();
    for (size_t axis = 0; axis < access_.size(); ++axis) {
      if (access_[axis].lookup >= 0)
        lookup = axis;
      else
        read_axis(axis);
    }
    split();
    if (lookup < access_.size()) look_up(lookup);
    take_diagonal();
    return std::move(result_);
  }

 private:
  std::string& name() { return result_.value.name; }

  void read_axis(size_t axis) {
    const AffineIndex& index = access_[axis];
    const Dim& dim = shape_[axis];
    if (const auto labels = row_major(writing_, index, dim)) {
      pieces_[axis] = *labels;
      return;
    }
    expect(!dim.is_symbol(), "a part of the axis of size '{}', which has no number", dim.symbol());
    pieces_[axis] = by_stride(index);
    const std::vector<int64_t> at = positions(writing_, index, pieces_[axis]);
    const auto inside = [&](int64_t k) { return k >= 0 && k < dim.size(); };
    if (index.terms.size() <= 1 && std::ranges::all_of(at, inside))
      slice(axis, at);
    else
      gather(axis, at, dim.size());
    shape_[axis] = std::ssize(at);
  }

  /// Neighbouring elements, or those that are equally far from each other.
  void slice(size_t axis, const std::vector<int64_t>& at) {
    constexpr int64_t before_all = std::numeric_limits<int32_t>::min();
    const int64_t begin = at.empty() ? 0 : at.front(), step = at.size() < 2 ? 1 : at[1] - at[0];
    int64_t end = at.empty() ? 0 : at.back() + step;
    if (end < 0) end = before_all;
    const auto list = [&](int64_t number) { return writing_.emit.integers({number}); };
    name() = writing_.emit.add(
        "Slice", {name(), list(begin), list(end), list(static_cast<int64_t>(axis)), list(step)});
  }

  /// Any elements; what would be outside reads another one and is marked.
  void gather(size_t axis, std::vector<int64_t> at, int64_t size) {
    expect(size > 0, "elements of an empty axis");
    std::vector<bool> inside;
    for (int64_t& k : at) {
      inside.push_back(k >= 0 && k < size);
      k = std::clamp(k, int64_t{0}, size - 1);
    }
    name() = writing_.emit.add("Gather", {name(), writing_.emit.integers(at)},
                               {{"axis", static_cast<int64_t>(axis)}});
    if (std::ranges::all_of(inside, std::identity())) return;
    const Tensor mask = truths(sizes_of(onnx::shape_of(writing_, pieces_[axis])), inside);
    result_.inside.push_back({writing_.emit.constant(mask), pieces_[axis]});
  }

  /// One dimension for each label.
  void split() {
    Shape to;
    for (size_t axis = 0; axis < access_.size(); ++axis) {
      const auto it = pieces_.find(axis);
      const bool is_unit = it == pieces_.end() || it->second.empty();
      const std::vector<int> labels = is_unit ? std::vector{none} : it->second;
      if (it == pieces_.end())
        to.push_back(shape_[axis]);  // looked up later
      else
        std::ranges::copy(onnx::shape_of(writing_, labels), std::back_inserter(to));
      std::ranges::copy(labels, std::back_inserter(result_.value.labels));
    }
    name() = writing_.emit.reshaped({name(), shape_}, to);
  }

  /// Elements by the value of another operand: Gather puts its axes in place of the one that is looked up,
  /// GatherElements takes one element at each place of the others.
  void look_up(size_t axis) {
    const auto operand = static_cast<size_t>(access_[axis].lookup);
    const Reading index = read(writing_, operand);
    expect(index.inside.empty(), "a lookup by what is read outside of its tensor");
    const auto dropped =
        std::ranges::count_if(pieces_, [](const auto& piece) { return piece.second.size() > 1; });
    expect(dropped == 0, "a lookup in a reshaped table");
    std::vector<int>& labels = result_.value.labels;
    const auto shared = [&](int label) { return label != none && has(labels, label); };
    const auto place = static_cast<std::ptrdiff_t>(axis);
    if (std::ranges::none_of(index.value.labels, shared)) {
      name() = writing_.emit.add("Gather", {name(), integers_of(index.value.name, operand)},
                                 {{"axis", static_cast<int64_t>(axis)}});
      labels.erase(labels.begin() + place);
      labels.insert(labels.begin() + place, index.value.labels.begin(), index.value.labels.end());
      return;
    }
    std::vector<int> others = labels;
    others.erase(others.begin() + place);
    for (const int label : index.value.labels)
      expect(label == none || has(others, label), "a lookup by an operand of more axes than the table");
    expect(!has(others, none), "a lookup in a table with an axis that is not read");
    const Labelled places = expanded(writing_, aligned(writing_, index.value, others), others);
    Shape with_axis = onnx::shape_of(writing_, others);
    const Shape without = with_axis;
    with_axis.insert(with_axis.begin() + place, Dim(1));
    const std::string at = writing_.emit.reshaped({places.name, without}, with_axis);
    name() = writing_.emit.add("GatherElements", {name(), integers_of(at, operand)},
                               {{"axis", static_cast<int64_t>(axis)}});
  }

  std::string integers_of(const std::string& index, size_t operand) const {
    const Type type = writing_.operand(operand).type;
    return type == Type::i64 || type == Type::i32 ? index : writing_.emit.cast(index, Type::i64);
  }

  /// Elements whose places in several dimensions are equal.
  void take_diagonal() {
    std::vector<int> once;
    std::string all, kept;
    for (const int label : result_.value.labels) {
      const char letter = static_cast<char>('a' + std::ranges::find(once, label) - once.begin());
      all += letter;
      if (has(once, label) && label != none) continue;
      once.push_back(label);
      kept += letter;
    }
    if (all.size() == kept.size()) return;
    expect(!has(once, none) && once.size() <= 26, "a diagonal beside other dimensions");
    name() = writing_.emit.add("Einsum", {name()}, {{"equation", all + "->" + kept}});
    result_.value.labels = once;
  }

  const Writing& writing_;
  const Access& access_;
  Shape shape_;
  std::map<size_t, std::vector<int>> pieces_;  // labels of each axis
  Reading result_;
};

}  // namespace

const Node* Writing::only_use(size_t k) const {
  const Node& other = operand(k);
  const bool mine = other.role == Role::Apply && uses[static_cast<size_t>(node.operands[k])] == 1;
  return mine ? &other : nullptr;
}

std::optional<std::vector<int>> row_major(const Writing& writing, const AffineIndex& index, const Dim& dim) {
  if (index.lookup >= 0 || index.offset != 0) return {};
  if (const int label = index.plain_label(); label >= 0) {
    if (writing.extent(label) != dim) return {};
    return std::vector{label};
  }
  const std::vector<int> labels = by_stride(index);
  int64_t stride = 1;
  for (const int label : std::views::reverse(labels)) {
    const Dim& extent = writing.extent(label);
    const auto term = std::ranges::find(index.terms, label, &Term::label);
    if (extent.is_symbol() || term->coefficient != stride) return {};
    stride *= extent.size();
  }
  if (dim != Dim(stride)) return {};
  return labels;
}

Reading read(const Writing& writing, size_t k) { return Reader(writing, k).run(); }

Labelled aligned(const Writing& writing, const Labelled& value, const std::vector<int>& order) {
  std::vector<int> own;  // as they stand, without ones
  for (const int label : value.labels) {
    if (has(order, label))
      own.push_back(label);
    else
      ensure(label == none || writing.extent(label) == Dim(1), "a label that has no place");
  }
  std::vector<int> sorted = own, target;
  std::ranges::sort(sorted, {}, [&](int label) { return std::ranges::find(order, label); });
  for (const int label : order)
    if (has(own, label) || !target.empty()) target.push_back(has(own, label) ? label : none);
  Emitter& emit = writing.emit;
  std::string name = value.name;
  Shape shape = shape_of(writing, value.labels);
  if (own != sorted) {
    name = emit.reshaped({name, shape}, shape_of(writing, own));
    std::vector<int64_t> permutation;
    for (const int label : sorted) permutation.push_back(std::ranges::find(own, label) - own.begin());
    name = emit.add("Transpose", {name}, {{"perm", permutation}});
    shape = shape_of(writing, sorted);
  }
  const Shape wanted = shape_of(writing, target);
  return {emit.reshaped({name, shape}, wanted), target};
}

Labelled expanded(const Writing& writing, const Labelled& value, const std::vector<int>& order) {
  const Shape full = shape_of(writing, order);
  Shape to = full, own(order.size() - value.labels.size(), Dim(1));
  std::ranges::copy(shape_of(writing, value.labels), std::back_inserter(own));
  // A size of 1 in the new shape leaves the value's own.
  for (size_t k = 0; k < own.size(); ++k)
    if (own[k] == full[k]) to[k] = 1;
  if (std::ranges::all_of(to, [](const Dim& dim) { return dim == Dim(1); }))
    return {writing.emit.reshaped({value.name, shape_of(writing, value.labels)}, full), order};
  return {writing.emit.add("Expand", {value.name, writing.emit.sizes(to)}), order};
}

std::vector<int> write_order(const Writing& writing) {
  const Loops& loops = writing.node.loops;
  std::vector<int> order(loops.labels.size());
  std::iota(order.begin(), order.end(), 0);
  const auto counts = [&](int label) { return writing.extent(label) != Dim(1); };
  if (std::ranges::any_of(reduced_labels(loops), counts)) return order;
  std::vector<int> by_result;
  for (const AffineIndex& index : loops.write)
    std::ranges::copy(by_stride(index), std::back_inserter(by_result));
  for (const int label : order)
    if (!has(by_result, label)) by_result.push_back(label);
  return by_result;
}

}  // namespace crease::onnx
