#include "frontends/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <tuple>

#include "graph/error.h"

namespace crease {
namespace {

std::string reason(int number) { return std::generic_category().message(number); }

/// An open file descriptor, closed at the end of its scope.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int number() const { return number_; }
  /// Closes now, because only then a full disk may show. Gives errno, or 0.
  int close() {
    const int result = ::close(number_);
    number_ = -1;
    return result == 0 ? 0 : errno;
  }

 private:
  int number_;
};

/// A file that is removed at the end of its scope, unless it was renamed.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::filesystem::path path) : path_(std::move(path)) {}
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (!renamed_) ::unlink(path_.c_str());
  }
  const std::filesystem::path& path() const { return path_; }
  /// Gives errno, or 0.
  int rename_to(const std::filesystem::path& target) {
    renamed_ = std::rename(path_.c_str(), target.c_str()) == 0;
    return renamed_ ? 0 : errno;
  }

 private:
  std::filesystem::path path_;
  bool renamed_ = false;
};

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

/// A name beside `path` that no other process uses: the name is short, so that a long `path` still fits.
std::filesystem::path temporary_name(const std::filesystem::path& path, int attempt) {
  return folder_of(path) / fmt::format(".crease-{}-{}.tmp", ::getpid(), attempt);
}

/// Gives errno, or 0.
int write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written =
        ::write(descriptor, bytes.data(), std::min<size_t>(bytes.size(), size_t{1} << 30));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return 0;
}

/// A file that only its owner may read stays so. Where the file system has no such modes, nothing is lost.
void keep_mode(const std::filesystem::path& path, int descriptor) {
  struct stat before{};
  if (::stat(path.c_str(), &before) == 0) std::ignore = ::fchmod(descriptor, before.st_mode & 07777);
}

/// The name of a file lives in its folder: without this a crash may forget the rename. Some file systems
/// cannot flush a folder; the file itself is safe by then, so that is no failure.
void flush_folder(const std::filesystem::path& folder) {
  const Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.number() >= 0) ::fsync(descriptor.number());
}

/// Renaming over /dev/full would replace the device.
void expect_replaceable(const std::filesystem::path& path) {
  std::error_code ignored;
  const auto status = std::filesystem::status(path, ignored);
  expect(!std::filesystem::exists(status) || std::filesystem::is_regular_file(status),
         "[write_file] '{}' is {}: want the name of a file", path.string(),
         std::filesystem::is_directory(status) ? "a folder" : "no regular file");
}

/// Where links lead: a rename must replace the file, not the link to it. Those of /proc, to which /dev/stdout
/// leads, stand for what a process has open, which a file of the same name would not be.
std::filesystem::path followed(std::filesystem::path path) {
  namespace fs = std::filesystem;
  constexpr int most_links = 40;  // as Linux
  const std::string name = path.string();
  std::error_code ignored;
  for (int links = 0; fs::is_symlink(fs::symlink_status(path, ignored)); ++links) {
    expect(links < most_links, "[write_file] '{}' is a link that leads to itself: want the name of a file",
           name);
    const fs::path folder = fs::weakly_canonical(folder_of(path), ignored);
    expect(!folder.string().starts_with("/proc/"),
           "[write_file] '{}' stands for an open file: want the name of a file", name);
    path = folder / fs::read_symlink(path, ignored);
  }
  return path;
}

}  // namespace

std::string read_file(const std::filesystem::path& path, int64_t most_bytes) {
  // Without O_NONBLOCK opening a pipe that nobody writes would wait for ever.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  expect(file.number() >= 0, "[read_file] cannot open '{}': {}", path.string(), reason(errno));
  struct stat status{};
  expect(::fstat(file.number(), &status) == 0, "[read_file] cannot read '{}': {}", path.string(),
         reason(errno));
  expect(S_ISREG(status.st_mode), "[read_file] '{}' is {}: want a regular file", path.string(),
         S_ISDIR(status.st_mode) ? "a folder" : "a device or pipe");
  expect(status.st_size <= most_bytes, "[read_file] '{}' has {} bytes: want at most {}", path.string(),
         status.st_size, most_bytes);

  std::string bytes(static_cast<size_t>(status.st_size), '\0');
  size_t filled = 0;
  while (filled < bytes.size()) {
    const ssize_t count = ::read(file.number(), bytes.data() + filled,
                                 std::min<size_t>(bytes.size() - filled, size_t{1} << 30));
    if (count < 0 && errno == EINTR) continue;
    expect(count >= 0, "[read_file] cannot read '{}' at byte {}: {}", path.string(), filled, reason(errno));
    expect(count > 0, "[read_file] '{}' became shorter while it was read: got {} bytes, want {}",
           path.string(), filled, bytes.size());
    filled += static_cast<size_t>(count);
  }
  return bytes;
}

namespace {

/// The file that a name stands for. Errors: Error where it could not be replaced.
std::filesystem::path replaceable(const std::filesystem::path& name) {
  expect(name.has_filename(), "[write_file] '{}' names no file", name.string());
  expect_replaceable(name);
  return followed(name);
}

/// A new file beside `path`, its name and descriptor.
std::pair<std::filesystem::path, int> temporary_beside(const std::filesystem::path& path) {
  int attempt = 0;
  int number = -1;
  do {
    number = ::open(temporary_name(path, attempt).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (number < 0 && errno == EEXIST && ++attempt < 1000);
  expect(number >= 0, "[write_file] cannot write in '{}' for '{}': {}", folder_of(path).string(),
         path.string(), reason(errno));
  return {temporary_name(path, attempt), number};
}

}  // namespace

void expect_writable(const std::filesystem::path& name) {
  const auto [path, number] = temporary_beside(replaceable(name));
  const TemporaryFile temporary(path);
  const Descriptor file(number);
}

void write_file_atomically(const std::filesystem::path& name, std::span<const std::string_view> parts) {
  const std::filesystem::path path = replaceable(name);
  const auto [made, number] = temporary_beside(path);
  TemporaryFile temporary(made);
  Descriptor file(number);

  keep_mode(path, file.number());
  int error = 0;
  for (const std::string_view part : parts)
    if (error == 0) error = write_all(file.number(), part);
  if (error == 0 && ::fsync(file.number()) != 0) error = errno;
  const int close_error = file.close();
  if (error == 0) error = close_error;
  if (error == 0) error = temporary.rename_to(path);
  expect(error == 0, "[write_file] cannot write '{}': {}; what was there before is unchanged", path.string(),
         reason(error));
  flush_folder(folder_of(path));
}

void write_file_atomically(const std::filesystem::path& name, std::string_view bytes) {
  write_file_atomically(name, std::span(&bytes, 1));
}

}  // namespace crease
