#include "frontends/data/csv_scanner.h"

#include <algorithm>

#include "graph/error.h"

namespace crease {
namespace {

bool is_line_end(char c) { return c == '\n' || c == '\r'; }

}  // namespace

CsvScanner::CsvScanner(std::string_view text, std::string name, char separator)
    : text_(text), name_(std::move(name)), separator_(separator) {
  expect(!text.starts_with("\xff\xfe") && !text.starts_with("\xfe\xff"),
         "[read_csv] '{}' is UTF-16 text: save it as UTF-8", name_);
  if (text.starts_with("\xef\xbb\xbf")) at_ = 3;
}

char CsvScanner::detected_separator(std::string_view text) {
  constexpr std::string_view separators = ",;\t";
  size_t best = separators.size();
  bool quoted = false, blank = true;
  for (const char c : text) {
    if (is_line_end(c) && !quoted) {
      if (!blank) break;
      continue;
    }
    if (c == '"') quoted = !quoted;
    blank = blank && (c == ' ' || c == '\t');
    if (!quoted) best = std::min(best, separators.find(c));
  }
  return best < separators.size() ? separators[best] : ',';
}

const CsvRow* CsvScanner::next() {
  while (at_ < text_.size()) {
    row_.line = line_;
    row_.cells.clear();
    unescaped_.clear();
    while (true) {
      row_.cells.push_back(scan_cell());
      if (at_ == text_.size() || text_[at_] != separator_) break;
      ++at_;
    }
    end_line();
    const bool blank = row_.cells.size() == 1 && row_.cells[0].empty();
    if (!blank) return &row_;
  }
  return nullptr;
}

bool CsvScanner::at_cell_end() const {
  return at_ == text_.size() || text_[at_] == separator_ || is_line_end(text_[at_]);
}

void CsvScanner::end_line() {
  if (at_ == text_.size()) return;
  const bool pair = text_.substr(at_, 2) == "\r\n";
  at_ += pair ? 2 : 1;
  ++line_;
}

std::string_view CsvScanner::scan_cell() {
  const auto is_space = [&](char c) { return (c == ' ' || c == '\t') && c != separator_; };
  while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  std::string_view cell;
  if (at_ < text_.size() && text_[at_] == '"') {
    cell = scan_quoted();
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
    expect(at_cell_end(), "[read_csv] '{}' line {}, column {}: text after the closing quote of \"{}\"", name_,
           line_, row_.cells.size() + 1, cell.substr(0, 40));
  } else {
    cell = scan_plain();
    while (!cell.empty() && is_space(cell.back())) cell.remove_suffix(1);
  }
  expect(cell.find('\0') == std::string_view::npos,
         "[read_csv] '{}' line {}, column {}: a NUL byte: want text", name_, line_, row_.cells.size() + 1);
  return cell;
}

std::string_view CsvScanner::scan_plain() {
  const size_t begin = at_;
  while (!at_cell_end()) ++at_;
  return text_.substr(begin, at_ - begin);
}

std::string_view CsvScanner::scan_quoted() {
  const int64_t first_line = line_;
  const size_t begin = ++at_;
  std::string* copy = nullptr;  // made at the first doubled quote
  size_t copied = begin;
  while (true) {
    const size_t quote = text_.find('"', at_);
    expect(quote != std::string_view::npos, "[read_csv] '{}' line {}, column {}: the quote is never closed",
           name_, first_line, row_.cells.size() + 1);
    line_ += std::count(text_.begin() + static_cast<std::ptrdiff_t>(at_),
                        text_.begin() + static_cast<std::ptrdiff_t>(quote), '\n');
    at_ = quote + 1;
    const bool doubled = at_ < text_.size() && text_[at_] == '"';
    if (!doubled && copy == nullptr) return text_.substr(begin, quote - begin);
    if (copy == nullptr) copy = &unescaped_.emplace_back();
    copy->append(text_.substr(copied, quote - copied));
    if (!doubled) return *copy;
    copy->push_back('"');
    copied = ++at_;
  }
}

}  // namespace crease
