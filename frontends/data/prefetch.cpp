#include "frontends/data/prefetch.h"

#include "graph/error.h"

namespace crease {

Prefetch::Prefetch(Batches batches, Change change, size_t ahead)
    : batches_(std::move(batches)), change_(std::move(change)), ahead_(ahead) {
  expect(ahead >= 1, "[prefetch] 0 batches ahead: want at least 1");
  worker_ = std::thread([this] { work(); });
}

Prefetch::~Prefetch() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  worker_.join();
}

void Prefetch::work() {
  std::exception_ptr problem;
  try {
    int64_t first = 0;
    for (Batch batch : batches_) {
      const int64_t size = batch.size();
      if (change_) batch = change_(std::move(batch), first);
      first += size;
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stop_ || ready_.size() < ahead_; });
      if (stop_) return;
      ready_.push_back(std::move(batch));
      changed_.notify_all();
    }
  } catch (...) {
    problem = std::current_exception();
  }
  const std::lock_guard lock(mutex_);
  problem_ = problem;
  done_ = true;
  changed_.notify_all();
}

std::optional<Batch> Prefetch::take() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return done_ || !ready_.empty(); });
  if (ready_.empty()) {
    if (problem_) std::rethrow_exception(problem_);
    return {};
  }
  Batch batch = std::move(ready_.front());
  ready_.pop_front();
  changed_.notify_all();
  return batch;
}

}  // namespace crease
