// Models by the words of the command line.
#pragma once

#include <filesystem>

#include "frontends/model.h"
#include "frontends/onnx.h"

namespace crease::cli {

/// Explains the argument; the text of its help.
inline constexpr const char* model_help = "Folder that `crease train --save` wrote, or an ONNX file";

/// Whether the name is that of an ONNX file: it ends in ".onnx".
bool is_onnx(const std::filesystem::path& path);

/// A folder's model, or an ONNX file's network. A network that was exported for a certain number of samples
/// takes any number of them, which is then named "batch"; where it cannot, that is told on standard error.
/// Errors: those of load_model and of read_onnx.
Model open_model(const std::filesystem::path& path, const OnnxOptions& options = {});

}  // namespace crease::cli
