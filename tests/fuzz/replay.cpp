// fuzz_X [COUNT] [SEED]: reads every seed, every seed cut off at each byte, and COUNT mutations; fails on
// anything but success and Error, and says how to see it again. fuzz_X FILE... reads those files.
// fuzz_X --seeds FOLDER writes the seeds there, a corpus for libFuzzer to start from.
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <stdexcept>

#include "frontends/file.h"
#include "graph/error.h"
#include "tests/fuzz/fuzz.h"

namespace {

struct Count {
  int64_t accepted = 0, refused = 0;
};

/// SplitMix64.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  size_t below(size_t end) { return next() % end; }

 private:
  uint64_t state_;
};

void change(std::string& bytes, const std::vector<std::string>& seeds, Random& random) {
  static constexpr char characters[] = "\0\x01\x7f\x80\xff\",:[]{}-+.eE\\\n\r \t09";
  constexpr std::string_view telling(characters, sizeof characters - 1);
  const size_t at = random.below(bytes.size() + 1);
  const size_t some = random.below(std::min<size_t>(bytes.size() - at, 16) + 1);
  switch (random.below(7)) {
    case 0:
      if (at < bytes.size()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << random.below(8)));
      break;
    case 1:
      if (at < bytes.size()) bytes[at] = static_cast<char>(random.next());
      break;
    case 2: bytes.insert(at, 1, telling[random.below(telling.size())]); break;
    case 3: bytes.erase(at, some); break;
    case 4: bytes.insert(random.below(bytes.size() + 1), bytes.substr(at, some)); break;
    case 5: bytes.resize(at); break;
    case 6: {
      const std::string& other = seeds[random.below(seeds.size())];
      bytes = bytes.substr(0, at) + other.substr(std::min(at, other.size()));
      break;
    }
  }
}

void read(const std::string& bytes, Count& count) {
  try {
    crease::fuzz::read(bytes);
    ++count.accepted;
  } catch (const crease::Error&) {
    ++count.refused;
  }
}

Count replay(int64_t mutations, uint64_t seed) {
  const std::vector<std::string> seeds = crease::fuzz::seeds();
  Count count;
  std::string bytes;
  try {
    for (const std::string& valid : seeds) {
      crease::fuzz::read(valid);
      for (size_t size = 0; size < valid.size(); ++size) read(bytes = valid.substr(0, size), count);
    }
    Random random(seed);
    for (int64_t i = 0; i < mutations; ++i) {
      bytes = seeds[random.below(seeds.size())];
      for (size_t changes = 1 + random.below(4); changes > 0; --changes) change(bytes, seeds, random);
      read(bytes, count);
    }
  } catch (const std::exception& error) {
    const auto file = std::filesystem::temp_directory_path() / "crease-fuzz-failure";
    crease::write_file_atomically(file, bytes);
    throw std::runtime_error(fmt::format("{} (input kept in '{}')", error.what(), file.string()));
  }
  return count;
}

void write_seeds(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  int number = 0;
  for (const std::string& seed : crease::fuzz::seeds())
    crease::write_file_atomically(folder / fmt::format("seed{}", number++), seed);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc == 3 && std::string_view(argv[1]) == "--seeds") {
      write_seeds(argv[2]);
      return 0;
    }
    if (argc > 1 && std::filesystem::exists(argv[1])) {
      Count count;
      for (int i = 1; i < argc; ++i) read(crease::read_file(argv[i]), count);
      fmt::print("{} accepted, {} refused\n", count.accepted, count.refused);
      return 0;
    }
    const int64_t mutations = argc > 1 ? std::atoll(argv[1]) : 2000;
    const Count count = replay(mutations, argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1);
    fmt::print("{} accepted, {} refused\n", count.accepted, count.refused);
    // Mutations that are all accepted, or all refused at the door, test nothing.
    return count.accepted > 0 && count.refused > 0 ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "neither success nor Error: {}\n", error.what());
    return 1;
  }
}
