#include "frontends/data/csv.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <span>

#include "frontends/data/byte_stream.h"
#include "frontends/data/csv_cell.h"
#include "frontends/data/csv_scanner.h"
#include "frontends/file.h"
#include "frontends/printable.h"
#include "frontends/safetensors/json_cursor.h"
#include "graph/error.h"

namespace crease {
namespace {

struct Label {
  std::string text;
  int64_t line;
};

constexpr const char* decimal_hint = "; the decimal sign is a point";

std::string name_of(char separator) {
  return separator == '\t' ? "tabs" : fmt::format("'{}'", printable(std::string_view(&separator, 1)));
}

/// Cells in messages: short.
std::string shown(std::string_view cell) {
  return printable(cell.substr(0, 40)) + (cell.size() > 40 ? "..." : "");
}

/// Turns rows into samples.
class TableReader {
 public:
  TableReader(const CsvRow& first, const std::string& name, const CsvOptions& options, char separator);

  bool has_header() const { return !names_.empty(); }
  bool predicts() const { return options_.target != Target::None; }
  int64_t rows() const { return std::ssize(x_) / std::ssize(features_); }
  void add(const CsvRow& row);
  Dataset finish();

 private:
  std::string where(int64_t line, size_t column) const;
  bool by_name() const { return has_header() && !options_.feature_names.empty(); }
  std::optional<size_t> find_label(const std::vector<bool>& used) const;
  std::optional<size_t> find_usual_label(const std::vector<bool>& used) const;
  size_t find_label_beside_features(const std::vector<bool>& used) const;
  size_t find_feature(const std::string& wanted) const;
  size_t find_column(const std::string& wanted) const;
  std::string shown_columns() const;
  bool is_missing(std::string_view cell) const;
  double feature(std::string_view cell, int64_t line, size_t column) const;
  bool keep_despite_missing(const CsvRow& row) const;
  void expect_told_apart(const Spread& spread, size_t column) const;
  void fill_missing();
  void set_target(Dataset& data) const;
  bool is_classes(const std::vector<std::optional<double>>& numbers) const;
  void expect_utf8_labels() const;
  void set_classes(Dataset& data, const std::vector<std::optional<double>>& numbers) const;
  void set_numbers(Dataset& data, const std::vector<std::optional<double>>& numbers) const;
  void expect_no_decimal_commas() const;
  void expect_no_stray_header(const std::vector<std::optional<double>>& numbers) const;

  const std::string& name_;
  const CsvOptions& options_;
  int64_t first_line_;
  size_t columns_;
  std::vector<std::string> names_;
  std::optional<size_t> label_;
  std::vector<size_t> features_;  // columns
  std::vector<float> x_;          // NaN where missing, until fill_missing
  std::vector<Label> labels_;
  std::vector<Spread> spreads_;  // by feature
};

TableReader::TableReader(const CsvRow& first, const std::string& name, const CsvOptions& options,
                         char separator)
    : name_(name), options_(options), first_line_(first.line), columns_(first.cells.size()) {
  const bool wordy = std::none_of(first.cells.begin(), first.cells.end(),
                                  [](auto cell) { return number_in(cell).has_value(); });
  if (options.header == Header::Present || (options.header == Header::Detect && wordy))
    names_.assign(first.cells.begin(), first.cells.end());
  std::vector<bool> used(columns_, true);
  for (const std::string& column : options.ignore) used[find_column(column)] = false;
  label_ = find_label(used);
  if (label_) used[*label_] = false;
  if (by_name()) {
    for (const std::string& feature : options.feature_names) features_.push_back(find_feature(feature));
  } else {
    for (size_t column = 0; column < columns_; ++column)
      if (used[column]) features_.push_back(column);
  }
  spreads_.resize(features_.size());
  expect(!features_.empty(),
         "[read_csv] '{}' line {}: got {} column{}, want a label and at least one feature{}", name_,
         first.line, columns_, columns_ == 1 ? "" : "s",
         columns_ == 1 ? fmt::format(" separated by {}", name_of(separator)) : "");
}

std::string TableReader::where(int64_t line, size_t column) const {
  const std::string place = fmt::format("'{}' line {}, column {}", name_, line, column + 1);
  return has_header() ? fmt::format("{} ('{}')", place, shown(names_[column])) : place;
}

/// `used`: whether a column is not ignored.
std::optional<size_t> TableReader::find_label(const std::vector<bool>& used) const {
  if (!options_.label.empty()) {
    const size_t label = find_column(options_.label);
    expect(used[label], "[read_csv] '{}': the column to predict, '{}', is ignored as well", name_,
           options_.label);
    return label;
  }
  if (const auto label = find_usual_label(used); label && predicts()) return label;
  const bool all =
      by_name() || options_.feature_count == 0 || std::ranges::count(used, true) <= options_.feature_count;
  if (!predicts() && all) return {};
  if (by_name()) return find_label_beside_features(used);
  for (size_t column = columns_; column > 0; --column)
    if (used[column - 1]) return column - 1;
  return columns_ - 1;
}

std::optional<size_t> TableReader::find_usual_label(const std::vector<bool>& used) const {
  if (options_.usual_label.empty() || std::ranges::count(names_, options_.usual_label) != 1) return {};
  const size_t column = find_column(options_.usual_label);
  return used[column] ? std::optional(column) : std::nullopt;
}

/// The one column that the network does not read. Of several the last may be anything, such as a row's
/// number.
size_t TableReader::find_label_beside_features(const std::vector<bool>& used) const {
  for (const std::string& feature : options_.feature_names) find_feature(feature);  // an error is about these
  std::vector<size_t> left;
  for (size_t column = 0; column < columns_; ++column)
    if (used[column] && std::ranges::count(options_.feature_names, names_[column]) == 0)
      left.push_back(column);
  expect(!left.empty(), "[read_csv] '{}' has no column to predict: its columns are {}, which are features",
         name_, shown_columns());
  expect(
      left.size() == 1,
      "[read_csv] '{}' has {} columns beside the features, the last of them '{}': name the one to predict, "
      "label=COLUMN (CsvOptions::label)",
      name_, left.size(), printable(names_[left.back()]));
  return left.front();
}

size_t TableReader::find_feature(const std::string& wanted) const {
  expect(std::ranges::find(names_, wanted) != names_.end(),
         "[read_csv] '{}' has no column '{}', which is wanted as a feature: its columns are {}", name_,
         printable(wanted), shown_columns());
  const size_t column = find_column(wanted);
  expect(column != label_,
         "[read_csv] '{}': column '{}' is wanted as a feature, not to be predicted: name the one to predict, "
         "label=COLUMN (CsvOptions::label)",
         name_, printable(wanted));
  return column;
}

/// Names, as many as a message may have.
std::string TableReader::shown_columns() const {
  const auto some = std::span(names_).first(std::min<size_t>(names_.size(), 20));
  return printable(fmt::format("{}{}", fmt::join(some, ", "), some.size() < names_.size() ? ", ..." : ""));
}

size_t TableReader::find_column(const std::string& wanted) const {
  const auto named = std::find(names_.begin(), names_.end(), wanted);
  expect(std::count(names_.begin(), names_.end(), wanted) <= 1,
         "[read_csv] '{}' has several columns named '{}': give the number of the one you mean", name_,
         wanted);
  if (named != names_.end()) return static_cast<size_t>(named - names_.begin());
  size_t number = 0;
  const auto [end, error] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), number);
  const bool valid = error == std::errc{} && end == wanted.data() + wanted.size();
  if (valid && number >= 1 && number <= columns_) return number - 1;
  fail("[read_csv] '{}' has no column '{}': want a number from 1 to {}{}", name_, wanted, columns_,
       has_header() ? " or one of " + shown_columns() : std::string("; it has no header"));
}

bool TableReader::is_missing(std::string_view cell) const {
  const auto& marks = options_.missing_marks;
  return std::find(marks.begin(), marks.end(), cell) != marks.end();
}

double TableReader::feature(std::string_view cell, int64_t line, size_t column) const {
  if (is_missing(cell)) return std::numeric_limits<double>::quiet_NaN();
  const std::optional<double> value = number_in(cell);
  if (!value)
    fail("[read_csv] {}: got '{}', want a number{}", where(line, column), shown(cell),
         has_decimal_comma(cell) ? decimal_hint
         : line == first_line_   ? "; if this line names the columns, say header=present (Header::Present)"
                                 : "");
  const auto rounded = static_cast<float>(std::clamp(*value, -1e39, 1e39));
  if (!std::isfinite(rounded))
    fail("[read_csv] {}: got '{}', want a finite number in the range of f32", where(line, column),
         shown(cell));
  return *value;
}

/// Whether a row stays, seen from its missing values alone.
bool TableReader::keep_despite_missing(const CsvRow& row) const {
  bool keep = true;
  const auto check = [&](size_t column, bool has_mean) {
    if (!is_missing(row.cells[column]) || (has_mean && options_.missing == Missing::Mean)) return;
    if (options_.missing != Missing::DropRow)
      fail(
          "[read_csv] {}: the value is missing ('{}'): missing=drop (Missing::DropRow) leaves such rows "
          "out{}",
          where(row.line, column), shown(row.cells[column]),
          has_mean ? ", missing=mean (Missing::Mean) takes the mean" : "");
    keep = false;
  };
  if (predicts()) check(*label_, false);
  for (const size_t column : features_) check(column, true);
  return keep;
}

void TableReader::add(const CsvRow& row) {
  expect(row.cells.size() == columns_, "[read_csv] '{}' line {}: got {} cells, want {} as in line {}", name_,
         row.line, row.cells.size(), columns_, first_line_);
  const bool keep = keep_despite_missing(row);
  // A row that is left out is read all the same: it may hold text that is no number.
  std::vector<float> values;
  values.reserve(features_.size());
  for (size_t j = 0; j < features_.size(); ++j) {
    const double value = feature(row.cells[features_[j]], row.line, features_[j]);
    values.push_back(static_cast<float>(value));
    if (keep) spreads_[j].add(value);
  }
  if (!keep) return;
  x_.insert(x_.end(), values.begin(), values.end());
  if (predicts()) labels_.push_back({std::string(row.cells[*label_]), row.line});
}

/// Seconds since 1970 a minute apart are one number in f32. A few rows for a network that was trained on more
/// may be as close as they like.
void TableReader::expect_told_apart(const Spread& spread, size_t column) const {
  expect(!options_.means.empty() || !spread.is_lost(),
         "[read_csv] {}: numbers from {} to {} lie too close together for f32, which moves them by up to "
         "{:.2g}: take an offset such as {} from them first",
         where(first_line_, column), spread.least, spread.greatest, spread.moved, spread.least);
}

void TableReader::fill_missing() {
  expect(options_.means.empty() || options_.means.size() == features_.size(),
         "[read_csv] '{}' has {} features, but there are {} means for missing ones", name_, features_.size(),
         options_.means.size());
  for (size_t j = 0; j < features_.size(); ++j) {
    double sum = 0;
    int64_t count = 0;
    for (size_t i = j; i < x_.size(); i += features_.size())
      if (!std::isnan(x_[i])) sum += x_[i], ++count;
    expect(count > 0 || !options_.means.empty(),
           "[read_csv] {}: the column has no value at all to take the mean of",
           where(first_line_, features_[j]));
    const float mean =
        options_.means.empty() ? static_cast<float>(sum / static_cast<double>(count)) : options_.means[j];
    for (size_t i = j; i < x_.size(); i += features_.size())
      if (std::isnan(x_[i])) x_[i] = mean;
  }
}

/// A first line that names only some columns would otherwise add a class of one sample.
void TableReader::expect_no_stray_header(const std::vector<std::optional<double>>& numbers) const {
  const bool rest =
      std::all_of(numbers.begin() + 1, numbers.end(), [](const auto& n) { return n.has_value(); });
  expect(numbers[0] || !rest || numbers.size() == 1 || options_.header != Header::Detect,
         "[read_csv] {}: got the label '{}', but numbers in all other lines; if this line names the columns, "
         "say header=present (Header::Present)",
         where(labels_[0].line, *label_), shown(labels_[0].text));
}

/// Prices such as 1,5 would become classes otherwise.
void TableReader::expect_no_decimal_commas() const {
  for (const Label& label : labels_)
    expect(options_.target == Target::Classes || !has_decimal_comma(label.text),
           "[read_csv] {}: got '{}', want a number{}, or say target=classes (Target::Classes)",
           where(label.line, *label_), shown(label.text), decimal_hint);
}

bool TableReader::is_classes(const std::vector<std::optional<double>>& numbers) const {
  if (options_.target != Target::Detect) return options_.target == Target::Classes;
  std::set<double> kinds;
  for (const auto& number : numbers) {
    if (!number) return true;
    if (*number != std::floor(*number) || std::abs(*number) > 1e15) return false;
    kinds.insert(*number);
    if (kinds.size() > 20) return false;
  }
  return numbers.size() >= 2 * kinds.size();
}

/// Names of classes are kept with a model and shown: Latin-1 is told here, not when the training is saved.
void TableReader::expect_utf8_labels() const {
  for (const Label& label : labels_)
    expect(invalid_utf8(label.text) == std::string_view::npos,
           "[read_csv] {}: the name of a class is not UTF-8 from byte {} on: save the file as UTF-8",
           where(label.line, *label_), invalid_utf8(label.text));
}

void TableReader::set_classes(Dataset& data, const std::vector<std::optional<double>>& numbers) const {
  expect_utf8_labels();
  // By value where all are numbers, so that 10 follows 9 and 1.0 is 1; else by bytes.
  const bool numeric =
      std::all_of(numbers.begin(), numbers.end(), [](const auto& n) { return n.has_value(); });
  using Key = std::pair<double, std::string>;
  const auto key = [&](size_t i) { return numeric ? Key(*numbers[i], "") : Key(0, labels_[i].text); };
  std::map<Key, int32_t> index;
  for (size_t i = 0; i < labels_.size(); ++i) index.emplace(key(i), 0);
  for (auto& [class_key, number] : index) {
    number = static_cast<int32_t>(data.class_names.size());
    data.class_names.push_back(numeric ? fmt::format("{}", class_key.first) : class_key.second);
  }
  data.classes = static_cast<int64_t>(index.size());
  data.y = Tensor(Type::i32, {static_cast<int64_t>(labels_.size())});
  const auto y = data.y.write<int32_t>();
  for (size_t i = 0; i < y.size(); ++i) y[i] = index.at(key(i));
}

void TableReader::set_numbers(Dataset& data, const std::vector<std::optional<double>>& numbers) const {
  data.y = Tensor(Type::f32, {static_cast<int64_t>(labels_.size())});
  const auto y = data.y.write<float>();
  Spread spread;
  for (size_t i = 0; i < y.size(); ++i) {
    const double value = feature(labels_[i].text, labels_[i].line, *label_);
    spread.add(value);
    y[i] = static_cast<float>(value);
    ensure(numbers[i].has_value(), "label {} became a number", labels_[i].text);
  }
  expect_told_apart(spread, *label_);
}

void TableReader::set_target(Dataset& data) const {
  std::vector<std::optional<double>> numbers;
  for (const Label& label : labels_) {
    numbers.push_back(number_in(label.text));
    if (numbers.back() && !std::isfinite(*numbers.back()))
      fail("[read_csv] {}: got '{}', want a finite number", where(label.line, *label_), shown(label.text));
  }
  expect_no_stray_header(numbers);
  expect_no_decimal_commas();
  if (is_classes(numbers)) {
    set_classes(data, numbers);
  } else {
    set_numbers(data, numbers);
  }
}

Dataset TableReader::finish() {
  expect(rows() > 0, "[read_csv] '{}' has no rows{}: want at least one", name_,
         has_header() ? " after its header" : "");
  for (size_t j = 0; j < features_.size(); ++j) expect_told_apart(spreads_[j], features_[j]);
  if (options_.missing == Missing::Mean) fill_missing();
  Dataset data;
  data.name = name_;
  data.x = Tensor::f32({rows(), std::ssize(features_)}, x_);
  if (has_header())
    for (const size_t column : features_) data.feature_names.push_back(names_[column]);
  if (predicts()) set_target(data);
  if (predicts() && has_header()) data.label_name = names_[*label_];
  return data;
}

}  // namespace

Dataset parse_csv(std::string_view bytes, const std::string& name, const CsvOptions& options) {
  ByteStream stream(bytes, name);
  const std::string text = read_all(stream, options.most_bytes);
  const char separator = options.separator.value_or(CsvScanner::detected_separator(text));
  CsvScanner scanner(text, name, separator);
  const CsvRow* row = scanner.next();
  expect(row != nullptr, "[read_csv] '{}' is empty: want rows of numbers and a label", name);
  TableReader reader(*row, name, options, separator);
  if (!reader.has_header()) reader.add(*row);
  while ((row = scanner.next()) != nullptr) reader.add(*row);
  return reader.finish();
}

Dataset read_csv(const std::filesystem::path& path, const CsvOptions& options) {
  return parse_csv(read_file(path), path.string(), options);
}

}  // namespace crease
