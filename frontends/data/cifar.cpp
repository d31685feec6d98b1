#include "frontends/data/cifar.h"

#include <algorithm>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "frontends/data/byte_stream.h"
#include "frontends/data/pixels.h"
#include "frontends/file.h"
#include "graph/error.h"

namespace crease {
namespace {

constexpr int64_t classes = 10, pixels = 3 * 32 * 32, record = 1 + pixels;

/// Files that begin so and end in .bin or .bin.gz, in order of their names; plain ones win.
std::vector<std::filesystem::path> files(const std::filesystem::path& folder, const std::string& prefix) {
  std::set<std::filesystem::path> plain;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::string name = entry.path().filename().string();
    if (name.ends_with(".gz")) name.resize(name.size() - 3);
    if (name.starts_with(prefix) && name.ends_with(".bin")) plain.insert(folder / name);
  }
  std::vector<std::filesystem::path> found;
  for (const auto& path : plain)
    found.push_back(std::filesystem::exists(path) ? path : std::filesystem::path(path.string() + ".gz"));
  expect(!found.empty(), "[cifar10] '{}' has no {}*.bin[.gz]: want data_batch_1.bin to 5 and test_batch.bin",
         folder.string(), prefix);
  return found;
}

std::string read_records(const std::filesystem::path& path) {
  const std::string file = read_file(path);
  ByteStream stream(file, path.string());
  constexpr int64_t most = record * 1'000'000;
  std::string bytes = read_all(stream, most);
  const auto size = static_cast<int64_t>(bytes.size());
  expect(size > 0 && size % record == 0,
         "[cifar10] '{}' ends at byte {} within a record: want records of {} bytes, a label and {} pixels",
         path.string(), size, record, pixels);
  for (int64_t at = 0; at < size; at += record) {
    const int label = static_cast<unsigned char>(bytes[static_cast<size_t>(at)]);
    expect(label < classes, "[cifar10] '{}' byte {}: label {} of image {}, want 0 to {}", path.string(), at,
           label, at / record, classes - 1);
  }
  return bytes;
}

std::vector<std::string> class_names(const std::filesystem::path& folder) {
  const auto path = folder / "batches.meta.txt";
  std::vector<std::string> names;
  if (!std::filesystem::exists(path)) return names;
  std::istringstream lines(read_file(path));
  for (std::string line; std::getline(lines, line);)
    if (!line.empty()) names.push_back(line);
  expect(names.size() == classes, "[cifar10] '{}' names {} classes: want {}", path.string(), names.size(),
         classes);
  return names;
}

Dataset part(const std::filesystem::path& folder, const std::string& prefix) {
  std::string bytes;
  for (const auto& path : files(folder, prefix)) bytes += read_records(path);
  const auto n = static_cast<int64_t>(bytes.size()) / record;
  Dataset data{.x = Tensor(Type::f32, {n, pixels}),
               .y = Tensor(Type::i32, {n}),
               .classes = classes,
               .name = "cifar10",
               .feature_names = {},
               .class_names = class_names(folder)};
  const auto x = data.x.write<float>();
  const auto y = data.y.write<int32_t>();
  for (size_t i = 0; i < static_cast<size_t>(n); ++i) {
    const auto* from = reinterpret_cast<const uint8_t*>(bytes.data()) + i * record;  // NOLINT: bytes
    y[i] = from[0];
    scale_pixels({from + 1, pixels}, x.subspan(i * pixels, pixels));
  }
  return data;
}

}  // namespace

Split cifar10(const std::filesystem::path& folder) {
  expect(std::filesystem::is_directory(folder), "[cifar10] '{}' is no folder: want one with data_batch_*.bin",
         folder.string());
  return {part(folder, "data_batch_"), part(folder, "test_batch")};
}

}  // namespace crease
