#include "examples/experiments/study.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <numeric>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include "frontends/file.h"

namespace study {
namespace {

constexpr const char* usage = "[--quick | --full] [--data FOLDER] [--output FOLDER] [--threads N]";

/// Nothing was measured since the data are not there.
struct NoData : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Whether the arguments are understood.
bool read(Settings& settings, int count, char** arguments) {
  for (int i = 1; i < count; ++i) {
    const std::string word = arguments[i];
    const bool more = i + 1 < count;
    if (word == "--full") {
      settings.length = Length::Full;
    } else if (word == "--quick") {
      settings.length = Length::Quick;
    } else if (word == "--data" && more) {
      settings.data = arguments[++i];
    } else if (word == "--output" && more) {
      settings.output = arguments[++i];
    } else if (word == "--threads" && more) {
      const std::string number = arguments[++i];
      const char* end = number.data() + number.size();
      const auto [next, code] = std::from_chars(number.data(), end, settings.threads);
      if (code != std::errc() || next != end || settings.threads < 1) return false;
    } else {
      return false;
    }
  }
  return true;
}

/// Before hours of work, not after them.
void expect_writable(const std::filesystem::path& folder) {
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  const bool writable = !folder.empty() && !problem && ::access(folder.c_str(), W_OK | X_OK) == 0;
  if (!writable && !problem) problem.assign(folder.empty() ? EINVAL : errno, std::generic_category());
  if (!writable)
    throw std::runtime_error(fmt::format("cannot write to the folder '{}': {}; name another with --output",
                                         folder.string(), problem.message()));
}

crease::Dataset first(const crease::Dataset& data, int64_t count) {
  if (count == 0 || count >= data.size()) return data;
  std::vector<int64_t> rows(static_cast<size_t>(count));
  std::iota(rows.begin(), rows.end(), 0);
  return crease::select(data, rows);
}

}  // namespace

int main_of(const Experiment& experiment, int count, char** arguments) {
  Settings settings;
  if (count == 2 && std::string_view(arguments[1]) == "--help") {
    fmt::print("{}\nsource: {}\nusage: {} {}\n", experiment.title, experiment.source, arguments[0], usage);
    return 0;
  }
  if (!read(settings, count, arguments)) {
    fmt::print(stderr, "usage: {} {}\n", arguments[0], usage);
    return 2;
  }
  try {
    expect_writable(settings.output);
    fmt::print("{}\nsource: {}\n\n", experiment.title, experiment.source);
    std::fflush(stdout);
    const Experiment::Result result = experiment.run(settings);
    fmt::print("\nmeasured: {}\nwhy they differ: {}\n", result.measured, result.differs);
    std::fflush(stdout);  // whatever becomes of the plot
    const std::filesystem::path file = settings.output / (experiment.name + ".svg");
    crease::write_file_atomically(file, crease::to_svg(result.plots, result.columns));
    fmt::print("plot: {}\n", file.string());
    return 0;
  } catch (const NoData& missing) {
    fmt::print(stderr, "skipped: {}\n", missing.what());
    return 77;
  } catch (const std::exception& problem) {
    fmt::print(stderr, "{}\n", problem.what());
    return 1;
  }
}

void Table::print() const {
  std::vector<size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows_) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i)
      line += i == 0 ? fmt::format("{:<{}}", row[i], widths[i]) : fmt::format("  {:>{}}", row[i], widths[i]);
    fmt::print("{}\n", line);
  }
  std::fflush(stdout);
}

std::filesystem::path file_of(const Settings& settings, const std::string& set, const std::string& name) {
  const std::filesystem::path file = settings.data / set / name;
  if (!std::filesystem::is_regular_file(file))
    throw NoData(fmt::format("no file {}: name the folder that holds {} with --data", file.string(), set));
  return file;
}

crease::Split images(const Settings& settings, const std::string& set, int64_t train, int64_t test) {
  const std::filesystem::path folder = settings.data / set;
  if (!std::filesystem::is_directory(folder))
    throw NoData(fmt::format("no folder {}: name the folder that holds it with --data", folder.string()));
  crease::Split data = set == "cifar10" ? crease::cifar10(folder) : crease::mnist(folder);
  return {.train = first(data.train, train), .test = first(data.test, test)};
}

crease::TrainOptions options(const Settings& settings, int64_t epochs, int64_t batch,
                             const crease::Optimizer& optimizer, uint64_t seed) {
  crease::TrainOptions result;
  result.epochs = epochs;
  result.batch = batch;
  result.seed = seed;
  result.optimizer = optimizer;
  result.run.compile.threads = settings.threads;
  return result;
}

double error_percent(double accuracy) { return 100 * (1 - accuracy); }

}  // namespace study
