#include "frontends/cli/training_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "graph/error.h"

namespace crease::cli {
namespace {

/// The number that `text` begins with, which is taken off; nothing where there is none.
std::optional<pid_t> take_number(std::string_view& text) {
  pid_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || number <= 0) return {};
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return number;
}

/// Whose file this is: ".crease-PROCESS-0.tmp" of write_file_atomically, ".crease-begin-PROCESS" of
/// begin_folder.
std::optional<pid_t> writer_of(std::string_view name, bool is_folder) {
  const std::string_view prefix = is_folder ? ".crease-begin-" : ".crease-";
  if (!name.starts_with(prefix)) return {};
  name.remove_prefix(prefix.size());
  const auto process = take_number(name);
  if (is_folder) return name.empty() ? process : std::nullopt;
  if (!process || !name.starts_with('-') || !name.ends_with(".tmp")) return {};
  name = name.substr(1, name.size() - 5);
  return !name.empty() && name.find_first_not_of("0123456789") == name.npos ? process : std::nullopt;
}

/// Whether this process cannot be writing. One of our own number was another: we have not begun.
bool is_gone(pid_t process) { return process == ::getpid() || (::kill(process, 0) != 0 && errno == ESRCH); }

}  // namespace

FolderLock::~FolderLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void FolderLock::take(const std::filesystem::path& folder) {
  if (descriptor_ >= 0) return;
  const int opened = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (opened < 0) return;
  const bool taken = ::flock(opened, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  if (taken) ::close(opened);
  expect(!taken, "[save] another training writes into {} now: wait for its end, or choose another name",
         folder.string());
  descriptor_ = opened;
}

void remove_leftovers(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  std::error_code problem;
  std::vector<fs::path> leftovers;
  for (fs::directory_iterator entry(folder, problem), end; !problem && entry != end;
       entry.increment(problem)) {
    const fs::file_status status = entry->symlink_status(problem);
    if (problem || (!fs::is_directory(status) && !fs::is_regular_file(status))) continue;
    const auto writer = writer_of(entry->path().filename().string(), fs::is_directory(status));
    if (writer && is_gone(*writer)) leftovers.push_back(entry->path());
  }
  for (const fs::path& leftover : leftovers) fs::remove_all(leftover, problem);
}

}  // namespace crease::cli
