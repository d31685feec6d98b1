// Questions about loops, and their text.
#include "graph/access.h"

#include <algorithm>
#include <set>

#include "graph/error.h"

namespace crease {

int AffineIndex::plain_label() const {
  return lookup < 0 && offset == 0 && terms.size() == 1 && terms[0].coefficient == 1 ? terms[0].label : -1;
}

std::vector<int> labels_of(const Access& access) {
  std::set<int> labels;
  for (const AffineIndex& index : access)
    for (const Term& term : index.terms) labels.insert(term.label);
  return {labels.begin(), labels.end()};
}

std::vector<int> reduced_labels(const Loops& loops) {
  const std::vector<int> written = labels_of(loops.write);
  std::vector<int> reduced;
  for (int label = 0; label < static_cast<int>(loops.labels.size()); ++label)
    if (!std::binary_search(written.begin(), written.end(), label)) reduced.push_back(label);
  return reduced;
}

bool is_plain(const Access& access) {
  return std::all_of(access.begin(), access.end(), [](const AffineIndex& i) { return i.plain_label() >= 0; });
}

bool is_elementwise(const Loops& loops) {
  const auto identity = [&](const Access& access) {
    if (access.size() != loops.labels.size()) return false;
    for (size_t d = 0; d < access.size(); ++d)
      if (access[d].plain_label() != static_cast<int>(d)) return false;
    return true;
  };
  return identity(loops.write) && std::all_of(loops.reads.begin(), loops.reads.end(), identity);
}

std::string to_string(const AffineIndex& index, std::span<const Label> labels) {
  if (index.lookup >= 0) return fmt::format("@{}", index.lookup);
  std::string text;
  for (const Term& term : index.terms) {
    const std::string& name = labels[static_cast<size_t>(term.label)].name;
    if (term.coefficient < 0)
      text += '-';
    else if (!text.empty())
      text += '+';
    const int64_t size = std::abs(term.coefficient);
    text += size == 1 ? name : fmt::format("{}*{}", size, name);
  }
  if (text.empty()) return std::to_string(index.offset);
  return index.offset == 0 ? text : fmt::format("{}{:+d}", text, index.offset);
}

std::string to_string(const Loops& loops) {
  const auto access_text = [&](const Access& access) {
    std::string text;
    for (const AffineIndex& index : access)
      text += (text.empty() ? "" : " ") + to_string(index, loops.labels);
    return text;
  };
  std::string text;
  for (size_t k = 0; k < loops.reads.size(); ++k) text += (k > 0 ? ", " : "") + access_text(loops.reads[k]);
  return text + (text.empty() ? "-> " : " -> ") + access_text(loops.write);
}

}  // namespace crease
