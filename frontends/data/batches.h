// Batches of samples in a shuffled order that depends on the seed and the epoch only, the same on every
// machine.
#pragma once

#include <array>
#include <cstdint>
#include <iterator>
#include <span>
#include <vector>

#include "graph/tensor.h"

namespace crease {

/// The numbers 0 to n-1 in an order drawn from seed and stream: Fisher-Yates over SplitMix64.
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
std::vector<int64_t> permutation(int64_t n, uint64_t seed, uint64_t stream = 0);

/// 64 bits that look random, a function of seed and stream: SplitMix64 twice.
uint64_t random_bits(uint64_t seed, uint64_t stream);

/// The given rows of the first dimension, in the given order. Uses the memory of `reuse` if type and shape
/// fit. Errors: Error if a row does not exist.
Tensor gather_rows(const Tensor& from, std::span<const int64_t> rows, Tensor reuse = {});

/// Some samples: x [b, ...], y [b, ...].
struct Batch {
  Tensor x, y;
  int64_t size() const { return x.sizes()[0]; }
};

struct BatchOptions {
  uint64_t seed = 0;
  /// Each epoch has an order of its own.
  int64_t epoch = 0;
  bool shuffle = true;
  /// false: the samples that do not fill the last batch are left out.
  bool keep_partial = true;
};

/// One epoch. A range: `for (const Batch& batch : data.batches(64))`. It shares the tensors it was made from,
/// so it may outlive them.
class Batches {
 public:
  class Iterator;

  /// x [n, ...], y [n, ...].
  /// Errors: Error if size < 1, size > n, the counts of rows differ, or epoch < 0.
  Batches(Tensor x, Tensor y, int64_t size, const BatchOptions& options = {});

  Iterator begin() const;
  std::default_sentinel_t end() const { return {}; }
  /// How many batches an epoch has.
  int64_t count() const;
  /// How many samples an epoch has.
  int64_t samples() const { return static_cast<int64_t>(order_.size()); }

 private:
  Tensor x_, y_;
  std::vector<int64_t> order_;
  int64_t size_;
};

/// Reads the batches once, front to back; must not outlive its Batches.
class Batches::Iterator {
 public:
  using value_type = Batch;
  using difference_type = std::ptrdiff_t;
  using iterator_concept = std::input_iterator_tag;

  explicit Iterator(const Batches& batches);
  const Batch& operator*() const { return buffers_[current_]; }
  const Batch* operator->() const { return &buffers_[current_]; }
  Iterator& operator++();
  void operator++(int) { ++*this; }
  bool operator==(std::default_sentinel_t) const { return begin_ >= batches_->samples(); }

 private:
  void fill();

  const Batches* batches_;
  int64_t begin_ = 0;
  // Two, used in turn: a program still holds the batch it was given while the next one is made, and writing
  // into memory that is shared would copy it first.
  std::array<Batch, 2> buffers_;
  size_t current_ = 0;
};

}  // namespace crease
