// NumPy's format for one array.
// Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html, versions 1.0 to 3.0.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "graph/tensor.h"

namespace crease {

/// The array in a .npy file, plain or gzip, in either byte order, in C or Fortran order. f4, f8, i4, i8, u1
/// and b1 keep their type; f2 becomes f32; i1, i2 and u2 become i32, u4 i64. Errors: Error naming file and
/// byte for a wrong magic number, a header that is not as NumPy writes it, another element type (objects,
/// complex numbers, text, u8), a shape that the file cannot hold (found before anything is allocated), too
/// few or too many bytes.
Tensor read_npy(const std::filesystem::path& path);

/// The same from memory; `name` is what errors call it.
Tensor parse_npy(std::string_view bytes, const std::string& name);

/// Writes version 1.0, little-endian, C order: what numpy.load reads. Errors: those of write_file_atomically.
void write_npy(const std::filesystem::path& path, const Tensor& tensor);

}  // namespace crease
