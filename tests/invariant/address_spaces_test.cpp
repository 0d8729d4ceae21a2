// Does the check of mm_users, mm_count, tlb_flush_pending and mm_cpumask find each of them wrong, and nothing where all is
// right?

#include "models/operations/affinity.hpp"
#include "models/operations/clone.hpp"
#include "models/operations/exec.hpp"
#include "tests/support/kernel_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mmsim::tests::address_spaces_test {
namespace {

using namespace literals;
using testing::HasSubstr;

// Two threads of a process: one runs on cpu 0 and breaks something, the other has run on cpu 1, which is lazy
// on the mm now, or runs another process.
std::string after(const std::function<void(KernelWorld&, MmStruct&)>& mistake, bool other_process = false,
                  const Settings& settings = {}) {
  KernelWorld w(2, Settings{{"kernel.tlb_flush", "eager"}} + settings);
  Completion over("the check");
  bool stop = false;
  std::string said;
  Task& first = spawn_process_at_boot(w.system, "first", CoreId(0), [&](Task& task) {
    run_user(w.system, task, 200_us);
    said = violation_of([&] {
      w.system.check_address_spaces(); // all is well
      mistake(w, *task.mm);
      w.system.check_address_spaces();
    });
    stop = true;
  });
  first.bound = true;
  spawn_thread_at_boot(w.system, "second", *first.mm, CoreId(1), [&](Task& task) {
    const PageNumber page = mmap(w.system, task, 1);
    touch(w.system, task, page, AccessKind::write);
    over.wait(w.system, task);
  }).bound = true;
  if (other_process)
    spawn_process_at_boot(w.system, "other process", CoreId(1), [&](Task& task) {
      w.spin_in_user_mode(task, stop);
    }).bound = true;
  try {
    w.engine.run();
  } catch (const std::exception&) { // what was broken stays so: the threads do not end
  }
  return said;
}

TEST(AddressSpaces, AddUpWhereNothingIsWrong) {
  for (const bool other_process : {false, true})
    EXPECT_EQ(text_in_child([&] { return after([](KernelWorld&, MmStruct&) {}, other_process); }), "");
}
TEST(AddressSpaces, AUserThatIsNoTaskIsFound) {
  EXPECT_THAT(after([](KernelWorld&, MmStruct& mm) { mm.users.count_at_boot(); }),
              HasSubstr("mm 1: mm_users is 3, but 2 tasks have it"));
}
TEST(AddressSpaces, AReferenceTooManyIsFound) {
  EXPECT_THAT(after([](KernelWorld&, MmStruct& mm) { mm.count.count_at_boot(); }),
              HasSubstr("mm 1: mm_count is 3, but it has 2 users and 1 lazy borrowers"));
}
TEST(AddressSpaces, AGatherThatNeverEndedIsFound) {
  EXPECT_THAT(after([](KernelWorld&, MmStruct& mm) { mm.tlb_flush_pending.count_at_boot(); }),
              HasSubstr("mm 1: tlb_flush_pending is 1, but nobody is changing entries"));
}
TEST(AddressSpaces, ACoreThatHasTheTablesLoadedWithoutItsBitIsFound) {
  EXPECT_THAT(after([](KernelWorld&, MmStruct& mm) { mm.cpumask.erase(CoreId(1)); }),
              HasSubstr("mm 1: cpu 1 has its tables loaded, but is not in mm_cpumask"));
}
TEST(AddressSpaces, ACoreThatKeepsEntriesWithoutItsBitIsFound) {
  EXPECT_THAT(after([](KernelWorld&, MmStruct& mm) { mm.cpumask.erase(CoreId(1)); }, true),
              HasSubstr("mm 1: the TLB of cpu 1 holds entries of it, but the cpu is not in mm_cpumask"));
}
TEST(AddressSpaces, ThatBitMayGoUnderAPolicyThatComparesGenerations) {
  EXPECT_EQ(after([](KernelWorld&, MmStruct& mm) { mm.cpumask.erase(CoreId(1)); }, true,
                  {{"kernel.tlb_flush", "lazy"}}),
            "");
}

// Kernel threads follow each other on a core that borrows an mm.
std::string borrowed_by_many(bool handed_on, std::int64_t& switches) {
  KernelWorld w(1, {{"kernel.active_mm_handed_on", handed_on}});
  std::vector<Task*> threads;
  for (int i = 0; i < 3; ++i)
    threads.push_back(&spawn_kthread_at_boot(w.system, "kernel thread", CoreId(0), [&](Task& task) {
      for (;;) {
        w.system.scheduler.block(task, Account::schedule, nullptr);
        w.system.check_address_spaces();
      }
    }));
  spawn_process_at_boot(w.system, "process", CoreId(0), [&](Task& task) {
    run_user(w.system, task, 10_us);
    for (int round = 0; round < 5; ++round) {
      for (Task* thread : threads)
        w.system.scheduler.wake(task.core(), *thread);
      w.system.scheduler.yield(task);
      w.system.check_address_spaces();
    }
    exit_task(w.system, task);
  });
  const std::string said = violation_of([&] {
    w.engine.run();
    w.system.check_invariants();
  });
  switches = static_cast<std::int64_t>(w.count(Counter::context_switch));
  return said;
}
TEST(AddressSpaces, ThatKernelThreadsBorrowOneAfterTheOtherAddUpInBothVersions) {
  for (const bool handed_on : {true, false})
    EXPECT_EQ(text_in_child([&] {
                std::int64_t switches = 0;
                const std::string said = borrowed_by_many(handed_on, switches);
                return switches < 15 ? "too few switches" : said;
              }),
              "")
        << handed_on;
}

// --- clone, vfork, exec, exit at random, and killed at every instant

void random_life(KernelWorld& w, Task& task, RandomStream& random, int steps, int depth) {
  System& system = w.system;
  const std::uint32_t cpus = system.machine.cpus();
  PageNumber page = mmap(system, task, 2);
  const auto live = [&w, &random, depth](Task& self) {
    random_life(w, self, random, 2, depth + 1);
    exit_task(w.system, self);
  };
  const auto anywhere = [&] { return CoreId(static_cast<std::uint32_t>(random.below(cpus))); };
  for (int step = 0; step < steps; ++step) {
    touch(system, task, page + random.below(2), AccessKind::write);
    switch (depth > 2 ? 4 : random.below(6)) {
    case 0:
      clone_thread(system, task, anywhere(), live);
      break;
    case 1:
      vfork(system, task, anywhere(), [&w, &random, depth](Task& child) {
        if (random.below(2) == 0 && exec(w.system, child)) random_life(w, child, random, 2, depth + 1);
        exit_task(w.system, child);
      });
      break;
    case 2:
      if (exec(system, task)) page = mmap(system, task, 2);
      break;
    case 3:
      fork(system, task, anywhere(), live);
      break;
    default:
      run_user(system, task, random.exponential(5_us));
    }
  }
}

std::string random_lives(const Settings& settings, std::uint64_t seed, Duration kill_at = {}) {
  KernelWorld w(3, settings, Engine::Options{true, seed}, seed);
  RandomStream random(seed, "lives");
  MmStruct* victim = nullptr;
  bool over = false;
  victim = spawn_process_at_boot(w.system, "first", CoreId(0), [&](Task& task) {
             random_life(w, task, random, 8, 0);
             over = true;
             exit_task(w.system, task);
           }).mm;
  if (kill_at.count() > 0)
    spawn_process_at_boot(w.system, "killer", CoreId(2), [&](Task& task) {
      run_user(w.system, task, kill_at);
      if (!over) w.system.scheduler.kill(task.core(), *victim); // whoever is in it then
      exit_task(w.system, task);
    }).bound = true;
  return violation_of([&] {
    w.engine.run();
    w.system.check_invariants();
    if (w.system.address_spaces() > 1 + 3) throw Violation("address spaces have leaked");
  });
}

const std::vector<std::string> policies{"broadcast", "eager_all", "eager", "lazy", "leave_mm", "latr"};

TEST(AddressSpaces, AddUpAfterThreadsVforkExecAndExitAtRandom) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed)
    EXPECT_EQ(text_in_child([&] {
                return random_lives({{"kernel.tlb_flush", policies[seed % policies.size()]},
                                     {"kernel.active_mm_handed_on", seed % 3 != 0},
                                     {"kernel.asid_bits", std::int64_t{seed % 4 == 0 ? 0 : 8}}},
                                    seed);
              }),
              "")
        << seed;
}
TEST(AddressSpaces, AddUpWhereverTheProcessIsKilled) {
  for (int i = 1; i <= 40; ++i)
    EXPECT_EQ(
        text_in_child([&] { return random_lives({}, 1 + static_cast<std::uint64_t>(i % 4), i * 7_us); }), "")
        << i;
}

TEST(Vfork, LetsTheParentGoOnlyWhenTheChildHasAnotherAddressSpaceOrIsGone) {
  for (const bool execs : {true, false}) {
    const auto order = in_child([&] {
      KernelWorld w(2);
      std::vector<std::int64_t> order;
      spawn_process_at_boot(w.system, "parent", CoreId(0), [&](Task& task) {
        const MmStruct* const mm = task.mm;
        vfork(w.system, task, CoreId(1), [&](Task& child) {
          EXPECT_EQ(child.mm, mm);
          sched_setaffinity(w.system, child, child, CoreId(1)); // leaves the parent's core to the parent
          EXPECT_EQ(child.mm->users.value(), 2);
          run_user(w.system, child, 20_us);
          order.push_back(1);
          if (execs) {
            EXPECT_TRUE(exec(w.system, child));
            EXPECT_NE(child.mm, mm);
            run_user(w.system, child, 500_us);
            order.push_back(3);
          }
          exit_task(w.system, child);
        });
        order.push_back(2);
        exit_task(w.system, task);
      });
      w.engine.run();
      w.system.check_invariants();
      if (testing::Test::HasFailure()) throw std::runtime_error("see above");
      return order;
    });
    EXPECT_EQ(order, execs ? (std::vector<std::int64_t>{1, 2, 3}) : (std::vector<std::int64_t>{1, 2}));
  }
}

} // namespace
} // namespace mmsim::tests::address_spaces_test
