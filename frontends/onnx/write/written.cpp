// From labels to the elements that a node writes.
#include <algorithm>

#include "frontends/onnx/write/labelled.h"
#include "graph/error.h"

namespace crease::onnx {
namespace {

/// How one dimension of the result is made: of labels one beside the other, which make its elements from
/// `before` on, or those at `places`; the rest is 0.
struct Piece {
  std::vector<int> labels;
  int64_t before = 0, after = 0;
  std::vector<int64_t> places = {};
};

int64_t count(const Writing& writing, const std::vector<int>& labels) {
  int64_t result = 1;
  for (const int label : labels) {
    const Dim& extent = writing.extent(label);
    expect(!extent.is_symbol(), "a place that moves with '{}', which has no number", extent.symbol());
    result *= extent.size();
  }
  return result;
}

/// The place of each point of the labels, row-major.
std::vector<int64_t> places(const Writing& writing, const AffineIndex& index,
                            const std::vector<int>& labels) {
  std::vector<int64_t> result{index.offset};
  for (const int label : labels) {
    const auto term = std::ranges::find(index.terms, label, &Term::label);
    std::vector<int64_t> next;
    for (const int64_t base : result)
      for (int64_t k = 0; k < writing.extent(label).size(); ++k) next.push_back(base + k * term->coefficient);
    result = std::move(next);
  }
  return result;
}

Piece piece_of(const Writing& writing, const AffineIndex& index, const Dim& dim) {
  if (const auto labels = row_major(writing, index, dim)) return {.labels = *labels};
  expect(index.lookup < 0, "a sum at places that are looked up");
  expect(!dim.is_symbol(), "a part of the axis of size '{}', which has no number", dim.symbol());
  Piece piece;
  for (const Term& term : index.terms) piece.labels.push_back(term.label);
  const int64_t inner = count(writing, piece.labels);
  const bool together = index.terms.empty() || index.plain_label() >= 0 ||
                        (index.terms.size() == 1 && index.terms[0].coefficient == 1);
  if (together && index.offset >= 0 && index.offset + inner <= dim.size()) {
    piece.before = index.offset;
    piece.after = dim.size() - inner - index.offset;
    return piece;
  }
  piece.places = places(writing, index, piece.labels);
  std::vector<int64_t> once = piece.places;
  std::ranges::sort(once);
  expect(std::ranges::adjacent_find(once) == once.end(), "sums at places that overlap");
  return piece;
}

Shape inner_shape(const Writing& writing, const std::vector<Piece>& pieces) {
  Shape shape;
  for (const Piece& piece : pieces)
    shape.push_back(piece.labels.size() == 1 ? writing.extent(piece.labels[0])
                                             : Dim(count(writing, piece.labels)));
  return shape;
}

std::string padded(const Writing& writing, const std::string& value, const std::vector<Piece>& pieces) {
  std::vector<int64_t> pads;
  for (const Piece& piece : pieces) pads.push_back(piece.before);
  for (const Piece& piece : pieces) pads.push_back(piece.after);
  if (std::ranges::all_of(pads, [](int64_t size) { return size == 0; })) return value;
  return writing.emit.add("Pad", {value, writing.emit.integers(pads)});
}

/// Element i of the axis is the point whose place it is; where there is none, 0.
std::string scattered(const Writing& writing, const std::string& value, const Piece& piece, size_t axis) {
  const int64_t size = writing.node.shape[axis].size();
  std::vector<int64_t> points(static_cast<size_t>(size), 0);
  std::vector<int64_t> mask_sizes(writing.node.shape.size() - axis, 1);
  mask_sizes[0] = size;
  Tensor mask(Type::boolean, mask_sizes);
  for (size_t point = 0; point < piece.places.size(); ++point) {
    const int64_t place = piece.places[point];
    if (place < 0 || place >= size) continue;
    points[static_cast<size_t>(place)] = static_cast<int64_t>(point);
    mask.set(place, 1);
  }
  Emitter& emit = writing.emit;
  const std::string moved =
      emit.add("Gather", {value, emit.integers(points)}, {{"axis", static_cast<int64_t>(axis)}});
  return emit.add("Where", {emit.constant(mask), moved, emit.number(writing.node.type, 0)});
}

}  // namespace

std::string written(const Writing& writing, const Labelled& value) {
  const Access& access = writing.node.loops.write;
  std::vector<Piece> pieces;
  std::vector<int> order;
  for (size_t axis = 0; axis < access.size(); ++axis) {
    pieces.push_back(piece_of(writing, access[axis], writing.node.shape[axis]));
    std::ranges::copy(pieces.back().labels, std::back_inserter(order));
  }
  const Labelled ordered = expanded(writing, aligned(writing, value, order), order);
  Shape shape;
  for (const int label : order) shape.push_back(writing.extent(label));
  std::string name = writing.emit.reshaped({ordered.name, shape}, inner_shape(writing, pieces));
  name = padded(writing, name, pieces);
  for (size_t axis = 0; axis < access.size(); ++axis)
    if (!pieces[axis].places.empty()) name = scattered(writing, name, pieces[axis], axis);
  return name;
}

}  // namespace crease::onnx
