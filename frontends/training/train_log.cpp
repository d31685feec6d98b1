#include "frontends/training/train_log.h"

#include <nlohmann/json.hpp>
#include <sstream>

#include "frontends/file.h"
#include "graph/error.h"

namespace crease {
namespace {

/// The lines about epochs up to `last`; what a crash left half written is none.
std::string lines_until(const std::filesystem::path& path, int64_t last) {
  std::string kept;
  if (last == 0 || !std::filesystem::exists(path)) return kept;
  std::istringstream lines(read_file(path));
  for (std::string line; std::getline(lines, line);) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (json.is_object() && json.value("epoch", last + 1) <= last) kept += line + "\n";
  }
  return kept;
}

}  // namespace

TrainLog::TrainLog(std::filesystem::path path, int64_t epochs_done) : path_(std::move(path)) {
  write_file_atomically(path_, lines_until(path_, epochs_done));
  file_.open(path_, std::ios::app | std::ios::binary);
  expect(file_.is_open(), "[log] cannot open {}", path_.string());
}

void TrainLog::write(const EpochMetrics& metrics) {
  file_ << json_line(metrics) << '\n' << std::flush;
  expect(file_.good(), "[log] cannot write to {}", path_.string());
}

}  // namespace crease
