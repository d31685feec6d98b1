#include "graph/ops/movement.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <span>

#include "graph/error.h"
#include "graph/graph.h"
#include "graph/ops/activation.h"
#include "graph/ops/axes.h"

namespace crease {
namespace {

AffineIndex plain(int label) { return {.terms = {{label, 1}}}; }

/// Labels d0, d1, ... with the extents of a shape, read and written one to one.
Loops identity_loops(const Shape& shape) {
  Loops loops;
  for (size_t d = 0; d < shape.size(); ++d) loops.labels.push_back({"d" + std::to_string(d), shape[d]});
  Access access;
  for (size_t d = 0; d < shape.size(); ++d) access.push_back(plain(static_cast<int>(d)));
  loops.reads.push_back(access);
  loops.write = access;
  return loops;
}

Value move(const char* name, const Operand& x, Resolved resolved) {
  auto op = std::make_shared<Op>(identity);
  op->name = name;
  op->doc = "Movement: " + to_string(resolved.loops) + ".";
  return x.value.graph().apply_resolved(op, std::move(resolved), {x.value}, x.value.type(), x.where);
}

/// Row-major index of labels [first, last) in one dimension. Labels of one point add nothing.
AffineIndex flat_index(const Loops& loops, size_t first, size_t last) {
  if (last - first == 1) return plain(static_cast<int>(first));
  AffineIndex index;
  int64_t stride = 1;
  for (size_t d = last; d-- > first;) {
    const Dim& extent = loops.labels[d].extent;
    if (extent == Dim(1)) continue;
    index.terms.push_back({static_cast<int>(d), stride});
    // A named dimension has only ones beside it, and beside a size of 0 no stride is ever used.
    if (!extent.is_symbol()) stride *= std::max<int64_t>(1, extent.size());
  }
  std::sort(index.terms.begin(), index.terms.end(),
            [](const Term& a, const Term& b) { return a.label < b.label; });
  return index;
}

/// One group of neighbouring dimensions of the old and of the new shape that hold the same elements.
struct Group {
  size_t old_begin, old_end, new_begin, new_end;
};

/// Errors: Error if strides along a shape could pass most_elements; beside a size of 0 they could, too.
void expect_countable(const char* op, const Shape& shape, const std::source_location& where) {
  int64_t count = 1;
  for (const Dim& dim : shape) {
    if (dim.is_symbol() || dim == Dim(0)) continue;
    if (__builtin_mul_overflow(count, dim.size(), &count) || count > most_elements)
      fail("[{}] {} has more elements than 2^62 (at {})", op, to_string(shape), to_string(where));
  }
}

/// The end of the dimensions from `first` on that are numbers.
size_t end_of_numbers(const Shape& shape, size_t first) {
  while (first < shape.size() && !shape[first].is_symbol()) ++first;
  return first;
}

/// The next matching group: dimensions whose sizes have one product, with the ones before and after them;
/// where the product is 0, all up to the next name.
std::optional<Group> next_group(const Shape& from, const Shape& to, size_t i, size_t j) {
  Group group{i, i, j, j};
  const auto skip_ones = [&] {
    while (i < from.size() && from[i] == Dim(1) && (j == to.size() || to[j] != Dim(1))) ++i;
    while (j < to.size() && to[j] == Dim(1) && (i == from.size() || from[i] != Dim(1))) ++j;
  };
  skip_ones();
  if (i < from.size() && j < to.size() && from[i] == to[j]) {
    ++i, ++j;
  } else if (i < from.size() || j < to.size()) {
    int64_t old_count = 1, new_count = 1;
    do {
      // The side that is behind; a product of 0 stays what it is.
      const bool old_behind = new_count == 0 || (old_count != 0 && old_count <= new_count);
      const bool take_old = i < from.size() && (old_behind || j == to.size());
      if (!take_old && j == to.size()) return {};
      const Dim& dim = take_old ? from[i++] : to[j++];
      if (dim.is_symbol()) return {};
      (take_old ? old_count : new_count) *= dim.size();
    } while (old_count != new_count);
  }
  skip_ones();
  const std::span taken = std::span(from).subspan(group.old_begin, i - group.old_begin);
  if (std::find(taken.begin(), taken.end(), Dim(0)) != taken.end()) {
    i = end_of_numbers(from, i);
    j = end_of_numbers(to, j);
  }
  group.old_end = i;
  group.new_end = j;
  return group;
}

/// Splits two shapes into matching groups. A named dimension matches only itself.
std::vector<Group> match(const Shape& from, const Shape& to, const std::source_location& where) {
  std::vector<Group> groups;
  size_t i = 0, j = 0;
  while (i < from.size() || j < to.size()) {
    const auto group = next_group(from, to, i, j);
    if (!group)
      fail(
          "[reshape] {} does not hold the elements of {} in order; a named dimension must be kept whole (at "
          "{})",
          to_string(to), to_string(from), to_string(where));
    groups.push_back(*group);
    i = group->old_end;
    j = group->new_end;
  }
  return groups;
}

/// Reshape in which every group is merged (many to one), split (one to many) or kept.
Value merge_groups(const Operand& x, const Shape& to, const std::vector<Group>& groups) {
  Resolved resolved{.loops = identity_loops(x.value.shape()), .shape = to};
  resolved.loops.write.clear();
  for (const Group& group : groups) {
    const AffineIndex index = flat_index(resolved.loops, group.old_begin, group.old_end);
    for (size_t j = group.new_begin; j < group.new_end; ++j)
      resolved.loops.write.push_back(j + 1 == group.new_end ? index : AffineIndex{});
  }
  return move("reshape", x, std::move(resolved));
}

Value split_groups(const Operand& x, const Shape& to, const std::vector<Group>& groups) {
  Resolved resolved{.loops = identity_loops(to), .shape = to};
  resolved.loops.reads[0].clear();
  for (const Group& group : groups)
    resolved.loops.reads[0].push_back(flat_index(resolved.loops, group.new_begin, group.new_end));
  return move("reshape", x, std::move(resolved));
}

}  // namespace

Value reshape(const Operand& x, const Shape& shape) {
  if (x.value.shape() == shape) return x.value;
  expect_countable("reshape", x.value.shape(), x.where);
  expect_countable("reshape", shape, x.where);
  const std::vector<Group> groups = match(x.value.shape(), shape, x.where);
  // First one dimension a group, then the new dimensions: each is affine, and both are views once compiled.
  Shape merged;
  std::vector<Group> merges, splits;
  bool merging = false, splitting = false;
  for (const Group& group : groups) {
    const size_t at = merged.size();
    Dim dim = 1;
    for (size_t d = group.old_begin; d < group.old_end; ++d) {
      const Dim& part = x.value.shape()[d];
      if (part != Dim(1)) dim = dim == Dim(1) ? part : Dim(dim.size() * part.size());
    }
    merged.push_back(dim);
    merges.push_back({group.old_begin, group.old_end, at, at + 1});
    splits.push_back({at, at + 1, group.new_begin, group.new_end});
    merging |= group.old_end - group.old_begin != 1;
    splitting |= group.new_end - group.new_begin != 1;
  }
  Operand current = x;
  if (merging) current.value = merge_groups(current, merged, merges);
  if (splitting) current.value = split_groups(current, shape, splits);
  return current.value;
}

Value flatten(const Operand& x, int first) {
  const Shape& shape = x.value.shape();
  const auto axis = static_cast<size_t>(checked_axis("flatten", first, shape, x.where));
  expect_countable("flatten", shape, x.where);
  Shape flat(shape.begin(), shape.begin() + static_cast<std::ptrdiff_t>(axis));
  int64_t count = 1;
  for (size_t d = axis; d < shape.size(); ++d) count *= known_size("flatten", shape, d, x.where);
  flat.emplace_back(count);
  return reshape(x, flat);
}

Value transpose(const Operand& x, const std::vector<int>& order) {
  const Shape& shape = x.value.shape();
  std::vector<int> axes = order;
  if (axes.empty()) {
    axes.resize(shape.size());
    std::iota(axes.rbegin(), axes.rend(), 0);
  }
  const std::vector<int> checked = checked_axes("transpose", axes, shape, x.where);
  expect(checked.size() == shape.size(), "[transpose] order has {} axes, {} has {} (at {})", checked.size(),
         to_string(shape), shape.size(), to_string(x.where));
  Resolved resolved{.loops = identity_loops(shape), .shape = {}};
  resolved.loops.write.clear();
  for (const int axis : checked) {
    resolved.loops.write.push_back(plain(axis));
    resolved.shape.push_back(shape[static_cast<size_t>(axis)]);
  }
  return move("transpose", x, std::move(resolved));
}

Value broadcast_to(const Operand& x, const Shape& shape) {
  const Shape& from = x.value.shape();
  const auto mismatch = [&] {
    fail("[broadcast_to] {} does not repeat to {}: sizes must be equal or 1 from the right (at {})",
         to_string(from), to_string(shape), to_string(x.where));
  };
  if (from == shape) return x.value;
  if (from.size() > shape.size()) mismatch();
  Resolved resolved{.loops = identity_loops(shape), .shape = shape};
  Access read;
  for (size_t d = 0; d < from.size(); ++d) {
    const size_t axis = shape.size() - from.size() + d;
    if (from[d] != shape[axis] && from[d] != Dim(1)) mismatch();
    read.push_back(from[d] == shape[axis] ? plain(static_cast<int>(axis)) : AffineIndex{});
  }
  resolved.loops.reads[0] = std::move(read);
  return move("broadcast", x, std::move(resolved));
}

Value slice(const Operand& x, int axis, int64_t begin, int64_t end, int64_t stride) {
  const Shape& shape = x.value.shape();
  const auto d = static_cast<size_t>(checked_axis("slice", axis, shape, x.where));
  const int64_t size = known_size("slice", shape, d, x.where);
  expect(stride > 0 && 0 <= begin && begin <= end && end <= size,
         "[slice] begin {}, end {}, stride {} of dimension {} of {}: want 0 <= begin <= end <= its size, and "
         "a positive stride (at {})",
         begin, end, stride, d, to_string(shape), to_string(x.where));
  Resolved resolved{.shape = shape};
  resolved.shape[d] = begin == end ? 0 : (end - begin - 1) / stride + 1;
  resolved.loops = identity_loops(resolved.shape);
  resolved.loops.reads[0][d] = {.terms = {{static_cast<int>(d), stride}}, .offset = begin};
  return move("slice", x, std::move(resolved));
}

Value pad(const Operand& x, int axis, int64_t before, int64_t after) {
  const Shape& shape = x.value.shape();
  const auto d = static_cast<size_t>(checked_axis("pad", axis, shape, x.where));
  expect(before >= 0 && after >= 0, "[pad] {} before and {} after are negative (at {})", before, after,
         to_string(x.where));
  const int64_t size = known_size("pad", shape, d, x.where);
  expect(before < most_elements && after < most_elements && before + after < most_elements - size,
         "[pad] {} before and {} after dimension {} of {} are more than a tensor can hold (at {})", before,
         after, d, to_string(shape), to_string(x.where));
  Resolved resolved{.loops = identity_loops(shape), .shape = shape};
  resolved.shape[d] = size + before + after;
  resolved.loops.write[d].offset = before;
  return move("pad", x, std::move(resolved));
}

Value concat(const std::vector<Value>& parts, int axis, std::source_location where) {
  expect(!parts.empty(), "[concat] of nothing (at {})", to_string(where));
  const Shape& first = parts[0].shape();
  const auto d = static_cast<size_t>(checked_axis("concat", axis, first, where));
  int64_t total = 0;
  for (const Value& part : parts) {
    Shape expected = part.shape();
    if (expected.size() == first.size()) expected[d] = first[d];
    expect(expected == first, "[concat] {} and {} differ outside dimension {} (at {})", to_string(first),
           to_string(part.shape()), d, to_string(where));
    const int64_t size = known_size("concat", part.shape(), d, where);
    expect(size <= most_elements - total, "[concat] dimension {} has more elements than 2^62 (at {})", d,
           to_string(where));
    total += size;
  }
  // Each part padded with zeros to the whole, then added: movement and sums only.
  Value joined;
  int64_t before = 0;
  for (const Value& part : parts) {
    const int64_t size = part.shape()[d].size();
    const Value padded = pad({part, where}, static_cast<int>(d), before, total - before - size);
    joined = joined.valid() ? Operand(joined, where) + Operand(padded, where) : padded;
    before += size;
  }
  return joined;
}

Value stack(const std::vector<Value>& parts, int axis, std::source_location where) {
  std::vector<Value> rows;
  for (const Value& part : parts) rows.push_back(unsqueeze({part, where}, axis));
  return concat(rows, axis, where);
}

Value unsqueeze(const Operand& x, int axis) {
  Shape shape = x.value.shape();
  const int rank = static_cast<int>(shape.size());
  expect(-rank - 1 <= axis && axis <= rank, "[unsqueeze] axis {} of {}: want {} to {} (at {})", axis,
         to_string(shape), -rank - 1, rank, to_string(x.where));
  shape.insert(shape.begin() + (axis < 0 ? axis + rank + 1 : axis), Dim(1));
  return reshape(x, shape);
}

Value squeeze(const Operand& x, int axis) {
  Shape shape = x.value.shape();
  const int d = checked_axis("squeeze", axis, shape, x.where);
  expect(shape[static_cast<size_t>(d)] == Dim(1), "[squeeze] dimension {} of {} is not 1 (at {})", d,
         to_string(shape), to_string(x.where));
  shape.erase(shape.begin() + d);
  return reshape(x, shape);
}

Value reverse(const Operand& x, int axis) {
  const Shape& shape = x.value.shape();
  const auto d = static_cast<size_t>(checked_axis("reverse", axis, shape, x.where));
  Resolved resolved{.loops = identity_loops(shape), .shape = shape};
  const int64_t last = known_size("reverse", shape, d, x.where) - 1;
  resolved.loops.reads[0][d] = {.terms = {{static_cast<int>(d), -1}}, .offset = last};
  return move("reverse", x, std::move(resolved));
}

}  // namespace crease
