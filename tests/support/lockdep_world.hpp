// Worlds in which bugs are planted for lockdep: said() is what the run ends with.
#pragma once

#include "models/locks/mutex.hpp"
#include "models/locks/rw_lock.hpp"
#include "models/locks/rw_semaphore.hpp"
#include "models/locks/semaphore.hpp"
#include "models/locks/seqcount.hpp"
#include "models/scheduler/cross_call.hpp"
#include "models/scheduler/scheduler.hpp"
#include "tests/support/points.hpp"
#include "tests/support/tasks_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

namespace mmsim::tests {

using namespace literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

inline void work(Core& core, Duration length) {
  core.charge(length, Account::work);
  core.settle();
}

struct Handler final : InterruptHandler {
  std::function<void(Core&)> body = [](Core&) {};
  void handle(Core& core) override { body(core); }
};

/// Cores and locks, no tasks.
struct CoresWorld : LocksWorld {
  explicit CoresWorld(std::int64_t cpus = 2) : LocksWorld("queued", 1, cpus) {
    machine.set_handler(Irq::tick, tick);
  }
  void interrupt_at(Duration t, std::uint32_t cpu) {
    engine.at(Instant(t), [this, cpu] { machine.core(CoreId(cpu)).raise(Irq::tick); });
  }
  LockRequest seqcount(const void* which) {
    return {which, counters.register_lock_class("write_protect_seq")};
  }
  std::string said() {
    return violation_of([this] { engine.run(); });
  }
  Handler tick;
};

/// Cores, locks and tasks.
struct TasksWorld : LocksWorld {
  explicit TasksWorld(std::int64_t cpus = 2)
      : LocksWorld("queued", 1, cpus),
        scheduler(machine, locks, switcher, configuration, RandomStream(1, "ticks")),
        mmap_lock(locks, scheduler, "mmap_lock"), other_mmap_lock(locks, scheduler, "mmap_lock"),
        i_mmap_rwsem(locks, scheduler, "i_mmap_rwsem"), page_table_lock(locks.make("page_table_lock")),
        calls(Registry<CrossCalls>::instance().create("per_cpu_queue", machine, locks)) {
    scheduler.boot(nullptr);
  }
  Task& task(std::string name, std::uint32_t cpu, std::function<void(Task&)> body) {
    Task& task = scheduler.spawn_at_boot(std::move(name), nullptr, CoreId(cpu), std::move(body));
    task.bound = true;
    return task;
  }
  void call_all(Core& core) {
    struct Nothing final : RemoteCall {
      void run(Core&) override {}
    } nothing;
    CoreSet others = machine.online();
    others.erase(core.id());
    calls->call(core, others, nothing);
  }
  std::string said() {
    return violation_of([this] { engine.run(); });
  }

  NoAddressSpaces switcher;
  Scheduler scheduler;
  RwSemaphore mmap_lock, other_mmap_lock, i_mmap_rwsem;
  std::unique_ptr<SpinLock> page_table_lock;
  std::unique_ptr<CrossCalls> calls;
};

} // namespace mmsim::tests
