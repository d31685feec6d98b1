// Tensors by name in a file, in the safetensors format that the whole field reads: 8 bytes of header length,
// a JSON header, the raw values, little-endian. No code in it, nothing that expands, no hole. Source:
// huggingface.co/docs/safetensors, "Format".
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "graph/named_tensors.h"

namespace crease {

/// What a safetensors file holds.
struct TensorFile {
  NamedTensors tensors;
  std::map<std::string, std::string> metadata;
};

/// Reads a file, and refuses any that breaks the format.
/// Errors: Error naming file and byte for a header that is cut off, larger than 16 MiB, no JSON or no UTF-8;
/// a name that occurs twice; a type other than BOOL, U8, I32, I64, F32, F64; a shape that does not fit its
/// bytes; values that overlap, leave a hole, or do not end with the file; a BOOL other than 0 and 1.
TensorFile read_safetensors(const std::filesystem::path& path);

/// The same from memory; `name` is what errors call it.
TensorFile parse_safetensors(std::string_view bytes, const std::string& name);

/// Writes a file as a whole or not at all (write_file_atomically). Tensors lie in order of falling element
/// size, then of name, so that each begins at a multiple of its element size. Errors: those of
/// write_file_atomically; Error for a name that is not UTF-8, a tensor named "__metadata__", or a header
/// larger than 16 MiB.
void write_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                       const std::map<std::string, std::string>& metadata = {});

/// The bytes that write_safetensors puts in the file.
std::string format_safetensors(const NamedTensors& tensors,
                               const std::map<std::string, std::string>& metadata = {});

}  // namespace crease
