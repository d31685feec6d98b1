#include "frontends/data/batches.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "graph/error.h"

namespace crease {
namespace {

constexpr uint64_t golden = 0x9e3779b97f4a7c15u;  // 2^64 / golden ratio, odd: SplitMix64's step

/// The output function of SplitMix64: a bijection of 64 bits without visible pattern.
uint64_t mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

int64_t rows_of(const Tensor& tensor) { return tensor.sizes().empty() ? 0 : tensor.sizes()[0]; }

}  // namespace

uint64_t random_bits(uint64_t seed, uint64_t stream) { return mix(mix(seed + golden) + stream); }

std::vector<int64_t> permutation(int64_t n, uint64_t seed, uint64_t stream) {
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), int64_t{0});
  uint64_t state = random_bits(seed, stream);
  for (size_t i = order.size(); i > 1; --i) {
    state += golden;
    // The remainder favours small numbers by less than i / 2^64, which no test could see.
    std::swap(order[i - 1], order[mix(state) % i]);
  }
  return order;
}

Tensor gather_rows(const Tensor& from, std::span<const int64_t> rows, Tensor reuse) {
  std::vector<int64_t> sizes = from.sizes();
  sizes.at(0) = static_cast<int64_t>(rows.size());
  if (reuse.type() != from.type() || reuse.sizes() != sizes) reuse = Tensor(from.type(), std::move(sizes));
  const int64_t available = rows_of(from);
  const size_t bytes = available == 0 ? 0 : static_cast<size_t>(from.bytes() / available);
  std::byte* to = reuse.mutable_data();
  for (const int64_t row : rows) {
    expect(row >= 0 && row < available, "[rows] there is no row {}: got {} rows, counted from 0", row,
           available);
    std::memcpy(to, from.data() + static_cast<size_t>(row) * bytes, bytes);
    to += bytes;
  }
  return reuse;
}

Batches::Batches(Tensor x, Tensor y, int64_t size, const BatchOptions& options)
    : x_(std::move(x)), y_(std::move(y)), size_(size) {
  const int64_t n = rows_of(x_);
  expect(n == rows_of(y_), "[batches] x of shape {} and y of shape {} differ in their number of rows",
         to_string(x_.sizes()), to_string(y_.sizes()));
  expect(size >= 1, "[batches] batch of {} samples: want at least 1", size);
  expect(size <= n, "[batches] batch of {} samples is larger than the data: want at most {}", size, n);
  expect(options.epoch >= 0, "[batches] epoch {} is negative", options.epoch);
  if (options.shuffle) {
    order_ = permutation(n, options.seed, static_cast<uint64_t>(options.epoch));
  } else {
    order_.resize(static_cast<size_t>(n));
    std::iota(order_.begin(), order_.end(), int64_t{0});
  }
  if (!options.keep_partial) order_.resize(static_cast<size_t>(n - n % size));
}

Batches::Iterator Batches::begin() const { return Iterator(*this); }

int64_t Batches::count() const { return (samples() + size_ - 1) / size_; }

Batches::Iterator::Iterator(const Batches& batches) : batches_(&batches) { fill(); }

Batches::Iterator& Batches::Iterator::operator++() {
  begin_ += batches_->size_;
  if (begin_ < batches_->samples()) {
    current_ = 1 - current_;
    fill();
  }
  return *this;
}

void Batches::Iterator::fill() {
  const int64_t count = std::min(batches_->size_, batches_->samples() - begin_);
  const auto rows =
      std::span(batches_->order_).subspan(static_cast<size_t>(begin_), static_cast<size_t>(count));
  Batch& batch = buffers_[current_];
  batch.x = gather_rows(batches_->x_, rows, std::move(batch.x));
  batch.y = gather_rows(batches_->y_, rows, std::move(batch.y));
}

}  // namespace crease
