// lockdep: every planted bug is found, at the first evidence and with both places and times; what is legal
// passes.
#include "cli/commands.hpp"
#include "cli/exit_status.hpp"
#include "cli/log.hpp"
#include "models/locks/mutex.hpp"
#include "models/locks/rw_lock.hpp"
#include "models/locks/rw_semaphore.hpp"
#include "models/locks/semaphore.hpp"
#include "models/locks/seqcount.hpp"
#include "models/scheduler/cross_call.hpp"
#include "models/scheduler/scheduler.hpp"
#include "scenarios/scenario.hpp"
#include "tests/smoke/command_fixture.hpp"
#include "tests/support/locks_world.hpp"
#include "tests/support/points.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

namespace mmsim::tests {
namespace {

using namespace literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

void work(Core& core, Duration length) {
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

/// Kernel threads only: nothing to switch.
struct NoAddressSpaces : MmSwitcher {
  void switch_mm(Core&, MmStruct*, MmStruct*) override {}
  MmStruct* enter_kernel_thread(Core&, MmStruct* previous, bool) override { return previous; }
  void drop_borrowed(Core&, MmStruct*) override {}
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

// --- order

TEST(LockdepOrder, TwoLocksTakenInBothOrdersOneAfterTheOtherAreAnInversion) {
  TasksWorld world;
  world.task("fork", 0, [&](Task& task) {
    world.mmap_lock.down_write(task);
    work(task.core(), 10_us);
    world.i_mmap_rwsem.down_write(task);
    world.i_mmap_rwsem.up_write(task);
    world.mmap_lock.up_write(task);
  });
  world.task("truncate", 1, [&](Task& task) { // long after: the two never meet
    work(task.core(), 100_us);
    world.i_mmap_rwsem.down_read(task);
    work(task.core(), 10_us);
    world.mmap_lock.down_read(task);
  });
  const std::string said = world.said();
  EXPECT_THAT(
      said,
      AllOf(HasSubstr("lock order inversion"),
            HasSubstr("truncate) asks for mmap_lock with i_mmap_rwsem held"),
            HasSubstr("mmap_lock -> i_mmap_rwsem: cpu 0, task 2 (fork) took mmap_lock at "),
            HasSubstr(
                "i_mmap_rwsem -> mmap_lock: cpu 1, task 3 (truncate) took i_mmap_rwsem for reading at ")));
  // The times are those of the acquisitions: a few hundred nanoseconds after the work.
  EXPECT_THAT(said,
              testing::ContainsRegex("task 2 \\(fork\\) took mmap_lock at [0-9.]+ (us|ns), then asked for "
                                     "i_mmap_rwsem at 1[0-9][0-9.]* us"));
  EXPECT_THAT(said,
              testing::ContainsRegex("took i_mmap_rwsem for reading at 10[0-9][0-9.]* us, then asked for "
                                     "mmap_lock at 11[0-9][0-9.]* us"));
}

TEST(LockdepOrder, ACycleOfThreeLocksOfThreeCoresIsAnInversionWithAllItsLinks) {
  CoresWorld world(3);
  const auto a = world.locks.make("a_lock"), b = world.locks.make("b_lock"), c = world.locks.make("c_lock");
  const auto nest = [&](std::uint32_t cpu, SpinLock& outer, SpinLock& inner) {
    world.on(cpu, [&, cpu](Core& core) {
      work(core, 10_us + cpu * 10_us);
      outer.lock(core);
      inner.lock(core);
      inner.unlock(core);
      outer.unlock(core);
    });
  };
  nest(0, *a, *b);
  nest(1, *b, *c);
  nest(2, *c, *a);
  EXPECT_THAT(world.said(), AllOf(HasSubstr("lock order inversion: cpu 2 asks for a_lock with c_lock held"),
                                  HasSubstr("a_lock -> b_lock: cpu 0 took a_lock at 10."),
                                  HasSubstr("b_lock -> c_lock: cpu 1 took b_lock at 20."),
                                  HasSubstr("c_lock -> a_lock: cpu 2 took c_lock at 30.")));
}

TEST(LockdepOrder, LocksGivenBackInAnotherOrderLeaveTheRightOnesHeld) {
  CoresWorld world;
  const auto a = world.locks.make("a_lock"), b = world.locks.make("b_lock"), c = world.locks.make("c_lock");
  world.on(0, [&](Core& core) {
    a->lock(core);
    b->lock(core);
    a->unlock(core); // hand over hand
    c->lock(core);
    b->unlock(core);
    c->unlock(core);
    a->lock(core); // nothing is held any more
    a->unlock(core);
  });
  world.on(1, [&](Core& core) {
    work(core, 10_us);
    c->lock(core);
    b->lock(core);
  });
  EXPECT_THAT(world.said(), AllOf(HasSubstr("cpu 1 asks for b_lock with c_lock held"),
                                  HasSubstr("b_lock -> c_lock: cpu 0 took b_lock")));
}

TEST(LockdepOrder, OneClassUnderItselfIsRecursionUnlessASubclassSaysInWhichOrder) {
  TasksWorld world;
  std::string said;
  world.task("fork", 0, [&](Task& task) {
    world.mmap_lock.down_write(task);
    world.other_mmap_lock.down_write_nested(task, 1);
    world.other_mmap_lock.up_write(task);
    work(task.core(), 10_us);
    said = violation_of([&] { world.other_mmap_lock.down_write(task); });
    world.mmap_lock.up_write(task);
  });
  EXPECT_EQ(world.said(), "");
  EXPECT_THAT(said,
              AllOf(HasSubstr("possible recursive locking: cpu 0 takes mmap_lock, held by cpu 0 since "),
                    HasSubstr("with a subclass"), HasSubstr("task 2 (fork) at 1"),
                    HasSubstr("and asks for mmap_lock at 1")));
}

TEST(LockdepOrder, SubclassesNestedTheOtherWayRoundAreAnInversion) {
  CoresWorld world;
  const auto parent = world.locks.make("pte_lock"), child = world.locks.make("pte_lock");
  world.on(0, [&](Core& core) {
    child->lock(core);
    parent->lock_nested(core, 1);
    parent->unlock(core);
    child->unlock(core);
    work(core, 10_us);
    child->lock_nested(core, 1);
    parent->lock(core);
  });
  EXPECT_THAT(world.said(), AllOf(HasSubstr("asks for pte_lock with pte_lock/1 held"),
                                  HasSubstr("pte_lock -> pte_lock/1: cpu 0 took pte_lock at ")));
}

TEST(LockdepOrder, ATrylockIsHeldLikeAnyOtherButNobodyWaitsForIt) {
  CoresWorld world;
  const auto a = world.locks.make("a_lock"), b = world.locks.make("b_lock");
  LockObserver& observer = *world.locks.observer();
  const LockRequest tried{&world, world.counters.register_lock_class("tried_lock"), 0, LockMode::exclusive,
                          true};
  std::string said;
  world.on(0, [&](Core& core) {
    a->lock(core);
    observer.acquired(core, tried); // no edge a -> tried
    observer.releasing(core, tried);
    a->unlock(core);
    observer.acquired(core, tried);
    a->lock(core); // tried -> a: legal, the only one
    a->unlock(core);
    observer.releasing(core, tried);
    b->lock(core);
    observer.acquired(core, tried);
    a->lock(core); // tried -> a, and b -> a beneath it
    a->unlock(core);
    observer.releasing(core, tried);
    b->unlock(core);
    a->lock(core);
    said = violation_of([&] { b->lock(core); });
    a->unlock(core);
  });
  EXPECT_EQ(world.said(), "");
  EXPECT_THAT(said, HasSubstr("b_lock -> a_lock: cpu 0 took b_lock"));
}

TEST(LockdepOrder, AReaderThatWaitsForWritersOnlyMakesNoCycleWithReaders) {
  CoresWorld world(1);
  LockObserver& observer = *world.locks.observer();
  const auto lock = world.locks.make("a_lock"), between = world.locks.make("b_lock");
  const auto rwlock = [&](LockMode mode) -> LockRequest {
    return {&world, world.counters.register_lock_class("rwlock"), 0, mode};
  };
  std::string reader, writer, around;
  world.on(0, [&](Core& core) {
    lock->lock(core);
    observer.acquiring(core, rwlock(LockMode::recursive)); // waits for a writer inside only
    lock->unlock(core);
    const auto hold_and_ask = [&](LockMode mode) {
      return violation_of([&] {
        observer.acquired(core, rwlock(mode));
        lock->lock(core);
        lock->unlock(core);
        observer.releasing(core, rwlock(mode));
      });
    };
    reader = hold_and_ask(LockMode::recursive);
    around = violation_of(
        [&] { // a -> rwlock -> b -> a, but the reader of the first does not wait for the second's
          observer.acquired(core, rwlock(LockMode::recursive));
          between->lock(core);
          observer.releasing(core, rwlock(LockMode::recursive));
          lock->lock(core);
          lock->unlock(core);
          between->unlock(core);
        });
    writer = hold_and_ask(LockMode::exclusive);
  });
  EXPECT_EQ(world.said(), "");
  EXPECT_EQ(reader, "");
  EXPECT_EQ(around, "");
  EXPECT_THAT(writer, AllOf(HasSubstr("lock order inversion: cpu 0 asks for a_lock with rwlock held"),
                            HasSubstr("a_lock -> rwlock: cpu 0 took a_lock at ")));
}

TEST(LockdepOrder, AnRwlockReadUnderWhatItsWriterTakesIsAnInversion) {
  CoresWorld world;
  RwLock tasklist(world.locks, world.machine, "tasklist_lock");
  const auto signals = world.locks.make("sighand_lock");
  world.on(0, [&](Core& core) {
    work(core, 10_us);
    tasklist.write_lock(core);
    work(core, 5_us);
    signals->lock(core);
    signals->unlock(core);
    tasklist.write_unlock(core);
  });
  world.on(1, [&](Core& core) { // long after: the two never meet
    work(core, 100_us);
    signals->lock(core);
    work(core, 5_us);
    tasklist.read_lock(core);
  });
  EXPECT_THAT(
      world.said(),
      AllOf(HasSubstr("lock order inversion: cpu 1 asks for tasklist_lock with sighand_lock held"),
            testing::ContainsRegex("tasklist_lock -> sighand_lock: cpu 0 took tasklist_lock at 10[.0-9]* us, "
                                   "then asked for sighand_lock at 15[.0-9]* us"),
            testing::ContainsRegex("sighand_lock -> tasklist_lock: cpu 1 took sighand_lock at 100[.0-9]* us, "
                                   "then asked for tasklist_lock at 105[.0-9]* us")));
}

// Both only read; but a reader queues behind a writer who waits, except in an interrupt.
TEST(LockdepOrder, QueuedReadersCountAsWaitersAndThoseInInterruptsDoNot) {
  const auto said = [](bool in_interrupts) {
    return text_in_child([&] {
      CoresWorld world;
      RwLock tasklist(world.locks, world.machine, "tasklist_lock");
      const auto other = world.locks.make("other_lock");
      const auto reads_and_takes = [&](Core& core) {
        tasklist.read_lock(core);
        other->lock(core);
        other->unlock(core);
        tasklist.read_unlock(core);
      };
      const auto takes_and_reads = [&](Core& core) {
        other->lock(core);
        tasklist.read_lock(core);
        tasklist.read_unlock(core);
        other->unlock(core);
      };
      world.tick.body = [&](Core& core) {
        core.id() == CoreId(0) ? reads_and_takes(core) : takes_and_reads(core);
      };
      if (in_interrupts) world.interrupt_at(10_us, 0), world.interrupt_at(50_us, 1);
      world.on(0, [&](Core& core) {
        work(core, 20_us);
        if (!in_interrupts) reads_and_takes(core);
      });
      world.on(1, [&](Core& core) {
        work(core, 100_us);
        if (!in_interrupts) takes_and_reads(core);
      });
      return world.said();
    });
  };
  EXPECT_EQ(said(true), "");
  EXPECT_THAT(said(false),
              HasSubstr("lock order inversion: cpu 1 asks for tasklist_lock with other_lock held"));
}

// --- interrupts

// Their wait_locks are no class, which one lock would take in interrupts and the other with irqs on.
TEST(LockdepInterrupts, OneRwlockWrittenInInterruptsAndAnotherWithIrqsOnHaveNothingInCommon) {
  CoresWorld world;
  RwLock in_interrupts(world.locks, world.machine, "in_interrupts");
  RwLock in_tasks(world.locks, world.machine, "in_tasks");
  world.tick.body = [&](Core& core) {
    in_interrupts.write_lock(core);
    in_interrupts.write_unlock(core);
  };
  world.interrupt_at(5_us, 0);
  world.on(0, [&](Core& core) {
    work(core, 20_us); // the interrupt, which has to wait
    in_tasks.write_lock(core);
    work(core, 20_us);
    in_tasks.write_unlock(core);
  });
  world.on(1, [&](Core& core) {
    in_interrupts.write_lock_irqsave(core);
    work(core, 10_us);
    in_interrupts.write_unlock_irqrestore(core);
    work(core, 20_us);
    in_tasks.write_lock(core); // waits
    in_tasks.write_unlock(core);
  });
  EXPECT_EQ(world.said(), "");
  const Counters::Snapshot counted = world.counters.snapshot();
  EXPECT_EQ(counted.lock_class("in_interrupts").contended, 1u);
  EXPECT_EQ(counted.lock_class("in_tasks").contended, 1u);
}

TEST(LockdepInterrupts, AnRwlockReadInInterruptsIsReadAnywhereButWrittenWithIrqsOff) {
  CoresWorld world;
  RwLock tasklist(world.locks, world.machine, "tasklist_lock");
  world.tick.body = [&](Core& core) {
    tasklist.read_lock(core);
    tasklist.read_unlock(core);
  };
  world.interrupt_at(5_us, 0);
  world.on(0, [&](Core& core) {
    tasklist.read_lock(core);
    work(core, 10_us); // the interrupt
    tasklist.read_unlock(core);
    tasklist.write_lock_irqsave(core);
    tasklist.write_unlock_irqrestore(core);
  });
  world.on(1, [&](Core& core) {
    work(core, 50_us);
    tasklist.write_lock(core);
  });
  EXPECT_THAT(world.said(),
              AllOf(HasSubstr("irq inversion: tasklist_lock"),
                    HasSubstr("tasklist_lock: cpu 0, in an interrupt, took it for reading at 5"),
                    HasSubstr("tasklist_lock: cpu 1 took it with irqs on at 50 us")));
}

TEST(LockdepInterrupts, ALockTakenInAnInterruptAndWithIrqsOnIsFoundThoughTheyNeverMeet) {
  CoresWorld world;
  const auto lock = world.locks.make("zone_lock");
  world.tick.body = [&](Core& core) {
    lock->lock(core);
    lock->unlock(core);
  };
  world.interrupt_at(50_us, 0);
  world.on(0, [&](Core& core) { work(core, 100_us); });
  world.on(1, [&](Core& core) {
    work(core, 10_us);
    lock->lock(core);
    lock->unlock(core);
  });
  EXPECT_THAT(world.said(),
              AllOf(HasSubstr("irq inversion: zone_lock is taken in an interrupt and also with irqs on"),
                    HasSubstr("zone_lock: cpu 1 took it with irqs on at 10 us"),
                    HasSubstr("zone_lock: cpu 0, in an interrupt, took it at 50")));
}

TEST(LockdepInterrupts, ALockKeptWhileIrqsComeOnIsTakenWithIrqsOn) {
  CoresWorld world;
  const auto outer = world.locks.make("outer_lock"), inner = world.locks.make("inner_lock");
  world.tick.body = [&](Core& core) {
    inner->lock(core);
    inner->unlock(core);
  };
  world.interrupt_at(50_us, 1);
  world.on(1, [&](Core& core) { work(core, 100_us); });
  world.on(0, [&](Core& core) {
    outer->lock_irqsave(core);
    inner->lock(core);
    outer->unlock_irqrestore(core); // too early
    work(core, 10_us);
    inner->unlock(core);
  });
  EXPECT_THAT(world.said(), AllOf(HasSubstr("irq inversion: inner_lock"),
                                  HasSubstr("inner_lock: cpu 0 gave it back with irqs on at 10.")));
}

TEST(LockdepInterrupts, AnInterruptsLockMustNotBeHeldWhileOneTakenWithIrqsOnIsWaitedFor) {
  CoresWorld world(3);
  const auto safe = world.locks.make("rq_lock"), between = world.locks.make("between_lock"),
             open = world.locks.make("open_lock");
  world.tick.body = [&](Core& core) {
    safe->lock(core);
    safe->unlock(core);
  };
  world.interrupt_at(50_us, 0);
  world.on(0, [&](Core& core) { work(core, 100_us); });
  world.on(1, [&](Core& core) {
    open->lock(core); // with irqs on
    open->unlock(core);
    work(core, 10_us);
    core.irq_disable();
    between->lock(core);
    open->lock(core);
    open->unlock(core);
    between->unlock(core);
    core.irq_enable();
  });
  world.on(2, [&](Core& core) {
    work(core, 70_us);
    safe->lock_irqsave(core);
    between->lock(core);
  });
  EXPECT_THAT(world.said(),
              AllOf(HasSubstr("irq inversion: rq_lock, which interrupts take, is held while open_lock"),
                    HasSubstr("rq_lock: cpu 0, in an interrupt, took it at 50"),
                    HasSubstr("open_lock: cpu 1 took it with irqs on at 0"),
                    HasSubstr("rq_lock -> between_lock: cpu 2 took rq_lock at 70."),
                    HasSubstr("between_lock -> open_lock: cpu 1 took between_lock at 10.")));
}

TEST(LockdepInterrupts, ReadersInInterruptsPassBesideReadersWithIrqsOnAndFailBesideSuchWriters) {
  CoresWorld world(1);
  LockObserver& observer = *world.locks.observer();
  LockRequest rwlock{&world, world.counters.register_lock_class("tasklist_lock")};
  const auto with = [&](LockMode mode) {
    LockRequest request = rwlock;
    request.mode = mode;
    return request;
  };
  world.tick.body = [&](Core& core) {
    observer.acquiring(core, with(LockMode::recursive)); // as a queued rwlock's reader does in an interrupt
    observer.acquired(core, with(LockMode::recursive));
    observer.releasing(core, rwlock);
  };
  world.interrupt_at(5_us, 0);
  std::string readers, writers_masked, writers;
  world.on(0, [&](Core& core) {
    readers = violation_of([&] {
      observer.acquiring(core, with(LockMode::shared));
      observer.acquired(core, with(LockMode::shared));
      work(core, 10_us); // the interrupt
      observer.releasing(core, rwlock);
    });
    writers_masked = violation_of([&] {
      core.irq_disable();
      observer.acquiring(core, with(LockMode::exclusive));
      observer.acquired(core, with(LockMode::exclusive));
      observer.releasing(core, rwlock);
      core.irq_enable();
      core.settle();
    });
    writers = violation_of([&] { observer.acquiring(core, with(LockMode::exclusive)); });
  });
  EXPECT_EQ(world.said(), "");
  EXPECT_EQ(readers, "");
  EXPECT_EQ(writers_masked, "");
  EXPECT_THAT(writers, AllOf(HasSubstr("irq inversion: tasklist_lock"),
                             HasSubstr("in an interrupt, took it for reading at 5 us"),
                             HasSubstr("took it with irqs on at 1")));
}

TEST(LockdepInterrupts, AHandlerMustNotLeaveWithALock) {
  CoresWorld world(1);
  const auto lock = world.locks.make("forgotten_lock"), next = world.locks.make("next_lock");
  world.tick.body = [&](Core& core) { lock->lock(core); };
  world.interrupt_at(5_us, 0);
  world.on(0, [&](Core& core) {
    work(core, 10_us);
    next->lock(core);
  });
  EXPECT_THAT(world.said(),
              AllOf(HasSubstr("an interrupt handler has left with forgotten_lock held, taken at 5."),
                    HasSubstr("cpu 0 at 10.")));
}

// --- seqcounts

TEST(LockdepSeqcount, AReaderInAnInterruptAndAWriterWithIrqsOnAreFoundThoughTheyNeverMeet) {
  CoresWorld world;
  LockObserver& observer = *world.locks.observer();
  const LockRequest seq = world.seqcount(&world);
  world.tick.body = [&](Core& core) { observer.read_begin(core, seq); };
  world.interrupt_at(50_us, 0);
  world.on(0, [&](Core& core) { work(core, 100_us); });
  world.on(1, [&](Core& core) {
    work(core, 10_us);
    core.preempt_disable();
    observer.write_begin(core, seq);
    observer.write_end(core, seq);
    core.preempt_enable();
  });
  EXPECT_THAT(
      world.said(),
      AllOf(HasSubstr(
                "irq inversion: seqcount write_protect_seq is written with irqs on and read in an interrupt"),
            HasSubstr("cpu 0, in an interrupt, read it at 50 us"),
            HasSubstr("cpu 1 began to write it with irqs on at 10 us")));
}

TEST(LockdepSeqcount, ReadersAnywhereAndWritersWithIrqsOffAreFine) {
  CoresWorld world;
  LockObserver& observer = *world.locks.observer();
  const LockRequest seq = world.seqcount(&world);
  world.tick.body = [&](Core& core) { observer.read_begin(core, seq); };
  world.interrupt_at(50_us, 0);
  world.on(0, [&](Core& core) {
    observer.read_begin(core, seq);
    work(core, 100_us);
  });
  world.on(1, [&](Core& core) {
    core.irq_disable();
    core.preempt_disable();
    observer.write_begin(core, seq);
    work(core, 10_us);
    observer.write_end(core, seq);
    core.preempt_enable();
    core.irq_enable();
  });
  EXPECT_EQ(world.said(), "");
}

TEST(LockdepSeqcount, AReaderInsideItsOwnWriteSectionWouldSpinForEver) {
  CoresWorld world(1);
  LockObserver& observer = *world.locks.observer();
  const LockRequest seq = world.seqcount(&world);
  world.on(0, [&](Core& core) {
    work(core, 3_us);
    core.preempt_disable();
    observer.write_begin(core, seq);
    work(core, 4_us);
    observer.read_begin(core, seq);
  });
  EXPECT_THAT(world.said(), AllOf(HasSubstr("possible recursive locking: cpu 0 takes write_protect_seq"),
                                  HasSubstr("since 3 us: it would wait for itself"), HasSubstr("at 7 us")));
}

TEST(LockdepSeqcount, AReaderInAnInterruptThatCameWhileItsCoreWritesIsFoundInsteadOfAHang) {
  CoresWorld world(1);
  SeqLock jiffies(world.locks, "jiffies_lock");
  world.tick.body = [&](Core& core) { jiffies.read_seqbegin(core); };
  world.interrupt_at(50_us, 0);
  world.on(0, [&](Core& core) {
    work(core, 40_us);
    jiffies.write_seqlock(core); // should have been irqsave
    work(core, 20_us);
    jiffies.write_sequnlock(core);
  });
  EXPECT_THAT(
      world.said(),
      AllOf(HasSubstr("irq inversion: seqcount jiffies_lock.seqcount is written with irqs on and read in an "
                      "interrupt"),
            HasSubstr("cpu 0, in an interrupt, read it at 50"),
            testing::ContainsRegex("cpu 0 began to write it with irqs on at 40[.0-9]* us"),
            testing::ContainsRegex(
                "holds\n  jiffies_lock, taken at 40[.0-9]* us\n  jiffies_lock.seqcount, taken")));
}

TEST(LockdepSeqcount, TheRawFormsSayNothing) {
  CoresWorld world(1);
  SeqCount count(world.locks, "write_protect_seq");
  world.on(0, [&](Core& core) {
    count.raw_write_seqcount_begin(core); // with preemption on
    count.raw_read_seqcount(core);
    count.raw_write_seqcount_end(core);
  });
  EXPECT_EQ(world.said(), "");
}

TEST(LockdepSeqcount, AWriterWithIrqsOffNeedsNoMore) {
  CoresWorld world(1);
  SeqCount count(world.locks, "count");
  world.on(0, [&](Core& core) {
    core.irq_disable();
    count.write_seqcount_begin(core);
    count.write_seqcount_end(core);
    core.irq_enable();
  });
  EXPECT_EQ(world.said(), "");
}

TEST(LockdepSeqcount, AWriterMustHavePreemptionOff) {
  CoresWorld world(1);
  world.on(0, [&](Core& core) { world.locks.observer()->write_begin(core, world.seqcount(&world)); });
  EXPECT_THAT(world.said(),
              HasSubstr("a seqcount's writer with preemption on: cpu 0 begins to write write_protect_seq"));
}

// --- sleeping

TEST(LockdepSleep, ASleepingLockIsNotAskedForWithASpinlockHeldEvenIfItIsFree) {
  TasksWorld world;
  world.task("munmap", 1, [&](Task& task) {
    work(task.core(), 10_us);
    world.page_table_lock->lock(task.core());
    work(task.core(), 10_us);
    world.mmap_lock.down_read(task);
  });
  EXPECT_THAT(world.said(),
              AllOf(HasSubstr("sleeping in atomic context: cpu 1, task 2 (munmap) may sleep in taking "
                              "mmap_lock, but is not preemptible"),
                    HasSubstr("page_table_lock, taken at 1"), HasSubstr("task 2 (munmap) at 2")));
}

TEST(LockdepSleep, NobodySchedulesWithASpinlockHeldOrIrqsOffOrPreemptionOff) {
  TasksWorld world;
  std::vector<std::string> said;
  const auto expect = [&](Task& task) {
    said.push_back(violation_of([&] { world.scheduler.block(task, Account::lock_sleep, nullptr); }));
    said.push_back(violation_of([&] { world.scheduler.yield(task); }));
    said.push_back(violation_of([&] { world.scheduler.resched_point(task); }));
  };
  world.task("t", 0, [&](Task& task) {
    world.page_table_lock->lock(task.core());
    expect(task);
    world.page_table_lock->unlock(task.core());
    task.core().irq_disable();
    expect(task);
    task.core().irq_enable();
    task.core().preempt_disable();
    expect(task);
    task.core().preempt_enable();
  });
  EXPECT_EQ(world.said(), "");
  ASSERT_EQ(said.size(), 9u);
  for (std::size_t i = 0; i < said.size(); ++i)
    EXPECT_THAT(said[i], AllOf(HasSubstr("sleeping in atomic context: cpu 0, task 2 (t) may sleep in "),
                               HasSubstr(std::vector{"schedule()", "yield()", "cond_resched()"}[i % 3]),
                               HasSubstr(i / 3 == 1 ? "with irqs off" : "not preemptible"),
                               HasSubstr(i / 3 == 0 ? "page_table_lock, taken at" : "holds no lock")));
}

TEST(LockdepSleep, AMutexAndASemaphoreAreNotAskedForWithASpinlockHeldEvenIfTheyAreFree) {
  TasksWorld world;
  Mutex mutex(world.locks, world.scheduler, "slab_mutex");
  Semaphore semaphore(world.locks, world.scheduler, "console_sem", 1);
  std::string of_mutex, of_semaphore;
  world.task("t", 1, [&](Task& task) {
    work(task.core(), 10_us);
    world.page_table_lock->lock(task.core());
    work(task.core(), 10_us);
    of_mutex = violation_of([&] { mutex.lock(task); });
    work(task.core(), 10_us);
    of_semaphore = violation_of([&] { semaphore.down(task); });
    world.page_table_lock->unlock(task.core());
  });
  EXPECT_EQ(world.said(), "");
  EXPECT_THAT(of_mutex, AllOf(HasSubstr("sleeping in atomic context: cpu 1, task 2 (t) may sleep in taking "
                                        "slab_mutex, but is not preemptible"),
                              HasSubstr("page_table_lock, taken at 1"), HasSubstr("task 2 (t) at 2")));
  EXPECT_THAT(of_semaphore, AllOf(HasSubstr("may sleep in down(), but is not preemptible"),
                                  HasSubstr("page_table_lock, taken at 1"), HasSubstr("task 2 (t) at 3")));
}

TEST(LockdepSleep, AReaderInRcuDoesNotSleep) {
  KernelWorld world(1);
  spawn_process_at_boot(world.system, "reader", CoreId(0), [&](Task& task) {
    work(task.core(), 10_us);
    world.system.rcu().read_lock(task.core());
    work(task.core(), 20_us);
    world.system.scheduler.block(task, Account::lock_sleep, nullptr);
  });
  EXPECT_THAT(violation_of([&] { world.engine.run(); }),
              AllOf(HasSubstr("sleeping in atomic context"), HasSubstr("(reader) may sleep in schedule()"),
                    testing::ContainsRegex("rcu_read_lock for reading, taken at 1[0-9][.0-9]* us"),
                    testing::ContainsRegex("\\(reader\\) at 3[0-9][.0-9]* us holds")));
}

TEST(LockdepSleep, SynchronizeRcuSleepsAndWaitsForCores) {
  KernelWorld world(2);
  std::string atomic;
  const auto taken_masked = world.system.locks.make("masked_lock");
  spawn_process_at_boot(world.system, "updater", CoreId(0), [&](Task& task) {
    taken_masked->lock(task.core());
    atomic = violation_of([&] { world.system.rcu().synchronize(task); });
    taken_masked->unlock(task.core());
    task.mm->mmap_lock.down_write(task); // nobody takes that with irqs off
    world.system.rcu().synchronize(task);
    task.mm->mmap_lock.up_write(task);
    exit_task(world.system, task);
  });
  EXPECT_EQ(violation_of([&] { world.engine.run(); }), "");
  EXPECT_THAT(atomic, AllOf(HasSubstr("may sleep in synchronize_rcu(), but is not preemptible"),
                            HasSubstr("masked_lock, taken at ")));
}

// --- giving back

TEST(LockdepUnlock, AnInterruptDoesNotGiveBackWhatItsTaskHolds) {
  CoresWorld world(1);
  const auto lock = world.locks.make("test_lock");
  world.tick.body = [&](Core& core) { lock->unlock(core); };
  world.interrupt_at(5_us, 0);
  world.on(0, [&](Core& core) {
    lock->lock(core);
    work(core, 10_us);
  });
  EXPECT_THAT(world.said(),
              AllOf(HasSubstr("unlock by another: cpu 0 releases test_lock, held by cpu 0 since "),
                    HasSubstr("in another context of that core"), HasSubstr("at 5 us")));
}

TEST(LockdepUnlock, AReaderDoesNotGiveBackWhatAnotherReaderHolds) {
  TasksWorld world;
  world.task("reader", 0, [&](Task& task) {
    work(task.core(), 10_us);
    world.mmap_lock.down_read(task);
    work(task.core(), 100_us);
    world.mmap_lock.up_read(task);
  });
  world.task("thief", 1, [&](Task& task) {
    work(task.core(), 50_us);
    world.mmap_lock.up_read(task);
  });
  EXPECT_THAT(world.said(),
              AllOf(HasSubstr("unlock by another: cpu 1 releases mmap_lock, held by task 2 (reader) since 1"),
                    HasSubstr("task 3 (thief) at 5")));
}

TEST(LockdepUnlock, ATaskDoesNotEndWithALockHeld) {
  TasksWorld world;
  world.task("t", 0, [&](Task& task) {
    work(task.core(), 10_us);
    world.mmap_lock.down_read(task);
    work(task.core(), 10_us);
  });
  EXPECT_THAT(world.said(), AllOf(HasSubstr("a task ends with locks held: cpu 0, task 2 (t)"),
                                  HasSubstr("mmap_lock for reading, taken at 1"), HasSubstr("(t) at 2")));
}

TEST(LockdepUnlock, ATaskDoesNotGoToUserModeWithALockHeld) {
  KernelWorld world(1);
  spawn_process_at_boot(world.system, "p", CoreId(0), [&](Task& task) {
    task.mm->mmap_lock.down_write(task);
    run_user(world.system, task, 1_us);
  });
  EXPECT_THAT(
      violation_of([&] { world.engine.run(); }),
      AllOf(HasSubstr("a task goes to user mode with locks held"), HasSubstr("mmap_lock, taken at ")));
}

// --- waiting for other cores

TEST(LockdepCores, ACallUnderALockThatOthersTakeWithIrqsOffIsFoundThoughTheyNeverMeet) {
  TasksWorld world;
  const auto lock = world.locks.make("test_lock");
  world.task("masked", 0, [&](Task& task) {
    work(task.core(), 10_us);
    lock->lock_irqsave(task.core());
    lock->unlock_irqrestore(task.core());
  });
  world.task("caller", 1, [&](Task& task) {
    work(task.core(), 50_us);
    lock->lock(task.core());
    work(task.core(), 10_us);
    world.call_all(task.core());
  });
  EXPECT_THAT(
      world.said(),
      AllOf(HasSubstr("waiting for other cores that may wait for us"),
            HasSubstr("irqs off -> test_lock: cpu 0, task 2 (masked) asked for test_lock with irqs off at 1"),
            HasSubstr("test_lock -> other cores: cpu 1, task 3 (caller) took test_lock at 5"),
            HasSubstr("then waited for other cores in a cross-call at 6")));
}

TEST(LockdepCores, TheSameIsFoundInTheOtherOrderAndThroughALockBetween) {
  TasksWorld world;
  const auto lock = world.locks.make("test_lock"), between = world.locks.make("between_lock");
  world.task("caller", 1, [&](Task& task) {
    lock->lock(task.core());
    world.call_all(task.core());
    lock->unlock(task.core());
  });
  world.task("between", 0, [&](Task& task) {
    work(task.core(), 50_us);
    between->lock(task.core());
    lock->lock(task.core());
    lock->unlock(task.core());
    between->unlock(task.core());
    work(task.core(), 50_us);
    between->lock_irqsave(task.core());
  });
  EXPECT_THAT(world.said(),
              AllOf(HasSubstr("waiting for other cores that may wait for us"),
                    HasSubstr("irqs off -> between_lock"), HasSubstr("between_lock -> test_lock"),
                    HasSubstr("test_lock -> other cores: cpu 1, task 2 (caller)")));
}

TEST(LockdepCores, NobodyWaitsForCoresWithIrqsOff) {
  TasksWorld world;
  std::string masked;
  world.task("t", 0, [&](Task& task) {
    task.core().irq_disable();
    masked = violation_of([&] { world.call_all(task.core()); });
    task.core().irq_enable();
  });
  EXPECT_EQ(world.said(), "");
  EXPECT_THAT(masked, AllOf(HasSubstr(
                          "waiting for other cores with irqs off: cpu 0, task 2 (t) waits in a cross-call")));
}

TEST(LockdepCores, AnInterruptDoesNotWaitForCores) {
  CoresWorld world(1);
  world.tick.body = [&](Core& core) { world.locks.observer()->waits_for_cores(core, "synchronize_rcu()"); };
  world.interrupt_at(5_us, 0);
  world.on(0, [&](Core& core) { work(core, 10_us); });
  EXPECT_THAT(world.said(),
              HasSubstr("waiting for other cores in an interrupt: cpu 0, in an interrupt waits in "
                        "synchronize_rcu()"));
}

TEST(LockdepCores, ACallUnderALockThatIsAlwaysTakenWithIrqsOnIsFine) {
  TasksWorld world;
  for (std::uint32_t cpu = 0; cpu < 2; ++cpu)
    world.task("t", cpu, [&](Task& task) {
      for (int i = 0; i < 10; ++i) {
        world.mmap_lock.down_write(task);
        world.page_table_lock->lock(task.core());
        world.call_all(task.core());
        world.page_table_lock->unlock(task.core());
        world.mmap_lock.up_write(task);
      }
    });
  EXPECT_EQ(world.said(), "");
}

// --- what is legal

TEST(Lockdep, ARandomLegalProgramPasses) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed)
    EXPECT_EQ(
        text_in_child([&]() -> std::string {
          TasksWorld world(4);
          std::vector<std::unique_ptr<SpinLock>> spin; // taken in their order, the upper half with irqs off
          std::vector<std::unique_ptr<RwSemaphore>> sleep;
          const std::vector<const char*> names{"a", "b", "c", "d", "e", "f"};
          for (const char* name : names)
            spin.push_back(world.locks.make(name));
          for (const char* name : {"u", "v", "w"})
            sleep.push_back(std::make_unique<RwSemaphore>(world.locks, world.scheduler, name));
          for (std::uint32_t i = 0; i < 9; ++i)
            world.task("t" + std::to_string(i), i % 4,
                       [&, random = RandomStream(seed, std::to_string(i))](Task& task) mutable {
                         for (int round = 0; round < 100; ++round) {
                           std::vector<std::pair<RwSemaphore*, bool>> slept;
                           for (const auto& semaphore : sleep)
                             if (random.below(2) != 0) {
                               const bool writes = random.below(3) == 0;
                               writes ? semaphore->down_write(task) : semaphore->down_read(task);
                               slept.emplace_back(semaphore.get(), writes);
                             }
                           world.scheduler.resched_point(task);
                           std::vector<SpinLock*> spun;
                           for (std::size_t k = 0; k < 3; ++k)
                             if (random.below(2) != 0) {
                               spin[k]->lock(task.core());
                               spun.push_back(spin[k].get());
                             }
                           if (random.below(8) == 0) world.call_all(task.core());
                           for (std::size_t k = 3; k < 6; ++k)
                             if (random.below(2) != 0) {
                               spin[k]->lock_irqsave(task.core());
                               work(task.core(), random.exponential(100_ns));
                               spin[k]->unlock_irqrestore(task.core());
                             }
                           while (!spun.empty()) { // in any order
                             const std::size_t k = random.below(spun.size());
                             spun[k]->unlock(task.core());
                             spun.erase(spun.begin() + static_cast<std::ptrdiff_t>(k));
                           }
                           for (const auto& [semaphore, writes] : slept)
                             if (!writes) {
                               semaphore->up_read(task);
                             } else if (random.below(2) != 0) {
                               semaphore->downgrade_write(task);
                               semaphore->up_read(task);
                             } else {
                               semaphore->up_write(task);
                             }
                         }
                       });
          return world.said();
        }),
        "")
        << "seed " << seed;
}

TEST(Lockdep, ARandomLegalProgramOfReadersAndWritersPasses) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed)
    EXPECT_EQ(text_in_child([&]() -> std::string {
                CoresWorld world(4);
                RwLock tasklist(world.locks, world.machine, "tasklist_lock");
                SeqLock jiffies(world.locks, "jiffies_lock");
                const auto inner = world.locks.make("inner_lock");
                const auto look = [&](Core& core, Duration length) {
                  std::uint32_t since;
                  do {
                    since = jiffies.read_seqbegin(core);
                    core.charge(length, Account::work);
                  } while (jiffies.read_seqretry(core, since));
                };
                world.tick.body = [&](Core& core) {
                  tasklist.read_lock(core);
                  look(core, 50_ns);
                  tasklist.read_unlock(core);
                };
                std::uint32_t finished = 0;
                for (std::uint32_t cpu = 0; cpu < 4; ++cpu)
                  world.on(cpu, [&, random = RandomStream(seed, std::to_string(cpu))](Core& core) mutable {
                    for (int round = 0; round < 200; ++round) {
                      work(core, random.exponential(500_ns));
                      switch (random.below(4)) {
                      case 0:
                        tasklist.read_lock(core);
                        look(core, random.exponential(100_ns));
                        tasklist.read_unlock(core);
                        break;
                      case 1:
                        tasklist.write_lock_irqsave(core);
                        jiffies.write_seqlock(core);
                        work(core, random.exponential(100_ns));
                        jiffies.write_sequnlock(core);
                        tasklist.write_unlock_irqrestore(core);
                        break;
                      case 2:
                        tasklist.read_lock_irqsave(core);
                        inner->lock(core);
                        look(core, random.exponential(100_ns));
                        inner->unlock(core);
                        tasklist.read_unlock_irqrestore(core);
                        break;
                      default:
                        look(core, random.exponential(100_ns));
                      }
                    }
                    ++finished;
                  });
                world.engine.spawn("interrupts", [&, random = RandomStream(seed, "interrupts")]() mutable {
                  while (finished < 4) {
                    world.engine.wait_until(world.engine.now() + random.exponential(1_us));
                    world.machine.core(CoreId(static_cast<std::uint32_t>(random.below(4)))).raise(Irq::tick);
                  }
                });
                return world.said();
              }),
              "")
        << "seed " << seed;
}

TEST(Lockdep, ARandomLegalProgramOfMutexesSemaphoresAndRcuPasses) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed)
    EXPECT_EQ(text_in_child([&]() -> std::string {
                KernelWorld world(4, {}, {}, seed);
                Mutex mutex(world.system.locks, world.system.scheduler, "slab_mutex");
                Semaphore semaphore(world.system.locks, world.system.scheduler, "console_sem", 2);
                const auto lock = world.system.locks.make("inner_lock");
                for (std::uint32_t i = 0; i < 8; ++i)
                  spawn_process_at_boot(
                      world.system, "t", CoreId(i % 4),
                      [&, random = RandomStream(seed, std::to_string(i))](Task& task) mutable {
                        Rcu& rcu = world.system.rcu();
                        for (int round = 0; round < 50; ++round) {
                          semaphore.down(task);
                          if (random.below(2) != 0) mutex.lock(task);
                          rcu.read_lock(task.core());
                          lock->lock(task.core());
                          rcu.read_lock(task.core());
                          work(task.core(), random.exponential(100_ns));
                          lock->unlock(task.core());
                          rcu.read_unlock(task.core());
                          rcu.read_unlock(task.core());
                          if (mutex.held_by(task)) {
                            if (random.below(8) == 0) rcu.synchronize(task);
                            mutex.unlock(task);
                          }
                          semaphore.up(task.core());
                          work(task.core(), random.exponential(1_us));
                        }
                        exit_task(world.system, task);
                      });
                return violation_of([&] { world.engine.run(); });
              }),
              "")
        << "seed " << seed;
}

TEST(Lockdep, ChangesNoResult) {
  for (const NamedScenario& scenario : scenarios) {
    const auto settings =
        scenario.settings + std::vector<std::string>{"machine.base=kunpeng920-128", "kernel.base=5.10",
                                                     "run.cpus=4", "kernel.tlb_flush=lazy"};
    const PointResult on = point(settings),
                      off = point(settings + std::vector<std::string>{"run.lockdep=false"});
    EXPECT_EQ(on.status, PointStatus::done) << on.message;
    EXPECT_EQ(to_json(on), to_json(off)) << scenario.name;
  }
}

// --- from the command line

/// In this test program only: takes two locks in both orders.
class Inversion final : public Scenario {
  void start(Experiment& x) override {
    x.expect_ready(1);
    a_ = x.system().locks.make("a_lock"), b_ = x.system().locks.make("b_lock");
    spawn_process_at_boot(x.system(), "inverter", CoreId(0), [this, &x](Task& task) {
      x.ready(task);
      for (auto [outer, inner] : {std::pair{a_.get(), b_.get()}, std::pair{b_.get(), a_.get()}}) {
        outer->lock(task.core());
        inner->lock(task.core());
        inner->unlock(task.core());
        outer->unlock(task.core());
      }
      exit_task(x.system(), task);
    });
  }
  std::unique_ptr<SpinLock> a_, b_;
};
const Registered<Scenario> registered{"planted_inversion", "two locks in both orders",
                                      [](const Configuration&) { return std::make_unique<Inversion>(); }};

TEST(Lockdep, AViolationEndsTheCommandWithStatusOneAndItsWholeText) {
  const TestFolder folder;
  set_up_log();
  testing::internal::CaptureStderr();
  const int status =
      run_command({{},
                   {"scenario.name=planted_inversion", "kernel.base=5.10", "machine.base=neoverse-n1-80"},
                   folder / "result",
                   ""});
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_EQ(status, exit_violation);
  EXPECT_THAT(said, AllOf(HasSubstr("1 of 1 runs found a violation"), HasSubstr("lock order inversion"),
                          HasSubstr("\n  b_lock -> a_lock: cpu 0, task "),
                          HasSubstr("\n  a_lock -> b_lock: cpu 0, task ")));
  EXPECT_THAT(
      contents_of(folder.path() / "result" / "manifest.json"),
      AllOf(HasSubstr("\"status\": \"violation\""), HasSubstr("\\n  a_lock -> b_lock: cpu 0, task ")));
}

TEST(Lockdep, TurnedOffFindsNothing) {
  EXPECT_EQ(run_command({{},
                         {"scenario.name=planted_inversion", "kernel.base=5.10",
                          "machine.base=neoverse-n1-80", "run.lockdep=false"},
                         {},
                         ""}),
            exit_done);
}

} // namespace
} // namespace mmsim::tests
