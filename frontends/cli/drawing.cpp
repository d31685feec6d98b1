#include "frontends/cli/drawing.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <sstream>

#include "frontends/file.h"

namespace crease::cli {
namespace {

/// Runs dot -Tsvg SOURCE -o TARGET; whether it succeeded. No shell takes part, so any path is safe.
bool run_dot(std::string source, std::string target) {
  std::string program = "dot", format = "-Tsvg", option = "-o";
  const std::array<char*, 6> arguments{program.data(), format.data(), source.data(),
                                       option.data(),  target.data(), nullptr};
  pid_t process = 0;
  if (posix_spawnp(&process, program.c_str(), nullptr, nullptr, arguments.data(), environ) != 0) return false;
  int status = 0;
  return waitpid(process, &status, 0) == process && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

std::filesystem::path draw(const std::filesystem::path& folder, const std::string& dot) {
  const auto source = folder / "graph.dot";
  const auto target = folder / "graph.svg";
  write_file_atomically(source, dot);
  std::error_code ignored;
  if (!has_program("dot") || !run_dot(source.string(), target.string())) {
    std::filesystem::remove(target, ignored);  // a drawing of an earlier run
    return source;
  }
  std::filesystem::remove(source, ignored);
  return target;
}

bool has_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path ? path : "/usr/bin:/bin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (access((std::filesystem::path(folder) / name).c_str(), X_OK) == 0) return true;
  }
  return false;
}

}  // namespace crease::cli
