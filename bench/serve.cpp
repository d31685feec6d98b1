// One workload of crease at a time for bench/compare, which talks to it by lines: a command on standard
// input, one line of JSON on standard output for each.
//   prepare NAME SIZE THREADS  compiles; {"ok", "compile_ms", "losses", "operations", "tangents", "bytes"}
//   time SECONDS               runs for about so long; medians: {"wall_us", "processor_us", "runs"}
//   limits BYTES               {"flops", "bandwidth", "tangents"} a second: peak, copy of so many bytes, tanh
//   source FILE                the prepared f64 scalar graph as one C function; {"ok"}
//   library FILE SECONDS       times that function, compiled to a shared library; as `time`
#include <dlfcn.h>

#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "bench/c_source.h"
#include "bench/limits.h"
#include "bench/workloads.h"

namespace {

using namespace crease;
using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

class Server {
 public:
  Json answer(const std::string& line) {
    std::istringstream words(line);
    std::string command;
    words >> command;
    if (command == "prepare") return prepare(words);
    if (command == "time") return time(words);
    if (command == "limits") return limits(words);
    if (command == "source") return source(words);
    if (command == "library") return library(words);
    fail("[serve] unknown command: got '{}', want prepare, time, limits, source or library", line);
  }

 private:
  Json prepare(std::istream& words) {
    std::string name;
    int64_t size = 0;
    int threads = 1;
    words >> name >> size >> threads;
    program_.reset();
    work_ = bench::workload(name, size);
    const auto start = Clock::now();
    const double used = bench::processor_seconds();
    program_ = std::make_unique<Program>(compile(work_.graph, options_of(threads)));
    // The processor time where it is less: the machine may be shared.
    const double compile_ms = std::min(seconds_since(start), bench::processor_seconds() - used) * 1e3;
    Json timings;
    for (const auto& [step, spent] : program_->timings()) timings[step] = spent * 1e3;
    program_->bind(work_.data);
    return {{"ok", true},          {"compile_ms", compile_ms},       {"timings_ms", timings},
            {"losses", losses()},  {"operations", work_.operations}, {"tangents", work_.tangents},
            {"bytes", work_.bytes}};
  }

  /// Sizes are known, as in a deployed program.
  CompileOptions options_of(int threads) const {
    CompileOptions options{.threads = threads};
    options.specialise = bind(work_.graph, work_.data);
    return options;
  }

  /// The results of three runs, one number each: frameworks that start alike must agree.
  std::vector<double> losses() {
    std::vector<double> values;
    for (int i = 0; i < 3; ++i) {
      program_->run();
      const std::string name = work_.graph.outputs().front().name;
      const Tensor result = program_->output(name);
      double sum = 0;
      for (int64_t k = 0; k < result.count(); ++k) sum += result.at(k);
      values.push_back(sum / static_cast<double>(result.count()));
    }
    return values;
  }

  Json time(std::istream& words) {
    double wanted = 0;
    words >> wanted;
    expect(program_ != nullptr, "[serve] nothing is prepared");
    return times_of(wanted, [&] { program_->run(); });
  }

  template <class Run>
  static Json times_of(double wanted, const Run& run) {
    // Runs are grouped so that reading the clock costs nothing.
    const double once = bench::best_seconds(2, run);
    const int group = std::max(1, static_cast<int>(2e-5 / once));
    std::vector<double> wall, processor;
    const auto begin = Clock::now();
    do {
      const auto start = Clock::now();
      const double used = bench::processor_seconds();
      for (int i = 0; i < group; ++i) run();
      processor.push_back((bench::processor_seconds() - used) / group * 1e6);
      wall.push_back(seconds_since(start) / group * 1e6);
    } while (seconds_since(begin) < wanted);
    std::ranges::sort(wall);
    std::ranges::sort(processor);
    const size_t middle = wall.size() / 2;
    return {{"wall_us", wall[middle]}, {"processor_us", processor[middle]}, {"runs", wall.size()}};
  }

  static Json limits(std::istream& words) {
    double bytes = 0;
    words >> bytes;
    return {{"flops", bench::peak_flops()},
            {"bandwidth", bench::copy_bandwidth(static_cast<size_t>(std::max(bytes / 2, 4096.0)))},
            {"tangents", bench::tangents_per_second()}};
  }

  Json source(std::istream& words) {
    std::string path;
    words >> path;
    std::ofstream(path) << bench::c_source(work_.graph);
    return {{"ok", true}};
  }

  Json library(std::istream& words) {
    std::string path;
    double wanted = 0;
    words >> path >> wanted;
    void* handle = dlopen(path.c_str(), RTLD_NOW);
    expect(handle != nullptr, "[serve] cannot load {}: {}", path, dlerror());
    auto* function = reinterpret_cast<void (*)(const double*, double*)>(dlsym(handle, "f"));
    std::vector<double> in, out(work_.graph.outputs().size());
    for (const NodeId id : work_.graph.inputs())
      in.push_back(work_.data.at(work_.graph.node(id).name).item());
    Json result = times_of(wanted, [&] { function(in.data(), out.data()); });
    result["value"] = out.front();
    dlclose(handle);
    return result;
  }

  bench::Workload work_;
  std::unique_ptr<Program> program_;
};

}  // namespace

int main() {
  Server server;
  std::string line;
  while (std::getline(std::cin, line)) {
    Json answer;
    try {
      answer = server.answer(line);
    } catch (const std::exception& error) {
      answer = {{"missing", error.what()}};
    }
    std::cout << answer.dump() << std::endl;
  }
}
