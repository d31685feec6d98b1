#include "frontends/cli/data_source.h"

#include <cmath>

#include "frontends/data/source.h"
#include "graph/error.h"

namespace crease::cli {

LoadedData load_data(const std::string& source, const std::optional<Standardisation>& known,
                     double validation, uint64_t seed) {
  LoadedData data{.split = read_source(source)};
  if (validation != 0) data.split = with_validation(data.split, validation, seed);
  const bool pixels = !source.starts_with("csv:") && !source.starts_with("npy:");
  if (pixels) return data;  // in [0, 1] as they are
  data.standardisation = known ? *known : measure(data.split.train);
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
