// What the experiments share: their command line, tables, data of a size, and the words at the end.
#pragma once

#include <crease/crease.h>
#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace study {

/// How much is computed: Quick takes seconds and shows that the program runs, Normal takes minutes, Full is
/// as near to the source as the data allow.
enum class Length : uint8_t { Quick, Normal, Full };

struct Settings {
  Length length = Length::Normal;
  std::filesystem::path data = "data";  // holds mnist, fashion-mnist, cifar10, tinyshakespeare
  std::filesystem::path output = ".";   // for the plot
  int threads = 1;

  /// One of three, by length.
  template <class T>
  T pick(T quick, T normal, T full) const {
    return length == Length::Quick ? quick : length == Length::Normal ? normal : full;
  }
};

/// An experiment: what its source claims, and what to do.
struct Experiment {
  std::string name;  // of the plot's file
  std::string title;
  std::string source;  // what the source reported
  /// Measures, prints, and gives the plots; the words say what was measured and why it differs.
  struct Result {
    std::vector<crease::Plot> plots;
    std::string measured;
    std::string differs;
    int columns = 2;  // of the plots
  };
  Result (*run)(const Settings& settings);
};

/// main: reads the arguments, runs, prints and writes OUTPUT/NAME.svg. 0, or 1 after an error, or 2 for wrong
/// arguments, or 77 where the data are missing.
int main_of(const Experiment& experiment, int count, char** arguments);

/// A table for the terminal: columns as wide as they must be, numbers to the right.
class Table {
 public:
  explicit Table(std::vector<std::string> header) { rows_.push_back(std::move(header)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  void print() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

/// A set of images by name: mnist, fashion-mnist, cifar10; its first samples (0: all).
crease::Split images(const Settings& settings, const std::string& set, int64_t train, int64_t test);

/// A file of a set of data. Ends the experiment as skipped where there is none.
std::filesystem::path file_of(const Settings& settings, const std::string& set, const std::string& name);

/// Options of a training run with everything that the experiments agree on.
crease::TrainOptions options(const Settings& settings, int64_t epochs, int64_t batch,
                             const crease::Optimizer& optimizer, uint64_t seed = 1);

/// A line about progress, on the error stream, so that the table stays alone on the other.
template <class... Parts>
void note(fmt::format_string<Parts...> format, Parts&&... parts) {
  fmt::print(stderr, "{}\n", fmt::format(format, std::forward<Parts>(parts)...));
}

/// 100 (1 - accuracy).
double error_percent(double accuracy);

}  // namespace study
