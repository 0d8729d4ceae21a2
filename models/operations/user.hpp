// User mode: accesses to memory, one by one or as a stream, and what the hardware does with them.
//
//   touch(system, task, page, AccessKind::write);      // one access, faults included
//   run_user(system, task, burst, &working_set);   // user code for a while, touching a set of pages round
//   and round
//
// The hardware looks in the TLB, else walks the tables as they are at that instant; what it cannot do becomes
// a fault (fault.hpp) and is tried again. A long stretch is advanced to every interrupt and remote
// invalidation that meets it; as long as a whole round of the working set hits, nothing is simulated access
// by access.
#pragma once

#include "models/system.hpp"

#include <optional>

namespace mmsim {

/// What is thrown through a task's body once it is killed: the task ends. Neither a fault of the program nor
/// of the run; whoever made the task catches it (process.hpp). Never thrown with a lock held.
struct TaskKilled {};

/// The last thing that a system call or a fault does (do_notify_resume(), exit_to_user_mode_loop()): gives
/// way to who waits for the core, then to a pending SIGKILL: throws TaskKilled.
void return_to_user_mode(System& system, Task& task);
/// The second half of it alone.
void end_if_killed(System& system, Task& task);

enum class AccessKind : std::uint8_t { read, write };
enum class FaultKind : std::uint8_t; // fault.hpp

/// What one access by the hardware came to.
struct AccessOutcome {
  bool faults = false;
  bool missed = false; ///< the TLB had to be filled, or the tables to be noted in
  Duration cost{};     ///< beyond the access itself: second level, walk
};

/// One access by `core` at this instant, to the address space that it has loaded. No time passes.
AccessOutcome access_memory(System& system, Core& core, MmStruct& mm, PageNumber page, AccessKind kind);

/// `task`, in user mode, accesses `page`. Returns when the access has been made: what its first fault came to, or
/// nothing if it made none. A fault outside all areas, or a write to a read-only one, throws Violation: no scenario
/// does that on purpose. Throws TaskKilled.
std::optional<FaultKind> touch(System& system, Task& task, PageNumber page, AccessKind kind);

/// The pages that user code touches in turn, one every `interval`.
struct WorkingSet {
  PageNumber first;
  std::uint64_t pages;
  Duration interval;
  AccessKind kind;
  std::uint64_t next = 0; ///< where the last stretch ended
};

/// User code for `length` of its own time. `set` may be null. Interrupts, preemption, faults and the walks of
/// the accesses to `set` come on top, so that a stretch is so and so much work whoever flushes meanwhile; hits
/// of the second level are in the interval.
/// Throws TaskKilled, at once if an interrupt of the killer comes in between.
void run_user(System& system, Task& task, Duration length, WorkingSet* set = nullptr);

} // namespace mmsim
