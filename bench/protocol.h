// What the programs that bench/compare runs side by side share: how they take times, and the lines they
// speak.
#pragma once

#include <algorithm>
#include <chrono>
#include <fstream>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "bench/limits.h"

namespace crease::bench {

using Json = nlohmann::json;

/// Runs for about `wanted` seconds; medians: {"wall_us", "processor_us", "runs"}. Short runs are grouped, so
/// that reading the clocks costs nothing.
template <class Run>
Json times_of(double wanted, const Run& run) {
  using Clock = std::chrono::steady_clock;
  const auto seconds_since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  const double once = best_seconds(2, run);
  const int group = std::max(1, static_cast<int>(2e-4 / once));
  std::vector<double> wall, processor;
  const auto begin = Clock::now();
  do {
    const auto start = Clock::now();
    const double before = process_seconds();
    for (int i = 0; i < group; ++i) run();
    processor.push_back((process_seconds() - before) / group * 1e6);
    wall.push_back(seconds_since(start) / group * 1e6);
  } while (seconds_since(begin) < wanted);
  std::ranges::sort(wall);
  std::ranges::sort(processor);
  const size_t middle = wall.size() / 2;
  return {{"wall_us", wall[middle]}, {"processor_us", processor[middle]}, {"runs", wall.size()}};
}

/// Answers each line of standard input by one line of JSON; what goes wrong is {"missing": message}.
inline int answer_lines(const std::function<Json(std::istringstream&)>& answer) {
  std::string line;
  while (std::getline(std::cin, line)) {
    Json json;
    try {
      std::istringstream words(line);
      json = answer(words);
    } catch (const std::exception& error) {
      json = {{"missing", error.what()}};
    }
    std::cout << json.dump() << std::endl;
  }
  return 0;
}

/// What is left of `now` when `start` is taken away, as a file of f32.
inline void write_difference(const std::string& path, std::vector<float> now,
                             const std::vector<float>& start) {
  std::ranges::transform(now, start, now.begin(), std::minus{});
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(now.data()),
             static_cast<std::streamsize>(now.size() * sizeof(float)));
}

/// A training that has been prepared.
struct Training {
  /// One step; the loss before it.
  std::function<double()> step;
  /// All parameters, one after the other, in the order and with the layouts of bench/workloads.h.
  std::function<std::vector<float>()> parameters = [] { return std::vector<float>(); };
};

/// The protocol of bench/serve.cpp with `prepare`, `updates` and `time` only.
inline int serve_trainings(const std::function<Training(const std::string& name, int64_t size)>& prepare) {
  Training training;
  std::vector<float> start;
  return answer_lines([&](std::istringstream& words) -> Json {
    std::string command, name;
    words >> command >> name;
    if (command == "prepare") {
      int64_t size = 0;
      words >> size;
      training = {};
      training = prepare(name, size);
      start = training.parameters();
      std::vector<double> losses;
      for (int i = 0; i < 3; ++i) losses.push_back(training.step());
      return {{"ok", true}, {"losses", losses}};
    }
    if (command == "updates") {
      write_difference(name, training.parameters(), start);
      return {{"ok", true}};
    }
    return times_of(std::stod(name), training.step);
  });
}

}  // namespace crease::bench
