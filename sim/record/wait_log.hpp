#pragma once
// What a task has waited for since the operations that it is in began: an entry a wait, not a total a name, so that
// the beginning of an operation copies nothing.
//
//   const WaitLog::Mark mark = log.open();          // an operation begins
//   log.add(Account::lock_spin, whom, 40_ns);       // while one is open
//   log.since(mark, [](const WaitLog::Entry&) {});  // what it has waited for
//   log.close(mark);
//
// Operations nest. One that is never closed is forgotten once `most_open` others have begun inside it.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include <boost/container/small_vector.hpp>

#include "sim/engine/time.hpp"
#include "sim/record/wait.hpp"

namespace mmsim {

class WaitLog {
 public:
  struct Entry {
    Duration length{};
    WaitId whom;
    Account account{};
  };
  /// An operation that has begun. 0 stands for none.
  using Mark = std::uint32_t;

  static constexpr std::size_t most_open = 8;

  Mark open() {
    if (open_count_ == most_open) forget(0); // it is over, or its program has forgotten to say so
    open_[open_count_++] = {++last_mark_, std::uint32_t(entries_.size())};
    return last_mark_;
  }
  /// Where an operation may turn out to have begun, instead of `guess` (0: none), which was such a place and is over.
  Mark open_instead_of(Mark guess) {
    for (std::size_t i = 0; i < open_count_; ++i)
      if (open_[i].mark == guess) {
        forget(i);
        break;
      }
    return open();
  }
  bool is_open() const { return open_count_ != 0; }

  void add(Account account, WaitId whom, Duration length) {
    const std::size_t floor = std::max(apart_, std::size_t(open_[open_count_ - 1].position));
    if (entries_.size() > floor && entries_.back().account == account && entries_.back().whom == whom) {
      entries_.back().length += length;
      return;
    }
    if (entries_.size() >= compact_at_) compact();
    entries_.push_back({length, whom, account});
  }

  /// Shows each entry since the operation began; none if it is forgotten. Operations that began later are in it.
  template <class Visit>
  void since(Mark mark, Visit&& visit) const {
    for (std::size_t i = position_of(mark); i < entries_.size(); ++i)
      visit(entries_[i]);
  }
  /// The operation has ended, or was given up; so have those that began inside it.
  void close(Mark mark) {
    while (open_count_ > 0 && open_[open_count_ - 1].mark >= mark)
      --open_count_;
    if (open_count_ == 0) clear();
  }
  /// The one that began last.
  void close_latest() {
    if (open_count_ > 0) close(open_[open_count_ - 1].mark);
  }

  /// Waits from now on stand apart from those before, at least the next 256 of them; the place of the first. While an
  /// operation is open.
  std::size_t begin_apart() {
    if (entries_.size() + 256 > compact_at_) compact();
    return apart_ = entries_.size();
  }
  /// Of the last `length` of all waiting among the entries from `from` on (see begin_apart()), what was for `whom` was
  /// for `instead`. Nothing, if so much has happened since that they stand apart no longer.
  void reassign(std::size_t from, WaitId whom, WaitId instead, Duration length);

 private:
  static constexpr std::size_t most_entries = 1024; // before equal ones are added up
  struct Open {
    Mark mark = 0;
    std::uint32_t position = 0;
  };
  std::size_t position_of(Mark mark) const {
    for (std::size_t i = 0; i < open_count_; ++i)
      if (open_[i].mark == mark) return open_[i].position;
    return entries_.size();
  }
  void clear() {
    entries_.clear();
    apart_ = 0;
    compact_at_ = most_entries;
  }
  void forget(std::size_t which);
  void compact();

  boost::container::small_vector<Entry, 8> entries_;
  std::array<Open, most_open> open_{};
  std::size_t apart_ = 0; // entries before this place are not added to
  std::size_t compact_at_ = most_entries;
  std::uint32_t open_count_ = 0;
  Mark last_mark_ = 0;
};

} // namespace mmsim
