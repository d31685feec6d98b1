// Saving that loses nothing: a full disk or a folder that became read-only ends no training, and what was
// learned by its end is kept elsewhere.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "frontends/cli/terminal.h"
#include "frontends/cli/training_folder.h"
#include "frontends/model.h"

namespace crease::cli {

/// Does what may fail now and succeed later. A failure is told on standard error, once for each message.
class Attempts {
 public:
  explicit Attempts(ProgressDisplay& display) : display_(&display) {}
  void operator()(const std::function<void()>& action);

 private:
  ProgressDisplay* display_;
  std::string told_;
};

/// Puts the model that a training starts with in place of what is there, once it is seen that there is room
/// for all of it. Unless the training `goes_on` in this folder, a checkpoint of another one goes first: no
/// kill may leave it beside this model; what a killed one left of files goes, too. Errors: those of
/// save_model and of the lock, which is taken if there is one; where there is no room what was there is as it
/// was.
void begin_folder(const std::filesystem::path& folder, const Model& model, bool goes_on, FolderLock* lock);

/// Model and checkpoint to a folder. Errors: Error with the system's reason.
void save(const std::filesystem::path& folder, const Model& model, const Checkpoint& checkpoint);

/// The same. Where that fails, both go to a folder `crease-unsaved-PROCESS` among the system's temporary
/// files. Errors: the Error of the first failure, with the place where both are.
void save_or_rescue(const std::filesystem::path& folder, const Model& model, const Checkpoint& checkpoint);

}  // namespace crease::cli
