// crease doctor: what this machine offers, and what is missing.
#include <crease/version.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>

#include "frontends/cli/commands.h"
#include "frontends/cli/drawing.h"
#include "graph/ops/activation.h"
#include "jit/emit/host.h"
#include "jit/machine_level.h"
#include "jit/program.h"

namespace crease::cli {
namespace {

/// The instruction sets that matter here, of those the machine has.
std::string instruction_sets(const Machine& machine) {
  std::vector<std::string> found;
  for (const char* name : {"sse4.2", "avx", "avx2", "fma", "avx512f", "avx512vl", "avx512dq", "avx512bw",
                           "avx512bf16", "avx512vnni", "amx-tile", "amx-bf16", "neon", "sve"}) {
    if (machine.has(name)) found.emplace_back(name);
  }
  return found.empty() ? "none of those that crease uses" : fmt::format("{}", fmt::join(found, " "));
}

/// Compiles relu and runs it on -1 and 2: what can fail is mapping code into memory.
std::string native_code() {
  const auto start = std::chrono::steady_clock::now();
  Graph graph;
  graph.output("y", relu(graph.input("x", {2})));
  try {
    Program program = compile(graph);
    const Tensor y = program({{"x", Tensor::f32({2}, {-1, 2})}}).at("y");
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    if (y == Tensor::f32({2}, {0, 2}))
      return fmt::format("works, relu compiled and run in {:.0f} ms", took.count());
    return fmt::format("WRONG: relu of -1 and 2 gave {} and {}", y.at(0), y.at(1));
  } catch (const std::exception& problem) {
    return fmt::format("MISSING: {}; use --interpret", problem.what());
  }
}

int run() {
  const std::string code = native_code();
  fmt::print("crease          {}\n", CREASE_VERSION);
  fmt::print("LLVM            {}\n", llvm_version());
  const Machine machine = host_machine();
  fmt::print("machine         {}\n", machine.triple);
  fmt::print("instructions    {}\n", instruction_sets(machine));
  if (const auto level = level_of(machine)) fmt::print("level           {}\n", to_string(*level));
  fmt::print("{}\n", to_string(machine));
  fmt::print("native code     {}\n", code);
  fmt::print("graphviz (dot)  {}\n",
             has_program("dot") ? "found" : "MISSING: drawings stay .dot files; apt install graphviz");
  return code.starts_with("works") ? 0 : 1;
}

}  // namespace

void add_doctor(CLI::App& application, Action& action) {
  CLI::App& command =
      *application.add_subcommand("doctor", "Show what this machine offers and what is missing");
  command.footer("Example:\n  crease doctor");
  command.callback([&action] { action = run; });
}

}  // namespace crease::cli
