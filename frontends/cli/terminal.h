// The terminal: where progress is drawn, and where an interrupt comes from.
#pragma once

#include <string>

#include "frontends/progress.h"

namespace crease::cli {

/// Draws training on standard output: one row that changes on a terminal, one line an epoch elsewhere and
/// where TERM says that nothing can be erased.
class ProgressDisplay {
 public:
  ProgressDisplay();
  void show(const TrainProgress& progress);
  /// On a terminal the line stays for the last epoch only; elsewhere every epoch has its line.
  void show(const EpochMetrics& metrics);
  /// Ends the line, in full where the terminal is narrower, so that other text can follow.
  void end();

 private:
  void redraw(const std::string& text);
  bool terminal_;
  std::string line_;  // that is drawn again, in full; empty: none
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
