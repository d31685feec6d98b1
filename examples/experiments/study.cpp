#include "examples/experiments/study.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <numeric>
#include <stdexcept>

#include "frontends/file.h"

namespace study {
namespace {

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

crease::Dataset first(const crease::Dataset& data, int64_t count) {
  if (count == 0 || count >= data.size()) return data;
  std::vector<int64_t> rows(static_cast<size_t>(count));
  std::iota(rows.begin(), rows.end(), 0);
  return crease::select(data, rows);
}

}  // namespace

int main_of(const Experiment& experiment, int count, char** arguments) {
  Settings settings;
  if (!read(settings, count, arguments)) {
    fmt::print(stderr, "usage: {} [--quick | --full] [--data FOLDER] [--output FOLDER] [--threads N]\n",
               arguments[0]);
    return 2;
  }
  try {
    fmt::print("{}\nsource: {}\n\n", experiment.title, experiment.source);
    std::fflush(stdout);
    const Experiment::Result result = experiment.run(settings);
    std::filesystem::create_directories(settings.output);
    const std::filesystem::path file = settings.output / (experiment.name + ".svg");
    crease::write_file_atomically(file, crease::to_svg(result.plots, result.columns));
    fmt::print("\nmeasured: {}\nwhy they differ: {}\nplot: {}\n", result.measured, result.differs,
               file.string());
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
