// Unification of loop patterns with shapes.
#include <algorithm>
#include <optional>

#include "graph/access/pattern.h"
#include "graph/error.h"

namespace crease {
namespace {

/// Number of dimensions that "..." stands for: the same in every operand that has it.
size_t ellipsis_rank(const Pattern& pattern, std::string_view text, std::span<const Shape> operands) {
  std::optional<size_t> rank;
  for (size_t k = 0; k < operands.size(); ++k) {
    const auto& dims = pattern.reads[k];
    if (dims.empty() || dims[0] != "...") continue;
    expect(operands[k].size() + 1 >= dims.size(),
           "operand {} has shape {}, pattern '{}' wants at least {} dimensions", k, to_string(operands[k]),
           text, dims.size() - 1);
    const size_t found = operands[k].size() + 1 - dims.size();
    expect(!rank || *rank == found,
           "leading dimensions differ: operand {} has {} before '{}', another operand has {}", k, found, text,
           rank.value_or(found));
    rank = found;
  }
  return rank.value_or(0);
}

/// A hint for one label with a letter for each dimension, as other libraries write several.
std::string run_together(const std::vector<std::string>& read, size_t rank) {
  if (read.size() != 1 || rank < 2 || read[0].size() != rank) return "";
  std::string apart;
  for (const char letter : read[0]) apart += std::string(apart.empty() ? "" : " ") + letter;
  return fmt::format("; '{}' is one label, '{}' are {}", read[0], apart, rank);
}

std::vector<std::string> expand(const std::vector<std::string>& dims, size_t rank) {
  if (dims.empty() || dims[0] != "...") return dims;
  std::vector<std::string> full;
  for (size_t i = 0; i < rank; ++i) full.push_back("_" + std::to_string(i));
  full.insert(full.end(), dims.begin() + 1, dims.end());
  return full;
}

/// Collects the extent of each label from its plain occurrences.
class Extents {
 public:
  explicit Extents(const std::map<std::string, Dim>& given) : given_(given) {}

  void see(const Access& access, const Shape& shape, size_t operand, const std::vector<std::string>& names) {
    for (size_t d = 0; d < access.size(); ++d) {
      const int label = access[d].plain_label();
      if (label < 0) continue;
      found_.resize(std::max(found_.size(), static_cast<size_t>(label) + 1));
      auto& known = found_[static_cast<size_t>(label)];
      if (!known) known = Found{shape[d], operand, d};
      expect(
          known->dim == shape[d],
          "dimension '{}' has size {} in operand {} (dimension {}) and size {} in operand {} (dimension {})",
          names[static_cast<size_t>(label)], to_string(known->dim), known->operand, known->position,
          to_string(shape[d]), operand, d);
    }
  }

  Dim of(size_t label, const std::string& name, std::string_view pattern) const {
    const auto given = given_.find(name);
    const bool found = label < found_.size() && found_[label].has_value();
    if (given != given_.end()) {
      expect(!found || found_[label]->dim == given->second,
             "label '{}' is given extent {}, operand {} has {}", name, to_string(given->second),
             found ? found_[label]->operand : 0, found ? to_string(found_[label]->dim) : std::string());
      return given->second;
    }
    expect(found, "label '{}' of pattern '{}' has no extent: no operand has it as a plain dimension", name,
           pattern);
    return found_[label]->dim;
  }

 private:
  struct Found {
    Dim dim;
    size_t operand, position;
  };
  const std::map<std::string, Dim>& given_;
  std::vector<std::optional<Found>> found_;
};

Shape result_shape(const Loops& loops, const Shape& result, std::string_view pattern) {
  if (!result.empty()) {
    expect(result.size() == loops.write.size(), "result shape {} does not fit pattern '{}'",
           to_string(result), pattern);
    return result;
  }
  Shape shape;
  for (const AffineIndex& index : loops.write) {
    const int label = index.plain_label();
    expect(label >= 0, "pattern '{}' writes to computed positions, its record must give the result's shape",
           pattern);
    shape.push_back(loops.labels[static_cast<size_t>(label)].extent);
  }
  return shape;
}

}  // namespace

Resolved resolve(std::string_view text, std::span<const Shape> operands,
                 const std::map<std::string, Dim>& extents, const Shape& result) {
  const Pattern pattern = parse_pattern(text);
  expect(pattern.reads.size() == operands.size(), "pattern '{}' wants {} operands, got {}", text,
         pattern.reads.size(), operands.size());
  const size_t rank = ellipsis_rank(pattern, text, operands);
  std::vector<std::string> names;
  Resolved resolved;
  Extents found(extents);
  for (size_t k = 0; k < operands.size(); ++k) {
    Access access;
    for (const std::string& dim : expand(pattern.reads[k], rank))
      access.push_back(read_index(dim, text, names));
    expect(access.size() == operands[k].size(),
           "operand {} has shape {} with {} dimensions, pattern '{}' wants {}{}", k, to_string(operands[k]),
           operands[k].size(), text, access.size(), run_together(pattern.reads[k], operands[k].size()));
    found.see(access, operands[k], k, names);
    resolved.loops.reads.push_back(std::move(access));
  }
  for (const std::string& dim : expand(pattern.write, rank))
    resolved.loops.write.push_back(read_index(dim, text, names));
  for (size_t label = 0; label < names.size(); ++label)
    resolved.loops.labels.push_back({names[label], found.of(label, names[label], text)});
  resolved.shape = result_shape(resolved.loops, result, text);
  return resolved;
}

Resolved broadcast(std::span<const Shape> operands) {
  size_t rank = 0;
  for (const Shape& shape : operands) rank = std::max(rank, shape.size());
  Resolved resolved;
  resolved.shape.assign(rank, Dim(1));
  for (size_t k = 0; k < operands.size(); ++k) {
    for (size_t d = 0; d < operands[k].size(); ++d) {
      const Dim& dim = operands[k][d];
      Dim& known = resolved.shape[rank - operands[k].size() + d];
      if (known == Dim(1)) known = dim;
      expect(dim == Dim(1) || dim == known,
             "shapes {} and {} do not broadcast: dimension {} from the right has size {} and {}; sizes must "
             "be equal or 1",
             to_string(operands[0]), to_string(operands[k]), operands[k].size() - d, to_string(known),
             to_string(dim));
    }
  }
  for (size_t d = 0; d < rank; ++d) {
    resolved.loops.labels.push_back({"d" + std::to_string(d), resolved.shape[d]});
    resolved.loops.write.push_back({.terms = {{static_cast<int>(d), 1}}});
  }
  for (const Shape& shape : operands) {
    Access access;
    for (size_t d = 0; d < shape.size(); ++d) {
      const size_t axis = rank - shape.size() + d;
      const bool repeated = shape[d] == Dim(1) && resolved.shape[axis] != Dim(1);
      access.push_back(repeated ? AffineIndex{} : resolved.loops.write[axis]);
    }
    resolved.loops.reads.push_back(std::move(access));
  }
  return resolved;
}

}  // namespace crease
