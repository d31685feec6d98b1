#include "frontends/cli/terminal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

namespace crease::cli {
namespace {

// The one variable that a signal handler may write.
volatile std::sig_atomic_t stop_requested = 0;

extern "C" void request_stop(int signal) {
  stop_requested = 1;
  std::signal(signal, SIG_DFL);  // a second one is not to be waited for
}

}  // namespace

ProgressDisplay::ProgressDisplay() : terminal_(isatty(STDOUT_FILENO) != 0) {}

void ProgressDisplay::redraw(const std::string& line) {
  fmt::print("\r\x1b[K{}", line);
  std::fflush(stdout);
  line_open_ = true;
}

void ProgressDisplay::show(const TrainProgress& progress) {
  if (terminal_) redraw(progress_line(progress));
}

void ProgressDisplay::show(const EpochMetrics& metrics) {
  const std::string line = epoch_line(metrics) +
                           (metrics.sparsity ? "\n  " + sparsity_line(*metrics.sparsity) : "") +
                           (metrics.conserved_drift ? "\n  " + symmetry_line(metrics) : "");
  if (terminal_) return redraw(line);
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

void ProgressDisplay::end() {
  if (line_open_) fmt::print("\n");
  line_open_ = false;
}

StopRequest::StopRequest() {
  stop_requested = 0;
  std::signal(SIGINT, request_stop);
  std::signal(SIGTERM, request_stop);
}

StopRequest::~StopRequest() {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

bool StopRequest::came() { return stop_requested != 0; }

}  // namespace crease::cli
