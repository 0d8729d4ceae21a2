// lockdep: locks and seqcounts in interrupts, found though they never meet.
#include "tests/support/lockdep_world.hpp"

namespace mmsim::tests::lockdep_interrupts_test {
namespace {

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

} // namespace
} // namespace mmsim::tests::lockdep_interrupts_test
