// RCU callbacks and the lists that they wait on. Intrusive: queueing allocates nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace mmsim {

class Core;

/// Something to do once all readers of now have left: rcu_head. Belongs to whoever queues it, and must live
/// until it has run.
class RcuCallback {
 public:
  virtual ~RcuCallback() = default;
  /// Runs in softirq context on `core`, which queued it: must not sleep. May destroy this object and may
  /// queue callbacks.
  virtual void run(Core& core) = 0;

 private:
  friend class RcuCallbacks;
  RcuCallback* next_ = nullptr;
};

/// Callbacks in the order in which they came. Refers to itself: stays where it is.
class RcuCallbacks {
 public:
  RcuCallbacks() = default;
  RcuCallbacks(const RcuCallbacks&) = delete;
  RcuCallbacks& operator=(const RcuCallbacks&) = delete;

  bool empty() const { return first_ == nullptr; }
  void push(RcuCallback& callback) {
    callback.next_ = nullptr;
    *end_ = &callback;
    end_ = &callback.next_;
  }
  RcuCallback& pop() {
    RcuCallback& callback = *first_;
    first_ = callback.next_;
    if (first_ == nullptr) end_ = &first_;
    return callback;
  }
  /// Appends all of `other`, which is empty then.
  void take(RcuCallbacks& other) {
    if (other.empty()) return;
    *end_ = std::exchange(other.first_, nullptr);
    end_ = std::exchange(other.end_, &other.first_);
  }

 private:
  RcuCallback* first_ = nullptr;
  RcuCallback** end_ = &first_;
};

/// The callbacks of one CPU by the grace period that they wait for.
///
/// Models kernel/rcu/rcu_segcblist.c of 5.10: `done` may run; `wait` and `next_ready` end with the grace
/// period whose number stands beside them; `next` has no number yet.
class SegmentedCallbacks {
 public:
  enum Segment : std::size_t { done, wait, next_ready, next };

  RcuCallbacks& ready() { return lists_[done]; }
  bool has_ready() const { return !lists_[done].empty(); }
  bool has_unnumbered() const { return !lists_[next].empty(); }
  bool has_pending() const { return !nothing_after(done); }
  bool empty() const { return !has_ready() && !has_pending(); }

  void push(RcuCallback& callback) { lists_[next].push(callback); }
  /// rcu_segcblist_advance(): the grace periods up to `completed` are over.
  void advance(std::uint64_t completed) {
    std::size_t from = wait;
    for (; from < next && numbers_[from] <= completed; ++from)
      lists_[done].take(lists_[from]);
    for (std::size_t to = wait; from < next && from != to; ++from, ++to) {
      lists_[to].take(lists_[from]);
      numbers_[to] = numbers_[from];
    }
  }
  /// rcu_segcblist_accelerate(): whatever waits for nothing earlier waits for grace period `number`. False if
  /// that is nothing new.
  bool accelerate(std::uint64_t number) {
    if (nothing_after(done)) return false;
    std::size_t i = next_ready;
    while (i > done && (lists_[i].empty() || numbers_[i] >= number))
      --i;
    if (nothing_after(i) || ++i >= next) return false;
    for (std::size_t later = i + 1; later <= next; ++later)
      lists_[i].take(lists_[later]);
    for (; i < next; ++i)
      numbers_[i] = number;
    return true;
  }

 private:
  bool nothing_after(std::size_t segment) const {
    for (std::size_t i = segment + 1; i <= next; ++i)
      if (!lists_[i].empty()) return false;
    return true;
  }
  std::array<RcuCallbacks, 4> lists_;
  std::array<std::uint64_t, 3> numbers_{}; // of wait and next_ready
};

} // namespace mmsim
