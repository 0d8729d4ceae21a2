// Does the check of mm_users, mm_count, mm_cpumask, rss and map counts find each of them wrong, and nothing where all
// is right?

#include "models/operations/affinity.hpp"
#include "tests/support/random_life.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mmsim::tests::address_spaces_test {
namespace {

using namespace literals;
using testing::HasSubstr;

// Two threads of a process: one runs on cpu 0 and breaks something, the other has run on cpu 1, which is lazy
// on the mm now, or runs another process.
using Check = void (System::*)();
std::string after(const std::function<void(KernelWorld&, MmStruct&)>& mistake, bool other_process = false,
                  const Settings& settings = {}, Check check = &System::check_address_spaces) {
  KernelWorld w(2, Settings{{"kernel.tlb_flush", "eager"}} + settings);
  Completion over("the check");
  bool stop = false;
  std::string said;
  Task& first = spawn_process_at_boot(w.system, "first", CoreId(0), [&](Task& task) {
    run_user(w.system, task, 200_us);
    said = violation_of([&] {
      (w.system.*check)(); // all is well
      mistake(w, *task.mm);
      (w.system.*check)();
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

// The second thread has written to one page; while the first one looks, it sleeps.
Frame& its_page(KernelWorld& w, MmStruct& mm) {
  return w.system.pages[mm.tables.find(mm.vmas.begin()->begin)->frame()];
}
std::string all_books_after(const std::function<void(KernelWorld&, MmStruct&)>& mistake) {
  return after(mistake, false, {}, &System::check_invariants);
}
TEST(Books, AddUpWhereNothingIsWrong) {
  EXPECT_EQ(text_in_child([] {
              return all_books_after([](KernelWorld& w, MmStruct& mm) {
                if (mm.rss() != 1 || its_page(w, mm).mapcount != 1) throw std::logic_error("not one page");
              });
            }),
            "");
}
TEST(Books, AnAnonymousPageTooManyInRssIsFound) {
  EXPECT_THAT(all_books_after([](KernelWorld&, MmStruct& mm) { ++mm.rss_anon; }),
              HasSubstr("mm 1: rss is 2 anonymous and 0 file pages, but 1 and 0 are mapped"));
}
TEST(Books, APageOfAFileTooManyInRssIsFound) {
  EXPECT_THAT(all_books_after([](KernelWorld&, MmStruct& mm) { ++mm.rss_file; }),
              HasSubstr("mm 1: rss is 1 anonymous and 1 file pages, but 1 and 0 are mapped"));
}
TEST(Books, ASwapEntryThatIsNotThereIsFound) {
  EXPECT_THAT(all_books_after([](KernelWorld&, MmStruct& mm) { ++mm.swapents; }),
              HasSubstr("mm 1: MM_SWAPENTS is 1, but 0 of its entries are swap entries"));
}
TEST(Books, AWrongMapCountIsFound) {
  EXPECT_THAT(all_books_after([](KernelWorld& w, MmStruct& mm) { ++its_page(w, mm).mapcount; }),
              HasSubstr("1 entries map it and 1 pagevecs hold it, but its mapcount is 2"));
}
TEST(Books, AReferenceToAPageTooManyIsFound) {
  EXPECT_THAT(all_books_after([](KernelWorld& w, MmStruct& mm) { ++its_page(w, mm).refcount; }),
              HasSubstr("but its mapcount is 1 and its refcount 3"));
}
TEST(Books, AWrongSizeOfAnAddressSpaceIsFound) {
  EXPECT_THAT(all_books_after([](KernelWorld&, MmStruct& mm) { ++mm.total_vm; }),
              HasSubstr("mm 1: total_vm is 2, but its areas have 1 pages"));
}
TEST(Books, AMissingBitOfMmCpumaskIsFound) {
  EXPECT_THAT(all_books_after([](KernelWorld&, MmStruct& mm) { mm.cpumask.erase(CoreId(1)); }),
              HasSubstr("mm 1: cpu 1 has its tables loaded, but is not in mm_cpumask"));
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

std::string random_lives(const Settings& settings, std::uint64_t seed, Duration kill_at = {}) {
  KernelWorld w(3, settings, Engine::Options{true, seed}, seed);
  RandomStream random(seed, "lives");
  LifeCounts counts;
  MmStruct* victim = nullptr;
  bool over = false;
  victim = spawn_process_at_boot(w.system, "first", CoreId(0), [&](Task& task) {
             random_life(w, task, random, counts, 8, 0);
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
