#include "frontends/data/source.h"

#include <algorithm>
#include <filesystem>

#include "frontends/data/cifar.h"
#include "frontends/data/digits.h"
#include "frontends/data/mnist.h"
#include "frontends/data/npy.h"
#include "graph/error.h"

namespace crease {
namespace {

/// x.npy and y.npy of a folder: numbers [n, ...] and labels (whole numbers [n]) or numbers.
Dataset npy_dataset(const std::filesystem::path& folder) {
  Dataset data{.x = read_npy(folder / "x.npy").converted(Type::f32), .name = folder.string()};
  const Tensor y = read_npy(folder / "y.npy");
  const bool numbers = is_floating(y.type());
  data.y = y.converted(numbers ? Type::f32 : Type::i32);
  if (!numbers)
    for (const int32_t label : data.y.read<int32_t>())
      data.classes = std::max<int64_t>(data.classes, label + 1);
  validate(data);
  return data;
}

}  // namespace

Split read_source(const std::string& source, const SourceOptions& options) {
  const size_t colon = source.find(':');
  const std::string kind = source.substr(0, colon);
  const std::string place = colon == std::string::npos ? "" : source.substr(colon + 1);
  if (source == "digits") return split(digits(), options.test_share, options.seed);
  if (kind == "mnist" && !place.empty()) return mnist(place);
  if (kind == "cifar10" && !place.empty()) return cifar10(place);
  if (kind == "npy" && !place.empty()) return split(npy_dataset(place), options.test_share, options.seed);
  if (kind == "csv" && !place.empty())
    return split(read_csv(place, options.csv), options.test_share, options.seed);
  fail("[data] unknown data '{}': want digits, mnist:FOLDER, cifar10:FOLDER, npy:FOLDER or csv:FILE", source);
}

}  // namespace crease
