// A task: what the scheduler switches between. A thread of a process, a kernel thread, or a core's idle task.
//
// Models task_struct as far as memory management sees it: mm and active_mm, the CPU it is on, whether it must
// be rescheduled. Left out: priorities, credentials, files, signals (their cost is in the cost book's
// task_create).
#pragma once

#include "models/locks/lock_observer.hpp"
#include "sim/engine/fiber.hpp"
#include "sim/machine/core.hpp"
#include "sim/record/ledger.hpp"

#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <functional>
#include <string>

namespace mmsim {

class MmStruct;

/// Links a task into a run queue.
using RunHook = boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::safe_link>>;

class Task : public RunHook {
 public:
  enum class State : std::uint8_t {
    running, ///< on a core or on a run queue
    blocked, ///< waits for a wake-up
    dead
  };

  Task(std::uint32_t pid, std::string name) : pid(pid), name(std::move(name)) {}

  /// The core that runs it. It may be another one after every point that can sleep or be preempted.
  Core& core() const { return *core_; }
  Instant now() const { return core_->now(); }

  const std::uint32_t pid;
  const std::string name;
  MmStruct* mm = nullptr;        ///< its address space; null for kernel threads
  MmStruct* active_mm = nullptr; ///< the one whose tables the core uses while it runs
  State state = State::running;
  bool idle = false;
  bool daemon = false; ///< lives as long as the machine
  bool running_on_core = false;
  bool on_queue = false;
  bool wake_pending = false; ///< woken between deciding to sleep and sleeping
  bool bound = false;        ///< must stay on its core
  bool in_user_mode = false; ///< its core executes user code: what interrupts it finds no kernel path
  Ledger ledger;
  Ledger::Snapshot at_switch_in; ///< the books at the instant at which a core last switched to it
  Fiber* fiber = nullptr;
  Account blocked_account = Account::schedule; ///< what its sleep is booked as
  const Waitable* waits_for = nullptr;         ///< named in deadlock reports while it sleeps
  HeldLocks held_locks;                        ///< sleeping locks, kept by lockdep

 private:
  friend class Scheduler;
  Core* core_ = nullptr;
};

} // namespace mmsim
