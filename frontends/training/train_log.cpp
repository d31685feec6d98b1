#include "frontends/training/train_log.h"

#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>

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
    const bool is_epoch = json.is_object() && json.contains("epoch") && json["epoch"].is_number_integer();
    if (is_epoch && json["epoch"].get<int64_t>() <= last) kept += line + "\n";
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
  unwritten_ += json_line(metrics) + '\n';
  std::error_code problem;
  const auto before = std::filesystem::file_size(path_, problem);
  file_ << unwritten_ << std::flush;
  if (file_.good()) return unwritten_.clear();
  // Opened anew, because the stream would try again to write what it still holds.
  file_.close();
  if (!problem) std::filesystem::resize_file(path_, before, problem);  // what was written of a line goes
  file_.clear();
  file_.open(path_, std::ios::app | std::ios::binary);
  fail("[log] cannot write to {}; the next epoch tries again", path_.string());
}

}  // namespace crease
