#include "frontends/cli/data_source.h"

#include "frontends/data/source.h"

namespace crease::cli {

LoadedData load_data(const std::string& source, const std::optional<Standardisation>& known) {
  LoadedData data{.split = read_source(source)};
  if (!source.starts_with("csv:")) return data;  // pixels are in [0, 1] as they are
  data.standardisation = known ? *known : measure(data.split.train);
  data.split.train.x = standardise(data.split.train.x, *data.standardisation);
  data.split.test.x = standardise(data.split.test.x, *data.standardisation);
  return data;
}

}  // namespace crease::cli
