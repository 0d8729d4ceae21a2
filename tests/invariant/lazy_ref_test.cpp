// Is an address space that nobody counts on gone from every core before it is freed?

#include "tests/support/points.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::lazy_ref_test {
namespace {

using namespace literals;

const std::vector<std::string> policies{"broadcast", "eager_all", "eager", "lazy", "leave_mm", "latr"};

TEST(LazyReferences, AreNoMatterToTheOracleWhicheverWayTheyAreKept) {
  for (const NamedScenario& scenario : scenarios)
    for (const std::string& policy : policies)
      for (const char* kthread : {"lazy", "eager"})
        for (const char* ids : {"16", "0"}) {
          const PointResult result =
              point(scenario.settings +
                    std::vector<std::string>{"run.cpus=4", "kernel.lazy_ref=shootdown",
                                             "kernel.tlb_flush=" + policy,
                                             std::string("kernel.kthread_switch=") + kthread,
                                             std::string("kernel.asid_bits=") + ids, "run.permute_ties=1"});
          EXPECT_EQ(result.status, PointStatus::done)
              << scenario.name << " " << policy << " " << kthread << " " << ids << ": " << result.message;
        }
}

// Threads of one process on all cores but the last; those of the upper half sleep, so that their cores idle
// on its tables when the others exit. How many cores were taken off them?
std::int64_t shot_at_exit(const std::string& policy, const std::string& kthread_switch) {
  return in_child([&] {
    KernelWorld w(8, {{"kernel.tlb_flush", policy},
                      {"kernel.lazy_ref", "shootdown"},
                      {"kernel.kthread_switch", kthread_switch}});
    Task& first = spawn_process_at_boot(w.system, "last to exit", CoreId(0), [&](Task& task) {
      const PageNumber page = mmap(w.system, task, 1);
      touch(w.system, task, page, AccessKind::write);
      run_user(w.system, task, 200_us);
      exit_task(w.system, task);
      EXPECT_EQ(task.active_mm, &w.system.init_mm());
    });
    first.bound = true;
    for (std::uint32_t i = 1; i < 7; ++i)
      spawn_thread_at_boot(w.system, "thread", *first.mm, CoreId(i), [&](Task& task) {
        run_user(w.system, task, 50_us);
        exit_task(w.system, task); // its core idles from now on, with what is loaded
      }).bound = true;
    w.engine.run();
    w.system.check_invariants();
    EXPECT_EQ(w.system.address_spaces(), 1u);
    EXPECT_EQ(w.system.lazy_shootdown.cleaned(), 1u);
    if (testing::Test::HasFailure()) throw std::runtime_error("see above");
    return std::vector<std::int64_t>{static_cast<std::int64_t>(w.system.lazy_shootdown.shot())};
  })[0];
}

TEST(LazyShootdown, TakesExactlyTheCoresThatAreLazyOnItOffAnAddressSpace) {
  for (const char* policy : {"broadcast", "eager_all", "eager"}) {
    EXPECT_EQ(shot_at_exit(policy, "lazy"), 7) << policy;
    EXPECT_EQ(shot_at_exit(policy, "eager"), 1) << policy << ": only the one that exits";
  }
}

// exit_mmap() frees tables: its flush has taken all of them off, under `leave_mm` all but the core where it ran.
TEST(LazyShootdown, FindsNobodyLeftWhereTheFlushOfExitTakesLazyCoresOff) {
  EXPECT_EQ(shot_at_exit("lazy", "lazy"), 0);
  EXPECT_EQ(shot_at_exit("lazy", "eager"), 0);
  EXPECT_EQ(shot_at_exit("leave_mm", "lazy"), 1);
  EXPECT_EQ(shot_at_exit("leave_mm", "eager"), 1);
}

TEST(LazyReferences, ThatAreCountedInterruptNobody) {
  KernelWorld w(2, {{"kernel.tlb_flush", "broadcast"}});
  Task& first = spawn_process_at_boot(w.system, "last to exit", CoreId(0), [&](Task& task) {
    run_user(w.system, task, 200_us);
    exit_task(w.system, task);
  });
  first.bound = true;
  spawn_thread_at_boot(w.system, "thread", *first.mm, CoreId(1), [&](Task& task) {
    exit_task(w.system, task);
  }).bound = true;
  w.engine.run();
  w.system.check_invariants();
  EXPECT_EQ(w.system.lazy_shootdown.cleaned(), 0u);
  EXPECT_EQ(w.count(Counter::ipi_requested), 0u);
}

} // namespace
} // namespace mmsim::tests::lazy_ref_test
