// Tensors of ONNX files.
#pragma once

#include <filesystem>
#include <optional>

#include "graph/tensor.h"

namespace crease::onnx {

class TensorProto;

/// The folder that tensors outside of the file may be in, or none.
using Folder = std::optional<std::filesystem::path>;

/// Element type by its number in the format. Errors: Error for one that crease does not have, by its name.
Type element_type(int64_t number);
/// The inverse.
int number_of(Type type);

/// Errors: Error for a type that crease does not have, a count of values that the shape does not have, or
/// values in a file that is not an ordinary one in the folder itself (no "..", no link), beyond its end, or
/// where there is no folder.
Tensor read_tensor(const TensorProto& stored, const Folder& folder);

}  // namespace crease::onnx
