// Text to rows of cells by RFC 4180. What the cells mean is for csv.cpp.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace crease {

struct CsvRow {
  int64_t line = 0;  ///< where it begins, from 1
  /// Without quotes and without the spaces round unquoted cells. Valid until the next row is read.
  std::vector<std::string_view> cells;
};

/// Reads rows front to back.
class CsvScanner {
 public:
  /// `text` must outlive the scanner; a UTF-8 byte order mark is skipped.
  /// Errors: Error for UTF-16 text.
  CsvScanner(std::string_view text, std::string name, char separator);

  /// The first of comma, semicolon and tab that the first line with a cell has outside of quotes; else a
  /// comma.
  static char detected_separator(std::string_view text);

  /// The next row that is not blank, or nullptr at the end.
  /// Errors: Error naming line and column for a quote that is never closed, text after a closing quote, a
  /// NUL.
  const CsvRow* next();

 private:
  std::string_view scan_cell();
  std::string_view scan_quoted();
  std::string_view scan_plain();
  void end_line();
  bool at_cell_end() const;

  std::string_view text_;
  std::string name_;
  char separator_;
  size_t at_ = 0;
  int64_t line_ = 1;
  CsvRow row_;
  std::deque<std::string> unescaped_;  // cells of this row that held doubled quotes
};

}  // namespace crease
