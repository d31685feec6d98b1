// Reading loop patterns such as "n c 2*y+ky-1, o c ky -> n o y".
#include <algorithm>
#include <cctype>
#include <charconv>

#include "graph/access/pattern.h"
#include "graph/error.h"

namespace crease {
namespace {

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

std::vector<std::string> split_blanks(std::string_view text) {
  std::vector<std::string> words;
  for (size_t at = 0; at < text.size();) {
    const size_t start = text.find_first_not_of(" \t", at);
    if (start == std::string_view::npos) break;
    at = std::min(text.find_first_of(" \t", start), text.size());
    words.emplace_back(text.substr(start, at - start));
  }
  return words;
}

/// One signed summand of an affine index: "3*y", "y", "4".
struct Summand {
  int64_t coefficient = 1;
  std::string label;  // empty: a constant
};

class IndexReader {
 public:
  IndexReader(std::string_view text, std::string_view pattern) : text_(text), pattern_(pattern) {}

  std::vector<Summand> summands() {
    std::vector<Summand> list;
    int64_t sign = accept('-') ? -1 : 1;
    while (true) {
      Summand summand = one();
      summand.coefficient *= sign;
      list.push_back(summand);
      if (at_ == text_.size()) return list;
      if (!accept('+') && text_[at_] != '-') error();
      sign = accept('-') ? -1 : 1;
    }
  }

 private:
  bool accept(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  [[noreturn]] void error() const {
    fail(
        "[loops] cannot read dimension '{}' of pattern '{}': want a label, a number or a sum such as "
        "2*y+ky-1",
        text_, pattern_);
  }
  Summand one() {
    if (at_ >= text_.size() || !is_word(text_[at_])) error();
    if (std::isdigit(static_cast<unsigned char>(text_[at_])) == 0) return {1, label()};
    int64_t number = 0;
    const auto [end, code] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), number);
    if (code != std::errc()) error();
    at_ = static_cast<size_t>(end - text_.data());
    return {number, accept('*') ? label() : std::string()};
  }
  std::string label() {
    const size_t start = at_;
    while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    if (start == at_ || std::isdigit(static_cast<unsigned char>(text_[start])) != 0) error();
    return std::string(text_.substr(start, at_ - start));
  }

  std::string_view text_, pattern_;
  size_t at_ = 0;
};

int label_number(std::vector<std::string>& names, const std::string& name) {
  const auto it = std::find(names.begin(), names.end(), name);
  if (it != names.end()) return static_cast<int>(it - names.begin());
  names.push_back(name);
  return static_cast<int>(names.size()) - 1;
}

}  // namespace

AffineIndex read_index(std::string_view text, std::string_view pattern, std::vector<std::string>& names) {
  AffineIndex index;
  if (text.starts_with('@')) {
    const auto [end, code] = std::from_chars(text.data() + 1, text.data() + text.size(), index.lookup);
    expect(code == std::errc() && end == text.data() + text.size() && index.lookup >= 0,
           "[loops] cannot read lookup '{}' of pattern '{}': want @ and an operand's number", text, pattern);
    return index;
  }
  for (const Summand& summand : IndexReader(text, pattern).summands()) {
    if (summand.label.empty()) {
      index.offset += summand.coefficient;
      continue;
    }
    const int label = label_number(names, summand.label);
    const auto it =
        std::find_if(index.terms.begin(), index.terms.end(), [&](const Term& t) { return t.label == label; });
    if (it != index.terms.end())
      it->coefficient += summand.coefficient;
    else
      index.terms.push_back({label, summand.coefficient});
  }
  std::erase_if(index.terms, [](const Term& t) { return t.coefficient == 0; });
  std::sort(index.terms.begin(), index.terms.end(),
            [](const Term& a, const Term& b) { return a.label < b.label; });
  return index;
}

Pattern parse_pattern(std::string_view text) {
  const size_t arrow = text.find("->");
  expect(arrow != std::string_view::npos, "[loops] pattern '{}' has no '->' before the result's labels",
         text);
  Pattern pattern;
  std::string_view operands = text.substr(0, arrow);
  while (true) {
    const size_t comma = operands.find(',');
    pattern.reads.push_back(split_blanks(operands.substr(0, comma)));
    if (comma == std::string_view::npos) break;
    operands.remove_prefix(comma + 1);
  }
  if (pattern.reads.size() == 1 && pattern.reads[0].empty()) pattern.reads.clear();
  pattern.write = split_blanks(text.substr(arrow + 2));
  const auto check = [&](const std::vector<std::string>& dims) {
    for (size_t i = 0; i < dims.size(); ++i) {
      expect(dims[i] != "..." || i == 0, "[loops] '...' in pattern '{}' must stand first", text);
      if (dims[i] != "...") read_index(dims[i], text, pattern.names);
    }
  };
  for (const auto& dims : pattern.reads) check(dims);
  check(pattern.write);
  return pattern;
}

}  // namespace crease
