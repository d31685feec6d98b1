// One workload of crease at a time for bench/compare, which talks to it by lines: a command on standard
// input, one line of JSON on standard output for each.
//   prepare NAME SIZE THREADS  compiles; {"ok", "compile_ms", "losses", "operations", "tangents", "bytes"}
//   updates FILE               what three runs changed in the parameters, one after the other, to FILE as
//                              f32; {"ok", "parameters": [[name, count], ...]}
//   time SECONDS               runs for about so long; medians: {"wall_us", "processor_us", "runs"}
//   limits BYTES               {"flops", "bandwidth", "tangents"} a second: peak, copy of so many bytes, tanh
//   source FILE                the prepared f64 scalar graph as one C function; {"ok"}
//   library FILE SECONDS       times that function, compiled to a shared library; as `time`
#include <dlfcn.h>

#include <fstream>

#include "bench/c_source.h"
#include "bench/limits.h"
#include "bench/models.h"
#include "bench/protocol.h"
#include "jit/machine_limits.h"

namespace {

using namespace crease;
using bench::Json;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

class Server {
 public:
  Json answer(std::istringstream& words) {
    std::string command;
    words >> command;
    if (command == "prepare") return prepare(words);
    if (command == "updates") return updates(words);
    if (command == "time") return time(words);
    if (command == "limits") return limits(words);
    if (command == "source") return source(words);
    if (command == "library") return library(words);
    fail("[serve] unknown command: got '{}', want prepare, updates, time, limits, source or library",
         command);
  }

 private:
  Json prepare(std::istream& words) {
    std::string name;
    int64_t size = 0;
    int threads = 1;
    words >> name >> size >> threads;
    program_.reset();
    work_ = bench::model(name, size);
    const auto start = Clock::now();
    const double used = process_seconds();
    program_ = std::make_unique<Program>(compile(work_.graph, options_of(threads)));
    // The processor time where it is less: the machine may be shared.
    const double compile_ms = std::min(seconds_since(start), process_seconds() - used) * 1e3;
    Json timings;
    for (const auto& [step, spent] : program_->timings()) timings[step] = spent * 1e3;
    program_->bind(work_.data);
    return {{"ok", true},          {"compile_ms", compile_ms},       {"timings_ms", timings},
            {"losses", losses()},  {"operations", work_.operations}, {"tangents", work_.tangents},
            {"bytes", work_.bytes}};
  }

  void require_prepared() const { expect(program_ != nullptr, "[serve] nothing is prepared"); }

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

  Json updates(std::istream& words) {
    std::string path;
    words >> path;
    require_prepared();
    Json parameters = Json::array();
    std::vector<float> start, now;
    for (const NodeId id : trained()) {
      const Node& node = work_.graph.node(id);
      append(start, node.value);
      append(now, program_->parameter(node.name));
      parameters.push_back({node.name, node.value.count()});
    }
    bench::write_difference(path, now, start);
    return {{"ok", true}, {"parameters", parameters}};
  }

  /// The parameters that an optimizer changes, in the order in which they were made.
  std::vector<NodeId> trained() const {
    std::vector<NodeId> ids;
    for (const Update& update : work_.graph.updates())
      if (!work_.graph.node(update.parameter).state) ids.push_back(update.parameter);
    std::ranges::sort(ids);
    return ids;
  }

  static void append(std::vector<float>& to, const Tensor& tensor) {
    for (int64_t i = 0; i < tensor.count(); ++i) to.push_back(static_cast<float>(tensor.at(i)));
  }

  Json time(std::istream& words) {
    double wanted = 0;
    words >> wanted;
    require_prepared();
    return bench::times_of(wanted, [&] { program_->run(); });
  }

  Json limits(std::istream& words) {
    double bytes = 0;
    words >> bytes;
    return {{"flops", peak_.flops()},
            {"bandwidth", copy_bandwidth(static_cast<size_t>(std::max(bytes / 2, 4096.0)))},
            {"tangents", bench::tangents_per_second()}};
  }

  Json source(std::istream& words) {
    std::string path;
    words >> path;
    require_prepared();
    std::ofstream(path) << bench::c_source(work_.graph);
    return {{"ok", true}};
  }

  Json library(std::istream& words) {
    std::string path;
    double wanted = 0;
    words >> path >> wanted;
    require_prepared();
    void* handle = dlopen(path.c_str(), RTLD_NOW);
    expect(handle != nullptr, "[serve] cannot load {}: {}", path, dlerror());
    auto* function = reinterpret_cast<void (*)(const double*, double*)>(dlsym(handle, "f"));
    expect(function != nullptr, "[serve] no function in {}: {}", path, dlerror());
    std::vector<double> in, out(work_.graph.outputs().size());
    for (const NodeId id : work_.graph.inputs())
      in.push_back(work_.data.at(work_.graph.node(id).name).item());
    Json result = bench::times_of(wanted, [&] { function(in.data(), out.data()); });
    result["value"] = out.front();
    dlclose(handle);
    return result;
  }

  PeakMeter peak_{host_machine()};
  bench::Workload work_;
  std::unique_ptr<Program> program_;
};

}  // namespace

int main() {
  Server server;
  return bench::answer_lines([&](std::istringstream& words) { return server.answer(words); });
}
