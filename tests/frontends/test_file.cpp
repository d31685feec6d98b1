#include "frontends/file.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <iterator>

#include "tests/files.h"
#include "tests/frontends/file_size_limit.h"
#include "tests/frontends/thrown.h"

namespace crease {
namespace {

using test::FileSizeLimit;
using test::TemporaryFolder;
using test::thrown_by;

size_t files_in(const TemporaryFolder& folder) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder.path()), {}));
}

TEST_CASE("a file comes back as it was written, and nothing else is left in the folder") {
  const TemporaryFolder folder;
  const std::string bytes("a\0b\n\xff", 5);
  write_file_atomically(folder / "file", "old and longer");
  write_file_atomically(folder / "file", std::array<std::string_view, 2>{std::string_view(bytes), "tail"});
  CHECK(read_file(folder / "file") == bytes + "tail");
  CHECK(files_in(folder) == 1);
}

TEST_CASE("whether a file could be written is told without writing it") {
  const TemporaryFolder folder;
  write_file_atomically(folder / "file", "old");
  expect_writable(folder / "file");
  expect_writable(folder / "new");
  CHECK(read_file(folder / "file") == "old");
  CHECK(files_in(folder) == 1);
  for (const std::string name : {"nowhere/file", ".", ""}) {
    const auto path = folder.path() / name;
    CHECK(thrown_by([&] { expect_writable(path); }) ==
          thrown_by([&] { write_file_atomically(path, "new"); }));
    CHECK(thrown_by([&] { expect_writable(path); }) != "nothing thrown");
  }
}

TEST_CASE("who may read a file stays when it is replaced, also behind a link") {
  const TemporaryFolder folder;
  write_file_atomically(folder / "file", "old");
  std::filesystem::create_symlink("file", folder / "link");
  for (const mode_t mode : {0600U, 0664U, 0400U}) {
    REQUIRE(chmod((folder / "file").c_str(), mode) == 0);
    write_file_atomically(folder / "link", "new");
    struct stat now{};
    REQUIRE(stat((folder / "file").c_str(), &now) == 0);
    CHECK((now.st_mode & 07777) == mode);
  }
}

TEST_CASE("an empty file can be written and read") {
  const TemporaryFolder folder;
  write_file_atomically(folder / "empty", "");
  CHECK(read_file(folder / "empty").empty());
}

TEST_CASE("a file with a name of 255 characters can be replaced") {
  const TemporaryFolder folder;
  const std::string name(255, 'n');
  write_file_atomically(folder / name, "text");
  CHECK(read_file(folder / name) == "text");
}

TEST_CASE("reading says why it failed") {
  const TemporaryFolder folder;
  CHECK(thrown_by([&] { read_file(folder / "none"); }) ==
        "[read_file] cannot open '" + (folder / "none").string() + "': No such file or directory");
  CHECK(thrown_by([&] { read_file(folder.path()); }) ==
        "[read_file] '" + folder.path().string() + "' is a folder: want a regular file");
  write_file_atomically(folder / "five", "12345");
  CHECK(thrown_by([&] { read_file(folder / "five", 4); }) ==
        "[read_file] '" + (folder / "five").string() + "' has 5 bytes: want at most 4");
  REQUIRE(mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK(thrown_by([&] { read_file(folder / "pipe"); }) ==
        "[read_file] '" + (folder / "pipe").string() + "' is a device or pipe: want a regular file");
}

TEST_CASE("writing says why it failed") {
  const TemporaryFolder folder;
  const auto inside = folder / "none/file";
  CHECK(thrown_by([&] { write_file_atomically(inside, "x"); }) ==
        "[write_file] cannot write in '" + (folder / "none").string() + "' for '" + inside.string() +
            "': No such file or directory");
  CHECK(thrown_by([&] { write_file_atomically(folder.path(), "x"); }) ==
        "[write_file] '" + folder.path().string() + "' is a folder: want the name of a file");
  CHECK(thrown_by([&] { write_file_atomically("/dev/null", "x"); }) ==
        "[write_file] '/dev/null' is no regular file: want the name of a file");
  CHECK(thrown_by([&] { write_file_atomically("", "x"); }) == "[write_file] '' names no file");
}

TEST_CASE("a link stays, and what it leads to is replaced") {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder.path() / "far");
  std::filesystem::create_symlink("far/file", folder.path() / "link");
  std::filesystem::create_symlink("link", folder.path() / "second");
  for (const char* bytes : {"new", "newer"}) {
    write_file_atomically(folder.path() / "second", bytes);
    CHECK(read_file(folder.path() / "far" / "file") == bytes);
  }
  CHECK(std::filesystem::read_symlink(folder.path() / "second") == "link");
  CHECK(std::filesystem::read_symlink(folder.path() / "link") == "far/file");
  CHECK(files_in(folder) == 3);
}

// Of a process whose output goes to a file, /dev/stdout leads to that file: root could replace the device.
TEST_CASE("a link to an open file or to itself is no place to write") {
  const TemporaryFolder folder;
  write_file_atomically(folder.path() / "file", "old");
  const int open_file = ::open((folder.path() / "file").c_str(), O_RDONLY | O_CLOEXEC);
  const auto link = folder.path() / "link", circle = folder.path() / "circle";
  std::filesystem::create_symlink(fmt::format("/proc/self/fd/{}", open_file), link);
  std::filesystem::create_symlink("circle", circle);
  CHECK(thrown_by([&] { write_file_atomically(link, "new"); }) ==
        fmt::format("[write_file] '{}' stands for an open file: want the name of a file", link.string()));
  CHECK(thrown_by([&] { write_file_atomically(circle, "new"); }) ==
        fmt::format("[write_file] '{}' is a link that leads to itself: want the name of a file",
                    circle.string()));
  ::close(open_file);
  CHECK(read_file(folder.path() / "file") == "old");
  CHECK(std::filesystem::is_symlink(link));
  CHECK(files_in(folder) == 3);
}

TEST_CASE("a folder without permission is named, and keeps what it has") {
  if (geteuid() == 0) {
    MESSAGE("skipped: permissions do not bind root");
    return;
  }
  const TemporaryFolder folder;
  write_file_atomically(folder / "file", "old");
  chmod(folder.path().c_str(), 0500);
  const std::string message = thrown_by([&] { write_file_atomically(folder / "file", "new"); });
  chmod(folder.path().c_str(), 0700);
  CHECK(test::holds(message, "Permission denied"));
  CHECK(read_file(folder / "file") == "old");
}

TEST_CASE("a disk that fills up leaves the old file and no other") {
  const TemporaryFolder folder;
  write_file_atomically(folder / "file", "old");
  std::string message;
  {
    const FileSizeLimit limit(10000);
    message = thrown_by([&] { write_file_atomically(folder / "file", std::string(20000, 'n')); });
  }
  CHECK(message == "[write_file] cannot write '" + (folder / "file").string() +
                       "': File too large; what was there before is unchanged");
  CHECK(read_file(folder / "file") == "old");
  CHECK(files_in(folder) == 1);
}

}  // namespace
}  // namespace crease
