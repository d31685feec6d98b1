// The machine that code is made for: what code generation and cost models need to know, in plain data.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace crease {

/// Eight registers of 16 x 64 bytes and their products of bfloat16 pairs (AMX). Emulated: plain functions
/// stand for the instructions, wherever tiles can be used at all: for tests on other processors.
enum class Tiles : uint8_t { None, Native, Emulated };

/// A processor. Sizes in bytes; a cache that does not exist or is not reported has the size 0.
struct Machine {
  std::string triple;                 // "x86_64-pc-linux-gnu"
  std::string name;                   // LLVM's name of the processor, "znver4"
  std::vector<std::string> features;  // LLVM's list, "+avx2" or "-avx512f", sorted by name
  int vector_bits = 128;              // width of the vectors that are emitted: 128, 256 or 512
  int vector_registers = 16;
  /// Fused multiply-adds of full width started per cycle: the peak is 2 * this * lanes flop per cycle.
  int fma_per_cycle = 1;
  /// Whether a fused multiply-add is one instruction. Without it code rounds the product as well.
  bool fma = false;
  /// Whether products of bfloat16 pairs start as often as multiply-adds: else those of rounded numbers are
  /// faster.
  bool fast_pairs = false;
  Tiles tiles = Tiles::None;
  int64_t l1_bytes = 32 << 10;  // data, per core
  int64_t l2_bytes = 512 << 10;
  int64_t l3_bytes = 0;
  int cores = 1;

  /// Whether "+feature" is in the list.
  bool has(std::string_view feature) const;
  /// Elements of `element_bytes` in one vector.
  int lanes(int64_t element_bytes) const { return static_cast<int>(vector_bits / (8 * element_bytes)); }
};

/// The machine this process runs on, with its widest vectors.
Machine host_machine();

/// The same machine emitting narrower vectors; all features stay.
/// Errors: Error if bits is not 128, 256 or 512, or more than the machine has.
Machine with_vector_bits(Machine machine, int bits);

/// The same machine under another of LLVM's names, with these features and no others; vectors follow.
Machine with_features(Machine machine, std::string name, std::vector<std::string> features);

/// The same machine cut down to the plain instruction set of its architecture (x86-64: SSE2, no fused
/// multiply-add): what a portable object may use.
Machine baseline_machine(Machine machine);

/// A few lines for people: name, vectors, caches, cores.
std::string to_string(const Machine& machine);

}  // namespace crease
