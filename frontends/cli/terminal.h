// The terminal: where progress is drawn, and where an interrupt comes from.
#pragma once

#include <string>

#include "frontends/progress.h"

namespace crease::cli {

/// Draws training on standard output: one line that changes on a terminal, one line an epoch elsewhere.
class ProgressDisplay {
 public:
  ProgressDisplay();
  void show(const TrainProgress& progress);
  /// On a terminal the line stays for the last epoch only; elsewhere every epoch has its line.
  void show(const EpochMetrics& metrics);
  /// Ends the line, so that other text can follow.
  void end();

 private:
  void redraw(const std::string& line);
  bool terminal_;
  bool line_open_ = false;
};

/// While one of these lives, the first SIGINT or SIGTERM only asks to stop; the second one ends the process.
class StopRequest {
 public:
  StopRequest();
  ~StopRequest();
  StopRequest(const StopRequest&) = delete;
  StopRequest& operator=(const StopRequest&) = delete;

  static bool came();
};

}  // namespace crease::cli
