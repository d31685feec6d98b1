#include "frontends/data/source.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "frontends/data/cifar.h"
#include "frontends/data/digits.h"
#include "frontends/data/mnist.h"
#include "frontends/data/npy.h"
#include "graph/error.h"

namespace crease {
namespace {

/// Whole numbers as labels; gives how many classes there are.
int64_t read_labels(Dataset& data, const Tensor& y) {
  constexpr int64_t most = int64_t{1} << 20;
  const Tensor labels = y.converted(Type::i64);  // the type that loses nothing
  int64_t classes = 0;
  for (int64_t i = 0; i < labels.count(); ++i) {
    const int64_t label = labels.read<int64_t>()[static_cast<size_t>(i)];
    expect(label >= 0 && label < most,
           "[data] '{}' y.npy has the label {} as element {}: want 0 to {}; number the classes from 0, or "
           "store what is to be predicted as floats",
           data.name, label, i, most - 1);
    classes = std::max(classes, label + 1);
  }
  data.y = labels.converted(Type::i32);
  return classes;
}

/// x.npy and y.npy of a folder: numbers [n, ...], each sample made flat, and labels (whole numbers [n]) or
/// numbers.
Dataset npy_dataset(const std::filesystem::path& folder, Target target) {
  Dataset data{.x = read_npy(folder / "x.npy").converted(Type::f32), .name = folder.string()};
  if (data.x.sizes().size() > 2 && data.x.count() > 0)
    data.x = data.x.reshaped({data.size(), data.features()});
  if (target == Target::None) return data;
  const Tensor y = read_npy(folder / "y.npy");
  if (is_floating(y.type()))
    data.y = y.converted(Type::f32);
  else
    data.classes = read_labels(data, y);
  validate(data);
  return data;
}

/// One of the words that an option takes.
template <class Choice>
Choice chosen(const std::string& option, const std::string& word,
              const std::vector<std::pair<const char*, Choice>>& choices) {
  std::string known;
  for (const auto& [name, value] : choices) {
    if (word == name) return value;
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  fail("[data] unknown {} '{}': want {}", option, word, known);
}

/// Sets an option of a table. Whether there is one of that name.
bool set_option(CsvOptions& options, const std::string& name, const std::string& value) {
  if (name == "missing") {
    options.missing = chosen<Missing>(
        name, value, {{"error", Missing::Error}, {"drop", Missing::DropRow}, {"mean", Missing::Mean}});
    return true;
  }
  if (name == "header") {
    options.header = chosen<Header>(name, value, {{"present", Header::Present}, {"absent", Header::Absent}});
    return true;
  }
  if (name == "target") {
    options.target = chosen<Target>(name, value, {{"classes", Target::Classes}, {"number", Target::Number}});
    return true;
  }
  if (name == "separator") {
    options.separator =
        chosen<char>(name, value, {{"comma", ','}, {"semicolon", ';'}, {"tab", '\t'}, {"bar", '|'}});
    return true;
  }
  if (name == "label") options.label = value;
  if (name == "ignore") options.ignore.push_back(value);
  return name == "label" || name == "ignore";
}

/// A table by "FILE,option=value,...": options are taken from the end, so that a file may have commas.
Dataset table(std::string place, CsvOptions options) {
  std::set<std::string> given;
  while (true) {
    const size_t comma = place.rfind(','), equals = place.find('=', comma == std::string::npos ? 0 : comma);
    if (comma == std::string::npos || equals == std::string::npos) break;
    const std::string name = place.substr(comma + 1, equals - comma - 1);
    if (!set_option(options, name, place.substr(equals + 1))) break;
    expect(given.insert(name).second || name == "ignore", "[data] {} is given twice: want it once", name);
    place.resize(comma);
  }
  return read_csv(place, options);
}

/// A set that comes in one piece, or in two.
using Read = std::variant<Dataset, Split>;

Read read(const std::string& source, const CsvOptions& options) {
  const size_t colon = source.find(':');
  const std::string kind = source.substr(0, colon);
  const std::string place = colon == std::string::npos ? "" : source.substr(colon + 1);
  if (source == "digits") return digits();
  if (kind == "mnist" && !place.empty()) return mnist(place);
  if (kind == "cifar10" && !place.empty()) return cifar10(place);
  if (kind == "npy" && !place.empty()) return npy_dataset(place, options.target);
  if (kind == "csv" && !place.empty()) return table(place, options);
  fail("[data] unknown data '{}': want digits, mnist:FOLDER, cifar10:FOLDER, npy:FOLDER or csv:FILE", source);
}

/// The rows of one and then of the other.
Tensor stacked(const Tensor& first, const Tensor& second) {
  std::vector<int64_t> sizes = first.sizes();
  sizes.front() += second.sizes().front();
  Tensor both(first.type(), std::move(sizes));
  std::byte* to = std::copy_n(first.data(), first.bytes(), both.mutable_data());
  std::copy_n(second.data(), second.bytes(), to);
  return both;
}

}  // namespace

Split read_source(const std::string& source, const SourceOptions& options) {
  Read found = read(source, options.csv);
  if (const auto* whole = std::get_if<Dataset>(&found))
    return split(*whole, options.test_share, options.seed);
  return std::get<Split>(std::move(found));
}

Dataset read_whole_source(const std::string& source, const SourceOptions& options) {
  Read found = read(source, options.csv);
  if (auto* parts = std::get_if<Split>(&found)) {
    Dataset whole = std::move(parts->train);
    whole.x = stacked(whole.x, parts->test.x);
    whole.y = stacked(whole.y, parts->test.y);
    found = std::move(whole);
  }
  Dataset whole = std::get<Dataset>(std::move(found));
  if (options.csv.target == Target::None) whole.y = {}, whole.classes = 0, whole.class_names.clear();
  return whole;
}

}  // namespace crease
