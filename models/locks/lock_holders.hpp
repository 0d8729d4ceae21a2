// Who holds a sleeping lock: for checks, reports and lock statistics. Not in the kernel's structures.
//
//   holders.enter(task, LockHolders::Kind::shared, contended, since);   // in the instant of the acquisition
//   holders.leave(task);                                                // in the instant of the release
//
// Each holder's time counts by itself, from its acquisition to its release; a writer who becomes a reader
// holds on. A holder's task stays for reports even if it ends without giving the lock back.
//
// Unlike lock_stat: readers and writers are one class (there they are two rows, -R and -W), and who is granted
// the lock while it sleeps holds it from then on, so that its way back onto a core is hold time, not waiting.
#pragma once

#include "sim/engine/time.hpp"
#include "sim/machine/topology.hpp"
#include "sim/record/counters.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace mmsim {

class Task;

class LockHolders {
 public:
  enum class Kind : std::uint8_t { shared, exclusive };

  /// `class_name` is a literal: all locks of that name are one class.
  LockHolders(Counters& counters, const char* class_name);
  LockHolders(const LockHolders&) = delete;
  LockHolders& operator=(const LockHolders&) = delete;

  /// `task` has the lock from now on; it asked for it at `since`.
  void enter(Task& task, Kind kind, bool contended, Instant since);
  void leave(Task& task);
  /// The exclusive holder lets others in.
  void share();

  const char* class_name() const { return class_name_; }
  LockClassId lock_class() const { return lock_class_; }
  bool exclusive() const { return exclusive_; }
  bool exclusively(const Task& task) const { return exclusive_ && holders_[0].task == &task; }
  const Task* exclusive_holder() const { return exclusive_ ? holders_[0].task : nullptr; }
  std::size_t sharing() const { return exclusive_ ? 0 : holders_.size(); }
  bool shared_by(const Task& task) const { return !exclusive_ && position_of(task) < holders_.size(); }

  /// "held for writing by task 7 (munmap)", "held for reading by task 7 (fault) and 3 more", or "held by
  /// nobody".
  std::string describe() const;

 private:
  struct Holder {
    Task* task;
    Instant since;
  };
  /// Of the latest acquisition by `task`; the number of holders if it has none.
  std::size_t position_of(const Task& task) const;

  static constexpr CoreId nobody{UINT32_MAX};

  Counters& counters_;
  const char* class_name_;
  LockClassId lock_class_;
  CoreId last_core_ = nobody;
  bool exclusive_ = false;
  std::vector<Holder> holders_; // dense, in no order
};

} // namespace mmsim
