// The header of a safetensors file as data: which tensor lies where.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "graph/named_tensors.h"

namespace crease {

/// One tensor of the file.
struct TensorEntry {
  std::string name;
  Type type = Type::f32;
  std::vector<int64_t> sizes;
  int64_t begin = 0, end = 0;  ///< bytes from the start of the data
  size_t position = 0;         ///< byte of the file where the header speaks of it
};

struct TensorHeader {
  std::vector<TensorEntry> entries;  ///< in the order of their data
  std::map<std::string, std::string> metadata;
  size_t data_begin = 0;  ///< byte of the file
};

/// Larger headers are refused when read and when written. The format allows 100 MB; 16 MiB hold some 150,000
/// tensors.
constexpr int64_t most_header_bytes = int64_t{16} << 20;

/// Reads and checks the header of the file `bytes`: what it says fits the file byte for byte.
/// Errors: as read_safetensors.
TensorHeader parse_header(std::string_view bytes, const std::string& name);

/// The length and the header of a file that holds these tensors, padded to a multiple of 8 bytes.
/// Errors: as write_safetensors.
std::string format_header(const TensorHeader& header);

/// Where each tensor goes.
std::vector<TensorEntry> lay_out(const NamedTensors& tensors);

}  // namespace crease
