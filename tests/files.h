// Files for tests: folders that vanish, and the data sets that a checkout may have beside it.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

namespace crease::test {

/// A fresh folder under the system's temporary directory, removed with all it holds when this goes away.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

/// The path of `name` in the folder CREASE_SHARED_DIR ("data/mnist/t10k-labels-idx1-ubyte.gz"), or nothing
/// where the checkout has none; then it says "skipped: ...", which makes CTest count the test as skipped, so
/// return:
///   const auto file = shared_file("oracles/nonsmooth.json");
///   if (!file) return;
std::optional<std::filesystem::path> shared_file(std::string_view name);

/// The path of `name` in this source tree, for golden files: source_file("tests/golden/relu.txt").
std::filesystem::path source_file(std::string_view name);

}  // namespace crease::test
