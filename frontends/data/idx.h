// The idx format of MNIST and its kin: a magic number, the sizes, the values, big-endian.
// Source: http://yann.lecun.com/exdb/mnist, "the IDX file format".
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "graph/tensor.h"

namespace crease {

/// The tensor in an idx file, plain or gzip. Unsigned bytes are u8; signed bytes and 16-bit numbers become
/// i32; 32-bit integers i32, floats f32, doubles f64. Errors: Error naming file and byte for a wrong magic
/// number, more than 8 dimensions, a size that the file cannot hold (found before anything is allocated), too
/// few or too many bytes, corrupt gzip data.
Tensor read_idx(const std::filesystem::path& path);

/// The same from memory; `name` is what errors call it.
Tensor parse_idx(std::string_view bytes, const std::string& name);

}  // namespace crease
