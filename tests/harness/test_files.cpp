#include "tests/files.h"

#include <doctest/doctest.h>

#include <fstream>

using namespace crease::test;

TEST_CASE("a temporary folder is there, its own, and gone with all it held") {
  std::filesystem::path path;
  {
    const TemporaryFolder folder;
    const TemporaryFolder other;
    path = folder.path();
    CHECK(path != other.path());
    std::ofstream(folder / "file") << "text";
    CHECK(std::filesystem::exists(path / "file"));
  }
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("a source file is found from any working directory") {
  CHECK(std::filesystem::exists(source_file("tests/harness/test_files.cpp")));
}
