// Tables in text: values separated by commas, semicolons or tabs, one sample a line. The decimal sign is a
// point in every locale.
// Source: RFC 4180, with blank lines, single CR line ends and spaces round cells tolerated.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "frontends/data/dataset.h"

namespace crease {

/// Whether the first line names the columns. Detect: it does if none of its cells is a number.
enum class Header : uint8_t { Detect, Present, Absent };
/// What a missing value does: an Error, or its row is left out, or it becomes the mean of its column. A row
/// without label is left out or an Error.
enum class Missing : uint8_t { Error, DropRow, Mean };
/// What is predicted. Detect: classes if the labels are text, or whole numbers of at most 20 kinds with twice
/// as many rows as kinds; else a number. None: nothing; y stays without dimensions.
enum class Target : uint8_t { Detect, Classes, Number, None };

struct CsvOptions {
  /// What stands between cells. Without: the first of comma, semicolon and tab that the first line has
  /// outside of quotes.
  std::optional<char> separator = {};
  Header header = Header::Detect;
  /// The column to predict: its name, or its number from 1. Empty: the last one that is not ignored; beside
  /// features that are named the only one left; with Target::None only where it is left over from the
  /// features.
  std::string label = {};
  /// The name of the column to predict where `label` is empty and the table has such a column: the one that a
  /// network was trained on.
  std::string usual_label = {};
  /// Columns left out, by name or number.
  std::vector<std::string> ignore = {};
  /// The features in their order, where the table has a header; without names: all columns but the label.
  std::vector<std::string> feature_names = {};
  /// How many features are wanted, where Target::None must tell them from a label; 0: all columns.
  int64_t feature_count = 0;
  Target target = Target::Detect;
  Missing missing = Missing::Error;
  /// What Missing::Mean puts in place of a missing feature, by feature, such as the means that a network was
  /// trained on; empty: the mean of its column.
  std::vector<float> means = {};
  /// Cells that stand for a missing value.
  std::vector<std::string> missing_marks = {"", "?", "NA", "N/A", "NaN", "nan", "null"};
  /// More text than this is refused, so that a small gzip file cannot fill the memory.
  int64_t most_bytes = int64_t{1} << 32;
};

/// A table from a file, plain or gzip. x is f32 [n, features]; y is i32 [n] with class_names in ascending
/// order (numbers by value, text by bytes), or f32 [n] for regression. Errors: Error naming file, line and
/// column for a ragged row, an open quote, a NUL, a cell that is no finite f32, a missing value, a class
/// whose name is not UTF-8; Error for an unknown column (lists the names), a label that is ignored
/// or among the features that are named, several columns of which each may be the label, no rows or no
/// features; Error for a column of numbers that f32 cannot tell apart, such as seconds since 1970, unless
/// there are `means`: of data that a network is trained on already.
Dataset read_csv(const std::filesystem::path& path, const CsvOptions& options = {});

/// The same from memory; `name` is what errors call it and becomes the name of the data.
Dataset parse_csv(std::string_view bytes, const std::string& name, const CsvOptions& options = {});

}  // namespace crease
