// What a fuzz target is. With clang and CREASE_FUZZ=ON libFuzzer drives it; else replay.cpp does, with
// mutations that are the same each time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace crease::fuzz {

/// Valid inputs to start from.
std::vector<std::string> seeds();

/// Reads one input. An Error is a right answer; anything else that is thrown, a crash or a hang is a bug.
void read(std::string_view bytes);

}  // namespace crease::fuzz
