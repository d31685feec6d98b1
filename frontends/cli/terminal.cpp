#include "frontends/cli/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace crease::cli {
namespace {

// The one variable that a signal handler may write.
volatile std::sig_atomic_t stop_requested = 0;

extern "C" void request_stop(int signal) {
  stop_requested = 1;
  std::signal(signal, SIG_DFL);  // a second one is not to be waited for
}

/// Whether standard output is a terminal that can erase a line.
bool can_redraw() {
  const char* kind = std::getenv("TERM");
  return isatty(STDOUT_FILENO) != 0 && kind != nullptr && kind != std::string_view("dumb");
}

/// As much of a line as the terminal shows in one row: of two rows only the second could be erased.
std::string_view one_row(std::string_view line) {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return line;
  return line.substr(0, std::max<size_t>(1, size.ws_col - size_t{1}));
}

}  // namespace

ProgressDisplay::ProgressDisplay() : terminal_(can_redraw()) {}

void ProgressDisplay::redraw(const std::string& text) {
  const size_t last = text.rfind('\n') + 1;  // 0 if there is one line only
  line_ = text.substr(last);
  fmt::print("\r\x1b[K{}{}", text.substr(0, last), one_row(line_));
  std::fflush(stdout);
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
  if (!line_.empty()) fmt::print("\r\x1b[K{}\n", line_);
  line_.clear();
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
