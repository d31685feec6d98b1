// A training's folder: one training at a time writes into it, and goes without what a killed one left there.
#pragma once

#include <filesystem>

namespace crease::cli {

/// Held until the process ends or this goes away, whatever ends it: nothing of it is left on the disk.
class FolderLock {
 public:
  FolderLock() = default;
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  ~FolderLock();
  /// Nothing happens where it is held already, there is no such folder, or the file system knows no locks.
  /// Errors: Error if another training holds it.
  void take(const std::filesystem::path& folder);

 private:
  int descriptor_ = -1;
};

/// Removes temporary files of writers that are no more, by their names and processes. The folder's lock is
/// held: another training is no such writer. What cannot be removed stays.
void remove_leftovers(const std::filesystem::path& folder);

}  // namespace crease::cli
