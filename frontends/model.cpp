#include "frontends/model.h"

#include <unistd.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <ranges>

#include "frontends/file.h"
#include "frontends/safetensors.h"
#include "graph/analysis/json_problem.h"
#include "graph/error.h"
#include "graph/listed.h"
#include "graph/text.h"

namespace crease {
namespace {

using Json = nlohmann::ordered_json;

constexpr int format_version = 1;
// Keys of a checkpoint's metadata.
constexpr const char* epochs_key = "crease.epochs_done";
constexpr const char* steps_key = "crease.steps_done";
constexpr const char* batch_key = "crease.batch";
constexpr const char* losses_key = "crease.losses";
constexpr const char* best_epoch_key = "crease.best_epoch";
constexpr const char* best_loss_key = "crease.best_validation_loss";
constexpr std::string_view best_prefix = "crease.best/";  // of its parameters' names
constexpr std::string_view sums_prefix = "crease.epoch/";

/// "models/digits" of "models/digits/".
std::filesystem::path without_slash(const std::filesystem::path& folder) {
  return folder.has_filename() ? folder : folder.parent_path();
}

void make_folder(const std::filesystem::path& folder) {
  std::error_code code;
  std::filesystem::create_directories(folder, code);
  expect(!code, "[save] cannot make the folder {}: {}", folder.string(), code.message());
}

std::vector<float> numbers(const Tensor& tensor) {
  const auto values = tensor.read<float>();
  return {values.begin(), values.end()};
}

/// JSON has no infinity and no NaN: they are written as texts.
Json number_to_json(double number) {
  return std::isfinite(number) ? Json(number) : Json(fmt::format("{}", number));
}

/// What number_to_json gave. An empty value is what infinities and NaN once became.
double number_from_json(const Json& json) {
  if (json.is_null()) return std::numeric_limits<double>::quiet_NaN();
  if (!json.is_string()) return json.get<double>();
  const auto& text = json.get_ref<const std::string&>();
  double number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  expect(problem == std::errc{} && end == text.data() + text.size() && !std::isfinite(number),
         "got '{}', want a number, or 'inf', '-inf' or 'nan'", text);
  return number;
}

Json numbers_to_json(const std::vector<double>& numbers) {
  Json json = Json::array();
  for (const double number : numbers) json.push_back(number_to_json(number));
  return json;
}

Json to_json(const Standardisation& by) {
  return {{"mean", numbers(by.mean)}, {"deviation", numbers(by.deviation)}};
}

Json to_json(const ModelInfo& info) {
  Json json{{"format", "crease model"},  {"version", format_version}, {"data", info.data},
            {"features", info.features}, {"classes", info.classes},   {"training", info.training},
            {"metrics", Json::object()}};
  for (const auto& [name, value] : info.metrics) json["metrics"][name] = number_to_json(value);
  if (info.standardisation) json["standardisation"] = to_json(*info.standardisation);
  if (info.targets) json["targets"] = to_json(*info.targets);
  if (!info.label.empty()) json["label"] = info.label;
  if (!info.trained_on.empty()) json["trained_on"] = info.trained_on;
  return json;
}

/// The names of files may be any bytes, JSON is UTF-8: what is not becomes a replacement character.
std::string text_of(const ModelInfo& info) {
  return to_json(info).dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Standardisation standardisation_from_json(const Json& json) {
  const auto mean = json.at("mean").get<std::vector<float>>();
  const auto deviation = json.at("deviation").get<std::vector<float>>();
  expect(mean.size() == deviation.size(), "{} means but {} deviations", mean.size(), deviation.size());
  const auto count = static_cast<int64_t>(mean.size());
  return {.mean = Tensor::f32({count}, mean), .deviation = Tensor::f32({count}, deviation)};
}

ModelInfo info_from_json(const Json& json) {
  const int version = json.at("version").get<int>();
  expect(json.at("format").get<std::string>() == "crease model" && version == format_version,
         "format '{}' version {} is not 'crease model' version {}", json.at("format").get<std::string>(),
         version, format_version);
  ModelInfo info{.data = json.at("data").get<std::string>(),
                 .classes = json.at("classes").get<std::vector<std::string>>(),
                 .training = json.at("training").get<std::map<std::string, std::string>>()};
  if (json.contains("features")) info.features = json["features"].get<std::vector<std::string>>();
  info.label = json.value("label", "");
  info.trained_on = json.value("trained_on", "");
  for (const auto& [name, value] : json.at("metrics").items()) info.metrics[name] = number_from_json(value);
  if (json.contains("standardisation"))
    info.standardisation = standardisation_from_json(json["standardisation"]);
  if (json.contains("targets")) info.targets = standardisation_from_json(json["targets"]);
  return info;
}

bool is_text(const Json& json) { return json.is_string(); }
/// As number_to_json writes them.
bool is_figure(const Json& json) { return json.is_number() || json.is_string() || json.is_null(); }
bool is_number(const Json& json) { return json.is_number(); }

template <bool (*is_right)(const Json&)>
bool is_list_of(const Json& json) {
  return json.is_array() && std::ranges::all_of(json, is_right);
}

template <bool (*is_right)(const Json&)>
bool is_map_of(const Json& json) {
  return json.is_object() && std::ranges::all_of(json, is_right);
}

bool is_standardisation(const Json& json) {
  return json.is_object() && json.contains("mean") && json.contains("deviation") &&
         is_list_of<is_number>(json["mean"]) && is_list_of<is_number>(json["deviation"]);
}

/// Names the field of model.json that is not what it should be. Errors: Error for the first one.
void expect_fields(const Json& json) {
  struct Field {
    const char* name;
    bool (*is_right)(const Json&);
    const char* want;
    bool optional = false;
  };
  static constexpr Field fields[] = {
      {"format", is_text, "a text"},
      {"version", is_number, "a number"},
      {"data", is_text, "a text"},
      {"features", is_list_of<is_text>, "a list of texts", true},
      {"label", is_text, "a text", true},
      {"trained_on", is_text, "a text", true},
      {"classes", is_list_of<is_text>, "a list of texts"},
      {"training", is_map_of<is_text>, "an object of texts"},
      {"metrics", is_map_of<is_figure>, "an object of numbers"},
      {"standardisation", is_standardisation, "an object with two lists of numbers, mean and deviation",
       true},
      {"targets", is_standardisation, "an object with two lists of numbers, mean and deviation", true},
  };
  expect(json.is_object(), "got {}, want an object with the fields of a model", json.type_name());
  const auto is_other = [&](const char* name, const Json& ours) {
    return json.contains(name) && json[name] != ours;
  };
  if (is_other("format", "crease model") || is_other("version", format_version)) return;  // with other fields
  for (const Field& field : fields) {
    const bool present = json.contains(field.name);
    expect(present || field.optional, "field '{}' is missing: want {}", field.name, field.want);
    expect(!present || field.is_right(json[field.name]), "field '{}' is not {}", field.name, field.want);
  }
}

ModelInfo read_info(const std::filesystem::path& path) {
  const std::string text = read_file(path);
  try {
    const Json json = Json::parse(text);
    expect_fields(json);
    return info_from_json(json);
  } catch (const std::exception& problem) {
    fail("[load] {}: {}; `crease train --save` writes it anew, or take it from a copy of the folder",
         path.string(), json_problem(text, problem));
  }
}

Graph read_graph(const std::filesystem::path& path) {
  const std::string text = read_file(path);
  try {
    return parse(text);
  } catch (const Error& problem) {
    fail("[load] {}: {}", path.string(), problem.what());
  }
}

std::string signature(Type type, const std::vector<int64_t>& sizes) {
  return fmt::format("{}{}", to_string(type), to_string(sizes));
}

/// One line for each difference.
std::string difference_table(const std::map<std::string, std::string>& wanted,
                             const std::map<std::string, std::string>& got) {
  std::string table;
  const auto line = [&](const std::string& name, const std::string& graph, const std::string& value) {
    table += fmt::format("\n  {:<24} {:<20} {}", name, graph, value);
  };
  for (const auto& [name, form] : wanted) {
    const auto found = got.find(name);
    if (found == got.end()) line(name, form, "missing");
    if (found != got.end() && found->second != form) line(name, form, found->second);
  }
  for (const auto& [name, form] : got) {
    if (!wanted.contains(name)) line(name, "missing", form);
  }
  const auto lacks = [&](const std::string& name) { return !wanted.contains(name); };
  if (std::ranges::any_of(std::views::keys(got), lacks))
    table += "\ntake_parameters passes over what the graph lacks";
  return table;
}

/// A number in a checkpoint's metadata.
template <class T>
T metadata_number(const TensorFile& file, const char* key, const std::filesystem::path& path) {
  const auto entry = file.metadata.find(key);
  expect(entry != file.metadata.end(), "[load] {} is no checkpoint: its metadata has no '{}'", path.string(),
         key);
  const std::string& text = entry->second;
  T number{};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  expect(problem == std::errc{} && end == text.data() + text.size(), "[load] {}: '{}' is '{}', want a {}",
         path.string(), key, text, std::is_integral_v<T> ? "count" : "number");
  return number;
}

int64_t count_in(const TensorFile& file, const char* key, const std::filesystem::path& path) {
  const auto count = metadata_number<int64_t>(file, key, path);
  expect(count >= 0, "[load] {}: '{}' is '{}', want a count", path.string(), key, count);
  return count;
}

double number_in(const TensorFile& file, const char* key, const std::filesystem::path& path) {
  return metadata_number<double>(file, key, path);
}

/// JSON's numbers are written so that they read back to the bit.
std::vector<double> losses_in(const TensorFile& file, const std::filesystem::path& path) {
  const auto entry = file.metadata.find(losses_key);
  if (entry == file.metadata.end()) return {};
  try {
    std::vector<double> losses;
    for (const Json& loss : Json::parse(entry->second)) losses.push_back(number_from_json(loss));
    return losses;
  } catch (const std::exception&) {
    fail("[load] {}: '{}' is '{}', want a list of numbers", path.string(), losses_key, entry->second);
  }
}

}  // namespace

void set_parameters(Graph& graph, const NamedTensors& values) {
  std::map<std::string, std::string> wanted, got;
  for (const auto& [name, tensor] : parameters_of(graph))
    wanted[name] = signature(tensor.type(), tensor.sizes());
  for (const auto& [name, tensor] : values) got[name] = signature(tensor.type(), tensor.sizes());
  const std::string table = difference_table(wanted, got);
  expect(table.empty(), "[load] the parameters do not fit the graph:\n  {:<24} {:<20} {}{}", "parameter",
         "graph", "file", table);
  for (const auto& [name, tensor] : values) graph.set_parameter(name, tensor);
}

void take_parameters(Graph& graph, const NamedTensors& values) {
  NamedTensors parameters = parameters_of(graph);
  bool some = parameters.empty();
  for (auto& [name, tensor] : parameters) {
    const auto found = values.find(name);
    if (found == values.end()) continue;
    tensor = found->second;
    some = true;
  }
  expect(some, "[take_parameters] none of the graph's parameters is among the values: it has {}, they are {}",
         listed(std::views::keys(parameters)), listed(std::views::keys(values)));
  set_parameters(graph, parameters);
}

NamedTensors parameters_of(const Graph& graph) {
  NamedTensors result;
  for (const NodeId id : graph.parameters()) result.emplace(graph.node(id).name, graph.node(id).value);
  return result;
}

void save_model(const std::filesystem::path& folder, const Model& model) {
  make_folder(folder);
  write_file_atomically(folder / "graph.txt", to_string(model.network));
  write_safetensors(folder / "parameters.safetensors", parameters_of(model.network));
  write_file_atomically(folder / "model.json", text_of(model.info));
}

void expect_free(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  expect(!fs::exists(fs::symlink_status(without_slash(folder), ignored)),
         "[save] {} exists already: choose a name that is free, or move it away", folder.string());
}

void save_new_model(const std::filesystem::path& folder, const Model& model) {
  namespace fs = std::filesystem;
  expect_free(folder);
  const fs::path place = without_slash(folder);
  fs::path partial = place;
  partial += fmt::format(".partial-{}", getpid());
  std::error_code code;
  try {
    save_model(partial, model);
    fs::rename(partial, place, code);
    expect(!code, "[save] cannot make {}: {}", folder.string(), code.message());
  } catch (...) {
    fs::remove_all(partial, code);
    throw;
  }
}

Model load_model(const std::filesystem::path& folder) {
  expect(std::filesystem::is_directory(folder), "[load] {} is not a folder", folder.string());
  Model model{.network = read_graph(folder / "graph.txt"), .info = read_info(folder / "model.json")};
  set_parameters(model.network, read_safetensors(folder / "parameters.safetensors").tensors);
  return model;
}

void save_checkpoint(const std::filesystem::path& folder, const Checkpoint& checkpoint) {
  make_folder(folder);
  NamedTensors tensors = checkpoint.parameters;
  std::map<std::string, std::string> metadata{{epochs_key, std::to_string(checkpoint.epochs_done)},
                                              {steps_key, std::to_string(checkpoint.steps_done)},
                                              {batch_key, std::to_string(checkpoint.batch)},
                                              {losses_key, numbers_to_json(checkpoint.losses).dump()}};
  for (const auto& [name, tensor] : checkpoint.sums) tensors[std::string(sums_prefix) + name] = tensor;
  if (checkpoint.best) {
    metadata[best_epoch_key] = std::to_string(checkpoint.best->epoch);
    metadata[best_loss_key] = fmt::format("{}", checkpoint.best->validation_loss);  // reads back to the bit
    for (const auto& [name, tensor] : checkpoint.best->parameters)
      tensors[std::string(best_prefix) + name] = tensor;
  }
  write_safetensors(folder / "checkpoint.safetensors", tensors, metadata);
}

Checkpoint load_checkpoint(const std::filesystem::path& folder) {
  const auto path = folder / "checkpoint.safetensors";
  TensorFile file = read_safetensors(path);
  Checkpoint checkpoint{.epochs_done = count_in(file, epochs_key, path),
                        .steps_done = count_in(file, steps_key, path),
                        .batch = file.metadata.contains(batch_key) ? count_in(file, batch_key, path) : 0,
                        .losses = losses_in(file, path)};
  if (file.metadata.contains(best_epoch_key))
    checkpoint.best = Best{.epoch = count_in(file, best_epoch_key, path),
                           .validation_loss = number_in(file, best_loss_key, path)};
  for (auto& [name, tensor] : file.tensors) {
    if (name.starts_with(sums_prefix))
      checkpoint.sums.emplace(name.substr(sums_prefix.size()), std::move(tensor));
    else if (checkpoint.best && name.starts_with(best_prefix))
      checkpoint.best->parameters.emplace(name.substr(best_prefix.size()), std::move(tensor));
    else
      checkpoint.parameters.emplace(name, std::move(tensor));
  }
  return checkpoint;
}

}  // namespace crease
