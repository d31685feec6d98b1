// Loop records: which elements of which tensor an operation reads and writes at each point of its loops.
// A point is one value for every label. An access maps a point to an element by one affine expression per
// dimension, for example 2*y + ky - 1, or by the value of another operand (lookup, for gather and scatter).
// A point at which any access leaves its tensor is skipped: that is what zero padding means for sums, and
// minus infinity for max. Swapping the access of one operand with that of the result gives the adjoint's
// loops.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/type.h"

namespace crease {

/// One loop variable: its name in the record and its extent.
struct Label {
  std::string name;
  Dim extent;
  bool operator==(const Label&) const = default;
};

/// coefficient * label.
struct Term {
  int label;
  int64_t coefficient;
  bool operator==(const Term&) const = default;
};

/// Index into one dimension: sum of terms + offset, or, if lookup >= 0, the (integer) value of that operand
/// at the point.
struct AffineIndex {
  std::vector<Term> terms;  // sorted by label, no zero coefficients
  int64_t offset = 0;
  int lookup = -1;
  bool operator==(const AffineIndex&) const = default;
  /// Exactly one label with coefficient 1 and no offset: returns it, else -1.
  int plain_label() const;
};

/// One index per dimension of a tensor.
using Access = std::vector<AffineIndex>;

/// The resolved loops of one node: labels with extents, an access for each operand and for the result.
struct Loops {
  std::vector<Label> labels;
  std::vector<Access> reads;
  Access write;
  bool operator==(const Loops&) const = default;
};

/// Labels that the result's access does not mention: those that are combined over. Ascending.
std::vector<int> reduced_labels(const Loops& loops);
/// Labels mentioned by an access, ascending.
std::vector<int> labels_of(const Access& access);
/// Every access is a list of plain labels (no strides, offsets, constants or lookups).
bool is_plain(const Access& access);
/// Every read and the write are the identity over all labels: an elementwise map without broadcasting.
bool is_elementwise(const Loops& loops);

/// A pattern such as "b i, i j -> b j": operands separated by commas, dimensions by blanks. A dimension is a
/// label (letters, digits, _), an affine expression over labels ("2*y+ky-1", "c-3"), a constant ("0"), or
/// "@k", the value of operand k. "..." stands for any number of leading dimensions, the same for all operands
/// that have it. An operand may be empty (a scalar). Errors: Error with the pattern and the column.
struct Pattern {
  std::vector<std::string> names;               // labels in order of appearance
  std::vector<std::vector<std::string>> reads;  // text of each dimension
  std::vector<std::string> write;
};
Pattern parse_pattern(std::string_view text);

/// The resolved loops and the result's shape.
struct Resolved {
  Loops loops;
  Shape shape;
};

/// Unifies a pattern with operand shapes. `extents` gives labels that no operand determines (kernel
/// positions, classes), `result` the result's shape where the write is not a list of plain labels (dimension
/// by dimension; empty: derived). Labels get their extent from plain occurrences; every plain occurrence must
/// agree; a symbol agrees only with itself. Errors: Error that names the label, both extents and both
/// operands.
Resolved resolve(std::string_view pattern, std::span<const Shape> operands,
                 const std::map<std::string, Dim>& extents = {}, const Shape& result = {});

/// Loops of an elementwise operation with NumPy broadcasting: shapes are aligned at the right, size 1
/// repeats. Errors: Error that shows both shapes and the dimension at which they differ.
Resolved broadcast(std::span<const Shape> operands);

/// "b i, i j -> b j" again, with constant offsets and strides: one canonical spelling for each Loops.
std::string to_string(const Loops& loops);
/// "2*y+ky-1".
std::string to_string(const AffineIndex& index, std::span<const Label> labels);

}  // namespace crease
