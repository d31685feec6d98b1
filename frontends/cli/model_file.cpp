#include "frontends/cli/model_file.h"

#include <fmt/format.h>

#include "graph/error.h"

namespace crease::cli {

bool is_onnx(const std::filesystem::path& path) { return path.extension() == ".onnx"; }

Model open_model(const std::filesystem::path& path, OnnxOptions options) {
  if (!is_onnx(path)) return load_model(path);
  const Model exported{.network = read_onnx(path, options)};
  options.batch = "batch";
  try {
    return {.network = read_onnx(path, options)};
  } catch (const Error& error) {
    fmt::print(stderr, "crease: the network takes the number of samples that it was exported for: {}\n",
               error.what());
    return exported;
  }
}

}  // namespace crease::cli
