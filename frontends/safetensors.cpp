#include "frontends/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <vector>

#include "frontends/file.h"
#include "frontends/safetensors/header.h"
#include "graph/error.h"

namespace crease {
namespace {

static_assert(std::endian::native == std::endian::little, "values are copied as they lie in the file");

/// Views of the header and of each tensor, in the order of the file.
std::vector<std::string_view> parts_of(const std::string& header, const std::vector<TensorEntry>& entries,
                                       const NamedTensors& tensors) {
  std::vector<std::string_view> parts{header};
  for (const TensorEntry& entry : entries) {
    const Tensor& tensor = tensors.at(entry.name);
    parts.emplace_back(reinterpret_cast<const char*>(tensor.data()), static_cast<size_t>(tensor.bytes()));
  }
  return parts;
}

/// The compiled code relies on it that a bool is 0 or 1.
void expect_bools(std::string_view values, const std::string& tensor, const std::string& file,
                  size_t position) {
  const auto* wrong = std::find_if(values.begin(), values.end(), [](unsigned char c) { return c > 1; });
  expect(wrong == values.end(),
         "[read_safetensors] '{}' byte {}: a value of BOOL tensor '{}' is neither 0 nor 1", file,
         position + static_cast<size_t>(wrong - values.begin()), tensor);
}

}  // namespace

TensorFile parse_safetensors(std::string_view bytes, const std::string& name) {
  TensorHeader header = parse_header(bytes, name);
  TensorFile file;
  for (TensorEntry& entry : header.entries) {
    const size_t position = header.data_begin + static_cast<size_t>(entry.begin);
    const std::string_view values = bytes.substr(position, static_cast<size_t>(entry.end - entry.begin));
    if (entry.type == Type::boolean) expect_bools(values, entry.name, name, position);
    Tensor tensor(entry.type, std::move(entry.sizes));
    if (!values.empty()) std::memcpy(tensor.mutable_data(), values.data(), values.size());
    file.tensors.emplace(std::move(entry.name), std::move(tensor));
  }
  file.metadata = std::move(header.metadata);
  return file;
}

TensorFile read_safetensors(const std::filesystem::path& path) {
  return parse_safetensors(read_file(path), path.string());
}

void write_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                       const std::map<std::string, std::string>& metadata) {
  const std::vector<TensorEntry> entries = lay_out(tensors);
  const std::string header = format_header({.entries = entries, .metadata = metadata});
  write_file_atomically(path, parts_of(header, entries, tensors));
}

std::string format_safetensors(const NamedTensors& tensors,
                               const std::map<std::string, std::string>& metadata) {
  const std::vector<TensorEntry> entries = lay_out(tensors);
  const std::string header = format_header({.entries = entries, .metadata = metadata});
  std::string bytes;
  for (const std::string_view part : parts_of(header, entries, tensors)) bytes.append(part);
  return bytes;
}

}  // namespace crease
