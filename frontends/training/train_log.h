// A file with one line of JSON for each epoch.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "frontends/progress.h"

namespace crease {

/// Appends json_line(metrics) for each epoch, written through at once: whoever follows the file sees whole
/// lines.
class TrainLog {
 public:
  /// Begins a file anew; with epochs_done > 0 the lines of those epochs stay and all others go, so that a
  /// resumed training leaves the log that an uninterrupted one would. Errors: Error with the system's reason.
  explicit TrainLog(std::filesystem::path path, int64_t epochs_done = 0);
  /// Errors: Error if the line cannot be written; then the file is as it was, and the line is written with
  /// the next one.
  void write(const EpochMetrics& metrics);

 private:
  std::filesystem::path path_;
  std::ofstream file_;
  std::string unwritten_;  // whole lines
};

}  // namespace crease
