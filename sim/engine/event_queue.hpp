// The pending events of one run, earliest first.
//
//   queue.post(event, at);      // pending; posting it again moves it: an event is pending at most once
//   queue.pop();                // the earliest event, or nullptr for an entry that was superseded
//
// Order: by time, and at the same time in the order in which they were posted. That rule is written here and
// nowhere else. `permute_ties(seed)` replaces the second half of it by a random permutation, so that a
// conclusion that hangs on an accident of posting order shows itself.
//
// A 4-ary heap of 16-byte entries. pop() leaves a hole at the root that the next post() fills: a fiber that
// waits, runs and waits again costs one sift instead of two (ENGINE.md: 639 M pop+push a second at 1 pending,
// 29 M at 4096).
#pragma once

#include "sim/engine/time.hpp"

#include <cassert>
#include <cstdint>
#include <vector>

namespace mmsim {

class EventQueue;

/// Something that happens at an instant. Pending at most once; destroying it withdraws it.
class Event {
 public:
  explicit Event(EventQueue& queue);
  virtual ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  /// What happens. Runs on whatever stack the loop is on: must not park. Never called for a fiber.
  virtual void fire() = 0;

  bool pending() const { return key_ != 0; }
  /// Withdraws the event if it is pending.
  void withdraw() { key_ = 0; }

 private:
  friend class EventQueue;
  friend class Engine;
  EventQueue& queue_;
  std::uint64_t key_ = 0; // key of the one entry that counts; 0: none
  std::uint32_t slot_;
  bool is_fiber_ = false;
};

class EventQueue {
 public:
  EventQueue() { entries_.reserve(1024); }

  /// Makes `event` happen at `at`; if it was pending already, the earlier entry no longer counts.
  void post(Event& event, Instant at) { post(event, at, reserve()); }
  /// The same with a place in line taken earlier by reserve(): for effects whose cause lies in the past.
  void post(Event& event, Instant at, std::uint64_t sequence) {
    const std::uint64_t key = order_of(sequence) << slot_bits | event.slot_;
    event.key_ = key;
    insert({at.time_since_epoch().count(), key});
  }
  /// Takes `places` in line and returns the last.
  std::uint64_t reserve(std::uint64_t places = 1) { return last_sequence_ += places; }

  bool empty() {
    drop_superseded();
    return size_ == 0;
  }
  /// True if not even a superseded entry is left. Cheaper than empty().
  bool drained() const { return size_ == 0 || (hole_ && size_ == 1); }
  /// Time of the earliest entry. The queue must not be empty. A superseded entry may make it too early, never
  /// too late.
  Instant next_time() {
    fill_hole();
    return Instant(Duration(entries_[0].time));
  }
  /// True if nothing pending happens at or before `t`, superseded entries counted as pending.
  bool quiet_through(Instant t) {
    if (hole_) return quiet_with_hole(t.time_since_epoch().count());
    return size_ == 0 || entries_[0].time > t.time_since_epoch().count();
  }
  /// Removes the earliest entry and returns its event, or nullptr if that entry had been superseded.
  Event* pop() {
    fill_hole();
    const Entry top = entries_[0];
    hole_ = true;
    Event* event = targets_[top.key & slot_mask];
    if (event == nullptr || event->key_ != top.key) return nullptr;
    event->key_ = 0;
    return event;
  }

  /// From now on events at equal times run in an order permuted at random by `seed`.
  void permute_ties(std::uint64_t seed) {
    // Small and neighbouring seeds must not give small and neighbouring (hence weak, or equal) multipliers.
    seed = (seed ^ seed >> 30) * 0xbf58476d1ce4e5b9ULL;
    seed = (seed ^ seed >> 27) * 0x94d049bb133111ebULL;
    permutation_ = (seed ^ seed >> 31) | 1;
  }

 private:
  friend class Event;
  struct Entry {
    std::int64_t time;
    std::uint64_t key; // sequence in the upper 40 bits, slot of the event in the lower 24
    friend bool operator<(const Entry& a, const Entry& b) {
      return a.time < b.time || (a.time == b.time && a.key < b.key);
    }
  };
  static constexpr int slot_bits = 24;
  static constexpr std::uint64_t slot_mask = (std::uint64_t{1} << slot_bits) - 1;
  static constexpr std::uint64_t sequence_mask = (std::uint64_t{1} << 40) - 1;

  std::uint64_t order_of(std::uint64_t sequence) const {
    assert(sequence <= sequence_mask);
    if (permutation_ == 0) return sequence;
    // A bijection on 40 bits (odd multiplications and xor-shifts), so that no two entries ever compare equal.
    std::uint64_t x = sequence * permutation_ & sequence_mask;
    x ^= x >> 21;
    x = x * 0x9e3779b97f4a7c15ULL & sequence_mask;
    x ^= x >> 19;
    return x;
  }
  void insert(Entry entry) {
    if (hole_) {
      hole_ = false;
      sift_down(entry);
      return;
    }
    if (size_ == entries_.size()) entries_.push_back(entry);
    std::size_t at = size_++;
    while (at > 0) {
      const std::size_t parent = (at - 1) / 4;
      if (!(entry < entries_[parent])) break;
      entries_[at] = entries_[parent];
      at = parent;
    }
    entries_[at] = entry;
  }
  void fill_hole() {
    if (!hole_) return;
    hole_ = false;
    const Entry last = entries_[--size_];
    if (size_ > 0) sift_down(last);
  }
  void sift_down(Entry entry) {
    std::size_t at = 0;
    for (;;) {
      const std::size_t first = 4 * at + 1;
      if (first >= size_) break;
      const std::size_t last = first + 4 < size_ ? first + 4 : size_;
      std::size_t least = first;
      for (std::size_t child = first + 1; child < last; ++child)
        if (entries_[child] < entries_[least]) least = child;
      if (!(entries_[least] < entry)) break;
      entries_[at] = entries_[least];
      at = least;
    }
    entries_[at] = entry;
  }
  bool quiet_with_hole(std::int64_t t) const {
    for (std::size_t child = 1; child < 5 && child < size_; ++child)
      if (entries_[child].time <= t) return false;
    return true;
  }
  void drop_superseded() {
    fill_hole();
    while (size_ > 0) {
      const Event* event = targets_[entries_[0].key & slot_mask];
      if (event != nullptr && event->key_ == entries_[0].key) return;
      hole_ = true;
      fill_hole();
    }
  }

  std::vector<Entry> entries_; // [0, size_) is the heap; entries_[0] is dead while hole_
  std::size_t size_ = 0;
  bool hole_ = false;
  std::uint64_t last_sequence_ = 0;
  std::uint64_t permutation_ = 0;
  std::vector<Event*> targets_;
  std::vector<std::uint32_t> free_slots_;
};

} // namespace mmsim
