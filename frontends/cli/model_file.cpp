#include "frontends/cli/model_file.h"

#include <fmt/format.h>

#include "graph/error.h"

namespace crease::cli {

bool is_onnx(const std::filesystem::path& path) { return path.extension() == ".onnx"; }

Model open_model(const std::filesystem::path& path, const OnnxOptions& options) {
  if (!is_onnx(path)) return load_model(path);
  OnnxOptions any_number = options;
  any_number.batch = "batch";
  try {
    return {.network = read_onnx(path, any_number)};
  } catch (const Error& error) {
    Model exported{.network = read_onnx(path, options)};  // an error of the file itself is told here
    fmt::print(stderr, "crease: the network takes the number of samples that it was exported for: {}\n",
               error.what());
    return exported;
  }
}

}  // namespace crease::cli
