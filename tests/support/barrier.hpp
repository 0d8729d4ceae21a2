// Where the tasks of a random program wait for each other, so that somebody can compare the books.
#pragma once

#include "tests/support/kernel_world.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace mmsim::tests {

/// For a fixed number of tasks, which are all that are alive but for children that end by themselves and kernel threads
/// that go to sleep. Every other one waits in user mode, so that its core has its tables loaded, the others sleep and
/// leave cores lazy.
class Barrier {
 public:
  Barrier(KernelWorld& w, std::size_t tasks) : w_(w), tasks_(tasks) {}

  /// Returns once all have come and everything adds up. Throws Violation.
  void meet(Task& task) {
    const std::uint64_t meeting = meetings_;
    if (++arrived_ == tasks_) {
      check(task);
      arrived_ = 0;
      ++meetings_;
      for (Task* sleeper : std::exchange(sleepers_, {}))
        w_.system.scheduler.wake(task.core(), *sleeper);
    } else if (arrived_ % 2 == 0) {
      while (meeting == meetings_)
        run_user(w_.system, task, std::chrono::microseconds(20));
    } else {
      sleep_through(task, meeting);
    }
  }
  /// A kernel thread that works beside them has nothing half done: it sleeps if they all wait.
  void stand_by(Task& kthread) {
    if (arrived_ == tasks_) sleep_through(kthread, meetings_);
  }
  /// They all wait.
  bool complete() const { return arrived_ == tasks_; }

  std::uint64_t meetings() const { return meetings_; }
  /// Address spaces with users and pages that were looked at, over all meetings.
  std::uint64_t populated() const { return populated_; }

 private:
  void sleep_through(Task& task, std::uint64_t meeting) {
    sleepers_.push_back(&task);
    for (;;) {
      w_.system.scheduler.set_current_state(task);
      if (meeting != meetings_) break;
      w_.system.scheduler.block(task, Account::schedule, nullptr);
    }
    w_.system.scheduler.set_running(task);
  }

  void check(Task& task) {
    System& system = w_.system;
    for (int waits = 0; !quiet(task); ++waits) {
      if (waits > 20'000) throw Violation("tasks that meet are never alone");
      std::vector<MmStruct*> owing;
      system.for_each_mm([&](MmStruct& mm) {
        if (!mm.withheld.empty() && mm.users.value() > 0) owing.push_back(&mm);
      });
      if (system.scheduler.alive() == tasks_) // nobody else frees an mm
        for (MmStruct* mm : owing)
          system.flusher.complete(task.core(), *mm);
      system.scheduler.yield(task); // which may interrupt others: not always as long before the next look
      run_user(system, task, std::chrono::microseconds(1 + waits % 37));
    }
    system.check_invariants();
    system.for_each_mm([&](MmStruct& mm) { populated_ += mm.users.value() > 0 && mm.rss() > 0; });
  }

  // Nobody is on a kernel path, and nobody has left something to be done later.
  bool quiet(const Task& self) {
    System& system = w_.system;
    if (system.scheduler.alive() != tasks_ || system.rcu().queued() > 0) return false;
    for (std::uint32_t cpu = 0; cpu < system.machine.cpus(); ++cpu) {
      Core& core = system.machine.core(CoreId(cpu));
      const Task& runs = system.scheduler.running_on(core);
      if (&runs != &self && (core.in_interrupt() || !(core.idle() || runs.in_user_mode))) return false;
    }
    bool quiet = true;
    system.scheduler.for_each_task([&](const Task& task) {
      if (task.daemon && !task.idle)
        quiet &= task.state == Task::State::blocked && task.blocked_account == Account::schedule;
    });
    system.for_each_mm([&](const MmStruct& mm) { quiet &= mm.withheld.empty(); });
    const auto done = [&](const CachedPage& page) { // neither being read in nor written back
      quiet &= (system.page_cache.flags(page) & (PG_locked | PG_writeback)) == 0;
    };
    system.page_cache.for_each_page(done);
    system.swap.for_each_cached(done);
    for (std::uint32_t node = 0; node < system.pages.layout().nodes(); ++node)
      quiet &= system.pages.vm_stat().exact_of_node(NodeId(node), NR_WRITEBACK) == 0;
    return quiet;
  }

  KernelWorld& w_;
  const std::size_t tasks_;
  std::size_t arrived_ = 0;
  std::uint64_t meetings_ = 0, populated_ = 0;
  std::vector<Task*> sleepers_;
};

} // namespace mmsim::tests
