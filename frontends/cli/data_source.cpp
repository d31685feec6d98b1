#include "frontends/cli/data_source.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "frontends/data/source.h"
#include "frontends/printable.h"
#include "graph/analysis/digest.h"
#include "graph/error.h"

namespace crease::cli {

namespace {

/// How many numbers a shape [batch] or [batch, n] has for each sample; 0: not known.
int64_t row_width(const Shape& shape) {
  if (shape.size() < 2) return 1;
  return shape.size() > 2 || shape.back().is_symbol() ? 0 : shape.back().size();
}

/// Labels become the numbers that the model has for classes of these names. Those without names are its
/// numbers already, of perhaps fewer classes than it knows.
void number_classes(Dataset& data, const std::vector<std::string>& classes) {
  const auto count = static_cast<int64_t>(classes.size());
  if (data.class_names.empty() && data.classes > 0) data.classes = std::max(data.classes, count);
  if (classes.empty() || data.class_names.empty() || data.class_names == classes) return;
  for (int32_t& label : data.y.write<int32_t>()) {
    const std::string& name = data.class_names[static_cast<size_t>(label)];
    const auto found = std::ranges::find(classes, name);
    expect(found != classes.end(), "[data] the model has no class '{}': its classes are {}", printable(name),
           printable(fmt::format("{}", fmt::join(classes, ", "))));
    label = static_cast<int32_t>(found - classes.begin());
  }
  data.class_names = classes;
  data.classes = count;
}

/// How data are read for a model: a table says of few rows not for certain whether it has classes.
SourceOptions options_for(const Model& model) {
  const Graph& network = model.network;
  SourceOptions options;
  options.csv.feature_names = model.info.features;
  options.csv.usual_label = model.info.label;
  if (const auto& by = model.info.standardisation) {
    const auto means = by->mean.read<float>();
    options.csv.means.assign(means.begin(), means.end());
  }
  if (!model.info.classes.empty())
    options.csv.target = Target::Classes;
  else if (network.outputs().size() == 1 &&
           row_width(network.node(network.outputs().front().node).shape) == 1)
    options.csv.target = Target::Number;
  return options;
}

/// Samples in the shape of the network's input, where they have as many numbers: images may come as rows.
void fit_samples(Dataset& data, const Graph& network) {
  const std::vector<NodeId> inputs = network.inputs();
  if (inputs.size() != 1 || data.size() == 0) return;
  const Shape& shape = network.node(inputs.front()).shape;
  if (shape.empty() || has_symbol(Shape(shape.begin() + 1, shape.end()))) return;
  std::vector<int64_t> sizes = sizes_of(Shape(shape.begin() + 1, shape.end()));
  if (element_count(sizes) != data.features()) return;
  sizes.insert(sizes.begin(), data.size());
  data.x = data.x.reshaped(sizes);
}

Split read_for(const Model& model, const std::string& source) {
  Split split = read_source(source, options_for(model));
  for (Dataset* part : {&split.train, &split.test}) number_classes(*part, model.info.classes);
  return split;
}

/// Of the targets, which decide how samples are split. Features may differ: what is missing is filled by the
/// model's own means.
std::string fingerprint(const Dataset& data) {
  return sha256({reinterpret_cast<const char*>(data.y.data()), static_cast<size_t>(data.y.bytes())});
}

/// Rows that were added move others from one part to the other.
void tell_of_change(const std::string& source, const Model& model, const std::string& trained_on) {
  if (model.info.data != source || model.info.trained_on.empty() || model.info.trained_on == trained_on)
    return;
  fmt::print(
      stderr,
      "crease: {} has changed since the model was trained on it: samples of the test part may be among "
      "those that it has seen\n",
      printable(source));
}

}  // namespace

LoadedData load_data(const std::string& source, const Model* model, double validation, uint64_t seed) {
  expect(validation >= 0 && validation < 1,
         "[data] --validation: got {}, want a share of at least 0 and less than 1", validation);
  LoadedData data{.split = model != nullptr ? read_for(*model, source) : read_source(source)};
  const bool pixels = !source.starts_with("csv:") && !source.starts_with("npy:");  // in [0, 1] as they are
  if (!pixels) data.trained_on = fingerprint(data.split.train);
  if (model != nullptr) tell_of_change(source, *model, data.trained_on);
  if (validation != 0) data.split = with_validation(data.split, validation, seed);
  if (model != nullptr) {
    data.standardisation = model->info.standardisation;
    data.targets = model->info.targets;
  } else if (!pixels) {
    data.standardisation = measure(data.split.train);
    if (data.split.train.classes == 0) data.targets = measure_targets(data.split.train);
  }
  for (Dataset* part : {&data.split.train, &data.split.test, &data.split.validation}) {
    if (data.standardisation && part->size() > 0) part->x = standardise(part->x, *data.standardisation);
    if (model != nullptr) fit_samples(*part, model->network);
  }
  return data;
}

Dataset load_whole(const std::string& source, const Model& model, bool labelled) {
  SourceOptions options = options_for(model);
  if (!labelled) {
    options.csv.target = Target::None;
    if (model.network.inputs().size() == 1)
      options.csv.feature_count = row_width(model.network.node(model.network.inputs().front()).shape);
  }
  Dataset data = read_whole_source(source, options);
  if (labelled) number_classes(data, model.info.classes);
  validate_samples(data);
  if (model.info.standardisation) data.x = standardise(data.x, *model.info.standardisation);
  fit_samples(data, model.network);
  return data;
}

AugmentOptions image_shape(const std::string& source, int64_t features) {
  if (source.starts_with("cifar10:")) return {.channels = 3, .height = 32, .width = 32};
  const auto side = static_cast<int64_t>(std::lround(std::sqrt(static_cast<double>(features))));
  const bool square = side * side == features;
  expect(square && !source.starts_with("csv:"),
         "[data] samples of '{}' are no images, which a cnn, --shift and --flip want: {} numbers each",
         source, features);
  return {.channels = 1, .height = side, .width = side};
}

}  // namespace crease::cli
