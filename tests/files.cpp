#include "tests/files.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <system_error>

namespace crease::test {

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "crease-test-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make a folder like " + pattern);
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;  // a destructor must not throw, and a folder left behind harms nobody
  std::filesystem::remove_all(path_, ignored);
}

std::optional<std::filesystem::path> shared_file(std::string_view name) {
  std::filesystem::path path = std::filesystem::path(CREASE_SHARED_DIR) / name;
  if (std::filesystem::exists(path)) return path;
  MESSAGE(fmt::format("skipped: needs {}", path.string()));
  return std::nullopt;
}

std::filesystem::path source_file(std::string_view name) {
  return std::filesystem::path(CREASE_SOURCE_DIR) / name;
}

}  // namespace crease::test
