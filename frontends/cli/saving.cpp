#include "frontends/cli/saving.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <system_error>

#include "graph/error.h"

namespace crease::cli {
namespace {

/// Where model and checkpoint are then; empty if they could not be saved there either.
std::filesystem::path rescue(const Model& model, const Checkpoint& checkpoint) {
  std::error_code problem;
  const std::filesystem::path temporary = std::filesystem::temp_directory_path(problem);
  if (problem) return {};
  const std::filesystem::path folder = temporary / fmt::format("crease-unsaved-{}", ::getpid());
  try {
    save(folder, model, checkpoint);
  } catch (const std::exception&) {
    std::filesystem::remove_all(folder, problem);
    return {};
  }
  return folder;
}

void make_folder(const std::filesystem::path& folder) {
  std::error_code code;
  std::filesystem::create_directories(folder, code);
  expect(!code, "[save] cannot make the folder {}: {}", folder.string(), code.message());
}

}  // namespace

void Attempts::operator()(const std::function<void()>& action) {
  try {
    action();
    told_.clear();
  } catch (const std::exception& problem) {
    if (told_ == problem.what()) return;
    told_ = problem.what();
    display_->end();
    fmt::print(stderr, "crease: {}; training goes on, the next save may succeed\n", told_);
  }
}

void begin_folder(const std::filesystem::path& folder, const Model& model, bool goes_on, FolderLock* lock) {
  namespace fs = std::filesystem;
  make_folder(folder);
  if (lock != nullptr) {
    lock->take(folder);
    remove_leftovers(folder);
  }
  const fs::path made = folder / fmt::format(".crease-begin-{}", ::getpid());
  std::error_code problem;
  try {
    save_model(made, model);  // here a disk may be full
    fs::remove_all(made);
    const fs::path checkpoint = folder / "checkpoint.safetensors";
    if (!goes_on && fs::is_regular_file(checkpoint, problem)) fs::remove(checkpoint);
    save_model(folder, model);  // into the files that are there: links stay, and who may read them
  } catch (const fs::filesystem_error& error) {
    fs::remove_all(made, problem);
    fail("[save] cannot begin in {}: {}", folder.string(), error.code().message());
  } catch (...) {
    fs::remove_all(made, problem);
    throw;
  }
}

void save(const std::filesystem::path& folder, const Model& model, const Checkpoint& checkpoint) {
  save_model(folder, model);
  save_checkpoint(folder, checkpoint);
}

void save_or_rescue(const std::filesystem::path& folder, const Model& model, const Checkpoint& checkpoint) {
  try {
    save(folder, model, checkpoint);
  } catch (const std::exception& problem) {
    const std::filesystem::path place = rescue(model, checkpoint);
    expect(!place.empty(), "{}; nor can the temporary folder", problem.what());
    fail("{}; all is saved in '{}' instead: go on with crease train --resume '{}'", problem.what(),
         place.string(), place.string());
  }
}

}  // namespace crease::cli
