// Command lines that would be misread: options that change nothing, empty texts, numbers that are none.
#pragma once

#include <CLI/CLI.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace crease::cli {

/// When options change nothing. Others are named as they are written: "--smt2", or with the value that they
/// must have, "--model cnn".
struct Idle {
  std::vector<const char*> options;
  std::vector<const char*> without = {};  // none of these
  std::vector<const char*> beside = {};   // any of these
};

/// Errors: CLI::ValidationError naming the first option given that changes nothing.
void refuse_idle(const CLI::App& command, const std::vector<Idle>& table);

/// An option for sizes such as 256,256. Errors: as those of refuse_wrong_texts, for each of them.
CLI::Option* add_sizes(CLI::App& command, const std::string& name, std::vector<int64_t>& sizes,
                       const std::string& help);

/// Left alone, CLI11 reads -1 as 2^64 - 1 where no sign is wanted, what is too great as the greatest, the
/// option after one whose value was forgotten as that value, and -o=name as the name "=name". An empty text,
/// such as that of a shell's variable without a value, would count as none given.
void refuse_wrong_texts(CLI::App& application);

/// CLI11 names options that it does not know after the words around them, and unknown subcommands not at all.
/// Errors: CLI::ValidationError with the word, and the name that it was perhaps meant to be.
void refuse_unknown_words(const CLI::App& application, const std::vector<std::string>& words);

}  // namespace crease::cli
