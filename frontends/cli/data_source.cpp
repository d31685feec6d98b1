#include "frontends/cli/data_source.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "frontends/data/source.h"
#include "graph/error.h"

namespace crease::cli {

namespace {

/// Labels become the numbers that the model has for classes of these names.
void number_classes(Dataset& data, const std::vector<std::string>& classes) {
  if (classes.empty() || data.class_names.empty() || data.class_names == classes) return;
  for (int32_t& label : data.y.write<int32_t>()) {
    const std::string& name = data.class_names[static_cast<size_t>(label)];
    const auto found = std::ranges::find(classes, name);
    expect(found != classes.end(), "[data] the model has no class '{}': its classes are {}", name,
           fmt::join(classes, ", "));
    label = static_cast<int32_t>(found - classes.begin());
  }
  data.class_names = classes;
  data.classes = static_cast<int64_t>(classes.size());
}

}  // namespace

LoadedData load_data(const std::string& source, const ModelInfo* model, double validation, uint64_t seed) {
  expect(validation >= 0 && validation < 1,
         "[data] --validation: got {}, want a share of at least 0 and less than 1", validation);
  LoadedData data{.split = read_source(source)};
  if (model != nullptr)
    for (Dataset* part : {&data.split.train, &data.split.test}) number_classes(*part, model->classes);
  if (validation != 0) data.split = with_validation(data.split, validation, seed);
  const bool pixels = !source.starts_with("csv:") && !source.starts_with("npy:");  // in [0, 1] as they are
  if (model != nullptr)
    data.standardisation = model->standardisation;
  else if (!pixels)
    data.standardisation = measure(data.split.train);
  if (!data.standardisation) return data;
  for (Dataset* part : {&data.split.train, &data.split.test, &data.split.validation})
    if (part->size() > 0) part->x = standardise(part->x, *data.standardisation);
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
