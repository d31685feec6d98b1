// Batches made by another thread while the program computes with the one before.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <iterator>
#include <mutex>
#include <optional>
#include <thread>

#include "frontends/data/batches.h"

namespace crease {

/// A range over the batches of an epoch, each passed through `change` (augmentation, say; empty: none) with
/// the position of its first sample. The order and the values are those of `batches`. One worker stays at
/// most `ahead` batches ahead; leaving the loop early stops it. What `change` throws is thrown in the loop.
class Prefetch {
 public:
  using Change = std::function<Batch(Batch batch, int64_t first)>;

  /// Errors: Error if ahead < 1.
  explicit Prefetch(Batches batches, Change change = {}, size_t ahead = 2);
  ~Prefetch();
  Prefetch(const Prefetch&) = delete;
  Prefetch& operator=(const Prefetch&) = delete;

  class Iterator {
   public:
    using value_type = Batch;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;

    explicit Iterator(Prefetch& owner) : owner_(&owner) { ++*this; }
    const Batch& operator*() const { return *batch_; }
    const Batch* operator->() const { return &*batch_; }
    Iterator& operator++() {
      batch_ = owner_->take();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return !batch_; }

   private:
    Prefetch* owner_;
    std::optional<Batch> batch_;
  };

  /// May be called once: the batches are handed out, not kept.
  Iterator begin() { return Iterator(*this); }
  std::default_sentinel_t end() const { return {}; }

 private:
  void work();
  std::optional<Batch> take();

  Batches batches_;
  Change change_;
  size_t ahead_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Batch> ready_;
  bool done_ = false, stop_ = false;
  std::exception_ptr problem_;
  std::thread worker_;  // last: it uses all of the above
};

}  // namespace crease
