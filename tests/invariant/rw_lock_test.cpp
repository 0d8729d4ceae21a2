// Random readers and writers of an rwlock, interrupts among them: no writer is inside with anybody else.
#include "models/locks/rw_lock.hpp"
#include "tests/support/locks_world.hpp"

#include <gtest/gtest.h>
#include <tuple>

namespace mmsim::rw_lock_test {
namespace {

using namespace literals;

/// A lock and who is inside.
struct Shared {
  explicit Shared(LocksWorld& world) : lock(world.locks, world.machine, "tasklist_lock") {}
  void read(Core& core, Duration hold, bool irqsave = false) {
    irqsave ? lock.read_lock_irqsave(core) : lock.read_lock(core);
    EXPECT_EQ(writers, 0);
    EXPECT_FALSE(core.preemptible());
    together += ++readers > 1;
    core.charge(hold, Account::work);
    core.settle();
    EXPECT_EQ(writers, 0);
    --readers;
    ++reads;
    irqsave ? lock.read_unlock_irqrestore(core) : lock.read_unlock(core);
  }
  // Interrupts of its own core read the lock, so that it writes with interrupts off.
  void write(Core& core, Duration hold) {
    lock.write_lock_irqsave(core);
    EXPECT_EQ(readers, 0);
    EXPECT_EQ(writers++, 0);
    EXPECT_TRUE(lock.held_for_writing());
    core.charge(hold, Account::work);
    core.settle();
    EXPECT_EQ(readers, 0);
    EXPECT_EQ(writers--, 1);
    ++writes;
    lock.write_unlock_irqrestore(core);
  }
  RwLock lock;
  int readers = 0, writers = 0;
  std::uint64_t reads = 0, writes = 0, together = 0;
};

struct ReadingHandler : InterruptHandler {
  ReadingHandler(Shared& shared, RandomStream random) : shared(shared), random(std::move(random)) {}
  void handle(Core& core) override {
    shared.read(core, random.below(300_ns));
    ++taken;
  }
  Shared& shared;
  RandomStream random;
  std::uint64_t taken = 0;
};

class RandomRwLocking : public testing::TestWithParam<std::tuple<const char*, int>> {};

TEST_P(RandomRwLocking, NeverLetsAWriterMeetAnybodyAndLetsEverybodyFinish) {
  const auto [kind, number] = GetParam();
  const auto seed = static_cast<std::uint64_t>(number);
  Engine::Options options;
  options.permute_ties = number % 2 == 0 ? seed : 0;
  LocksWorld world(kind, 2, 4, options);
  const std::uint32_t cores = world.machine.cpus();
  Shared shared(world);
  ReadingHandler handler(shared, RandomStream(seed, "handler"));
  world.machine.set_handler(Irq::tick, handler);
  std::uint32_t finished = 0;
  for (std::uint32_t id = 0; id < cores; ++id)
    world.on(id, [&, random = RandomStream(seed, "cpu " + std::to_string(id))](Core& core) mutable {
      for (int round = 0; round < 300; ++round) {
        core.charge(random.exponential(round % 100 < 50 ? 5_us : 300_ns), Account::user);
        if (random.below(4) == 0)
          shared.write(core, random.exponential(200_ns));
        else
          shared.read(core, random.exponential(200_ns), random.below(2) == 0);
        EXPECT_TRUE(core.preemptible());
      }
      core.settle();
      ++finished;
    });
  world.interrupt_while([&] { return finished < cores; }, 1_us, seed);
  world.engine.run();
  EXPECT_EQ(finished, cores);
  const LockClassStats stats = world.counters.snapshot().lock_class("tasklist_lock");
  EXPECT_EQ(stats.acquired, shared.reads + shared.writes);
  EXPECT_EQ(shared.reads + shared.writes, cores * 300 + handler.taken);
  EXPECT_GT(stats.contended, 200u);
  EXPECT_GT(shared.together, 100u) << "readers hardly met";
  EXPECT_GT(handler.taken, 100u);
  EXPECT_EQ(shared.lock.describe(), "tasklist_lock, held by nobody");
}

INSTANTIATE_TEST_SUITE_P(Kinds, RandomRwLocking,
                         testing::Combine(testing::Values("tas", "ticket", "queued"), testing::Range(1, 4)),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param)) + "_" +
                                  std::to_string(std::get<1>(info.param));
                         });

// Who queues is served in the order in which he came, and readers next to each other are inside together.
TEST(RwLock, ServesReadersAndWritersInTheOrderInWhichTheyQueue) {
  LocksWorld world("queued", 1, 6);
  RwLock lock(world.locks, world.machine, "tasklist_lock");
  std::string order;
  const auto arrive = [&](std::uint32_t id, bool writes, Duration hold) {
    world.on(id, [&, id, writes, hold](Core& core) {
      core.charge((1 + static_cast<std::int64_t>(id)) * 5_us, Account::user);
      writes ? lock.write_lock(core) : lock.read_lock(core);
      order += static_cast<char>('a' + id);
      core.charge(hold, Account::work);
      core.settle();
      order += static_cast<char>('A' + id);
      writes ? lock.write_unlock(core) : lock.read_unlock(core);
    });
  };
  arrive(0, true, 100_us);
  arrive(1, false, 20_us);
  arrive(2, false, 40_us);
  arrive(3, true, 20_us);
  arrive(4, false, 20_us); // behind a writer that waits: it waits too
  arrive(5, true, 20_us);
  world.engine.run();
  EXPECT_EQ(order, "aAbcBCdDeEfF");
}

TEST(RwLock, LetsAnInterruptReadPastAWriterThatOnlyWaits) {
  LocksWorld world("queued", 1, 3);
  RwLock lock(world.locks, world.machine, "tasklist_lock");
  struct Reader : InterruptHandler {
    explicit Reader(RwLock& lock) : lock(lock) {}
    void handle(Core& core) override {
      lock.read_lock(core);
      at = core.now();
      lock.read_unlock(core);
    }
    RwLock& lock;
    Instant at{};
  } handler(lock);
  world.machine.set_handler(Irq::tick, handler);
  Instant first_left, written, task_read;
  world.on(0, [&](Core& core) { // its own interrupt reads, too
    lock.read_lock(core);
    core.charge(50_us, Account::work);
    core.settle();
    first_left = core.now();
    lock.read_unlock(core);
  });
  world.on(1, [&](Core& core) {
    core.charge(5_us, Account::work);
    lock.write_lock_irqsave(core);
    written = core.now();
    core.charge(10_us, Account::work);
    lock.write_unlock_irqrestore(core);
  });
  world.on(2, [&](Core& core) {
    core.charge(10_us, Account::work);
    lock.read_lock(core);
    task_read = core.now();
    lock.read_unlock(core);
  });
  world.engine.at(Instant{} + 20_us, [&] { world.machine.core(CoreId(0)).raise(Irq::tick); });
  world.engine.run();
  EXPECT_LT(handler.at, first_left);
  EXPECT_GT(written, first_left);
  EXPECT_GT(task_read, written + 10_us) << "a task's reader queues behind the writer";
}

std::string violation_of(const std::function<void(LocksWorld&, RwLock&, Core&)>& body) {
  LocksWorld world("queued", 1, 2, {}, false); // without lockdep, which would be the first to find it
  RwLock lock(world.locks, world.machine, "tasklist_lock");
  std::string said = "nothing";
  world.on(0, [&](Core& core) {
    try {
      body(world, lock, core);
    } catch (const Violation& violation) {
      said = violation.what();
    }
  });
  world.engine.run();
  return said;
}

TEST(RwLock, RefusesToBeGivenBackForWritingByAReader) {
  EXPECT_EQ(violation_of([](LocksWorld&, RwLock& lock, Core& core) {
              lock.read_lock(core);
              lock.write_unlock(core);
            }),
            "cpu 0 and tasklist_lock, held for reading by cpu 0: it has not what it gives back for writing");
}
TEST(RwLock, RefusesToBeGivenBackForReadingByAWriter) {
  EXPECT_EQ(violation_of([](LocksWorld&, RwLock& lock, Core& core) {
              lock.write_lock(core);
              lock.read_unlock(core);
            }),
            "cpu 0 and tasklist_lock, held for writing by cpu 0: it has not what it gives back for reading");
}
TEST(RwLock, RefusesAWriterThatReads) {
  EXPECT_EQ(violation_of([](LocksWorld&, RwLock& lock, Core& core) {
              lock.read_lock(core);
              lock.write_lock(core);
            }),
            "cpu 0 and tasklist_lock, held for reading by cpu 0: it would wait for itself");
}
TEST(RwLock, RefusesAReaderThatReadsAlready) {
  EXPECT_EQ(violation_of([](LocksWorld&, RwLock& lock, Core& core) {
              lock.read_lock(core);
              lock.read_lock(core);
            }),
            "cpu 0 and tasklist_lock, held for reading by cpu 0: it would wait for itself");
}

} // namespace
} // namespace mmsim::rw_lock_test
