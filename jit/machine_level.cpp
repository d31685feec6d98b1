#include "jit/machine_level.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "graph/error.h"

namespace crease {
namespace {

struct LevelFeature {
  MachineLevel since;
  const char* name;  // LLVM's
};

constexpr LevelFeature level_features[] = {
    {MachineLevel::V2, "cx16"},     {MachineLevel::V2, "popcnt"},   {MachineLevel::V2, "sahf"},
    {MachineLevel::V2, "sse3"},     {MachineLevel::V2, "sse4.1"},   {MachineLevel::V2, "sse4.2"},
    {MachineLevel::V2, "ssse3"},    {MachineLevel::V3, "avx"},      {MachineLevel::V3, "avx2"},
    {MachineLevel::V3, "bmi"},      {MachineLevel::V3, "bmi2"},     {MachineLevel::V3, "f16c"},
    {MachineLevel::V3, "fma"},      {MachineLevel::V3, "lzcnt"},    {MachineLevel::V3, "movbe"},
    {MachineLevel::V3, "xsave"},    {MachineLevel::V4, "avx512bw"}, {MachineLevel::V4, "avx512cd"},
    {MachineLevel::V4, "avx512dq"}, {MachineLevel::V4, "avx512f"},  {MachineLevel::V4, "avx512vl"}};

bool is_x86(const Machine& machine) { return machine.triple.starts_with("x86_64"); }

/// What the levels up to this one ask for.
std::vector<std::string> features_of(MachineLevel level) {
  std::vector<std::string> features;
  for (const LevelFeature& feature : level_features)
    if (feature.since <= level) features.emplace_back(feature.name);
  return features;
}

std::vector<std::string> missing(const Machine& machine, MachineLevel level) {
  std::vector<std::string> names = features_of(level);
  std::erase_if(names, [&](const std::string& name) { return machine.has(name); });
  return names;
}

}  // namespace

std::string_view to_string(MachineLevel level) {
  switch (level) {
    case MachineLevel::Native: return "native";
    case MachineLevel::V1: return "x86-64";
    case MachineLevel::V2: return "x86-64-v2";
    case MachineLevel::V3: return "x86-64-v3";
    case MachineLevel::V4: return "x86-64-v4";
  }
  throw Bug("[compile] unknown level of a machine");
}

MachineLevel parse_machine_level(std::string_view text) {
  std::vector<std::string_view> names;
  for (const MachineLevel level :
       {MachineLevel::Native, MachineLevel::V1, MachineLevel::V2, MachineLevel::V3, MachineLevel::V4}) {
    if (to_string(level) == text) return level;
    names.push_back(to_string(level));
  }
  fail("[compile] unknown level of a machine: got '{}', want one of {}", text, fmt::join(names, ", "));
}

Machine at_level(Machine machine, MachineLevel level) {
  if (level == MachineLevel::Native) return machine;
  expect(is_x86(machine), "[compile] {} is a level of x86-64 processors: got {}, want native",
         to_string(level), machine.triple);
  const std::vector<std::string> lacks = missing(machine, level);
  expect(lacks.empty(), "[compile] this processor ({}) cannot run code for {}: it lacks {}", machine.name,
         to_string(level), fmt::join(lacks, ", "));
  std::vector<std::string> features;
  for (const std::string& name : features_of(level)) features.push_back("+" + name);
  std::ranges::sort(features, {}, [](const std::string& feature) { return feature.substr(1); });
  return with_features(std::move(machine), std::string(to_string(level)), std::move(features));
}

std::optional<MachineLevel> level_of(const Machine& machine) {
  if (!is_x86(machine)) return {};
  MachineLevel best = MachineLevel::V1;
  for (const MachineLevel level : {MachineLevel::V2, MachineLevel::V3, MachineLevel::V4})
    if (missing(machine, level).empty()) best = level;
  return best;
}

}  // namespace crease
