// Do the flush policies interrupt whom they must and nobody else, and does that cost what it must?

#include "tests/support/points.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::flush_law_test {
namespace {

using namespace literals;

// One flush in always the same state: the process has run on the first `sharing` of 8 cores; of those, `lazy`
// ones idle on its tables, the rest runs user code. The others have never seen it. Returns interrupts
// requested and skipped.
struct Told {
  std::int64_t requested, skipped;
};
Told one_flush(const std::string& policy, bool freed_tables, std::uint32_t sharing, std::uint32_t lazy,
               std::uint64_t ties = 0) {
  const auto numbers = in_child([&] {
    KernelWorld w(8, {{"kernel.tlb_flush", policy}}, Engine::Options{true, ties});
    bool over = false;
    std::vector<std::unique_ptr<Completion>> ends;
    Counters::Snapshot before, after;
    Task& flusher = spawn_process_at_boot(w.system, "flusher", CoreId(0), [&](Task& task) {
      run_user(w.system, task, 100_us);
      before = w.counters.snapshot();
      w.system.flusher.flush_range(task.core(), *task.mm, PageNumber(1000), PageNumber(1003), freed_tables);
      after = w.counters.snapshot();
      over = true;
      for (auto& end : ends)
        end->complete(w.system, task.core());
      exit_task(w.system, task);
    });
    flusher.bound = true;
    for (std::uint32_t i = 1; i < sharing; ++i) {
      Completion* sleep = nullptr;
      if (i <= lazy) sleep = ends.emplace_back(std::make_unique<Completion>("the flush")).get();
      spawn_thread_at_boot(w.system, "sharer", *flusher.mm, CoreId(i), [&, sleep](Task& task) {
        run_user(w.system, task, 10_us);
        if (sleep != nullptr)
          sleep->wait(w.system, task);
        else
          w.spin_in_user_mode(task, over);
        exit_task(w.system, task);
      }).bound = true;
    }
    w.engine.run();
    return std::vector<std::int64_t>{
        static_cast<std::int64_t>(after[Counter::ipi_requested] - before[Counter::ipi_requested]),
        static_cast<std::int64_t>(after[Counter::tlb_flush_skipped] - before[Counter::tlb_flush_skipped])};
  });
  return {numbers[0], numbers[1]};
}

TEST(OneFlush, OfEagerAllInterruptsAllOtherCores) {
  for (const std::uint32_t sharing : {1u, 3u, 8u})
    EXPECT_EQ(one_flush("eager_all", false, sharing, 0).requested, 7) << sharing;
}

TEST(OneFlush, OfEagerInterruptsTheOtherCoresOfTheMaskWhetherLazyOrNot) {
  for (const std::uint32_t sharing : {1u, 3u, 8u})
    for (const std::uint32_t lazy : {0u, sharing / 2})
      EXPECT_EQ(one_flush("eager", false, sharing, lazy).requested, sharing - 1) << sharing << " " << lazy;
}

TEST(OneFlush, OfLazySkipsLazyCoresUnlessTablesAreFreed) {
  for (const std::uint64_t ties : {0u, 1u, 2u, 3u})
    for (const std::uint32_t lazy : {0u, 1u, 4u, 7u}) {
      const Told keeps = one_flush("lazy", false, 8, lazy, ties),
                 frees = one_flush("lazy", true, 8, lazy, ties);
      EXPECT_EQ(keeps.requested, 7 - lazy);
      EXPECT_EQ(keeps.skipped, lazy);
      EXPECT_EQ(frees.requested, 7);
      EXPECT_EQ(frees.skipped, 0);
    }
}

TEST(OneFlush, OnTheSameStateLazyInterruptsNoMoreThanEagerAndEagerNoMoreThanEagerAll) {
  for (const bool freed_tables : {false, true})
    for (const std::uint32_t sharing : {1u, 2u, 5u, 8u})
      for (const std::uint32_t lazy : {0u, 1u, sharing - 1}) {
        if (lazy >= sharing) continue;
        const std::int64_t by_lazy = one_flush("lazy", freed_tables, sharing, lazy).requested,
                           by_eager = one_flush("eager", freed_tables, sharing, lazy).requested,
                           by_all = one_flush("eager_all", freed_tables, sharing, lazy).requested;
        EXPECT_LE(by_lazy, by_eager) << sharing << " " << lazy;
        EXPECT_LE(by_eager, by_all) << sharing << " " << lazy;
        EXPECT_EQ(one_flush("leave_mm", freed_tables, sharing, lazy).requested,
                  by_eager); // of the first flush
        EXPECT_EQ(one_flush("latr", freed_tables, sharing, lazy).requested, sharing - 1 - lazy);
        EXPECT_EQ(one_flush("erratum_798181", freed_tables, sharing, lazy).requested, sharing - 1);
      }
}

TEST(OneFlush, ByBroadcastInterruptsNobody) { EXPECT_EQ(one_flush("broadcast", true, 8, 3).requested, 0); }

TEST(LeaveMm, InterruptsALazyCoreOnceAndThenNoMoreUntilItComesBack) {
  KernelWorld w(2, {{"kernel.tlb_flush", "leave_mm"}});
  Completion again("the flushes");
  std::vector<std::uint64_t> requested;
  bool over = false;
  Task& flusher = spawn_process_at_boot(w.system, "flusher", CoreId(0), [&](Task& task) {
    run_user(w.system, task, 100_us);
    const auto flush = [&] {
      const std::uint64_t before = w.count(Counter::ipi_requested);
      w.system.flusher.flush_page(task.core(), *task.mm, PageNumber(1000));
      requested.push_back(w.count(Counter::ipi_requested) - before);
    };
    EXPECT_EQ(&w.system.mm_switch.loaded(CoreId(1)), task.mm);
    flush();
    EXPECT_EQ(&w.system.mm_switch.loaded(CoreId(1)), &w.system.init_mm());
    flush();
    again.complete(w.system, task.core());
    run_user(w.system, task, 100_us);
    EXPECT_EQ(&w.system.mm_switch.loaded(CoreId(1)), task.mm);
    flush();
    over = true;
    exit_task(w.system, task);
  });
  flusher.bound = true;
  spawn_thread_at_boot(w.system, "sleeper", *flusher.mm, CoreId(1), [&](Task& task) {
    again.wait(w.system, task);
    w.spin_in_user_mode(task, over);
    exit_task(w.system, task);
  }).bound = true;
  w.engine.run();
  w.system.check_invariants();
  EXPECT_EQ(requested, (std::vector<std::uint64_t>{1, 0, 1}));
}

double mean_munmap(int cpus, const std::string& policy, int ties) {
  const PointResult result =
      point({"scenario.name=munmap", "scenario.mode=threads", "scenario.pages=1",
             "machine.base=neoverse-n1-80", "kernel.tlb_flush=" + policy, "run.cpus=" + std::to_string(cpus),
             "run.permute_ties=" + std::to_string(ties)});
  EXPECT_EQ(result.status, PointStatus::done) << result.message;
  const OperationResult& munmap = result.operations.at(2);
  EXPECT_EQ(munmap.name, "munmap");
  return static_cast<double>(munmap.latency.sum().count()) / static_cast<double>(munmap.latency.count());
}

TEST(Munmap, WithInterruptsTakesLongerTheMoreCoresShareTheAddressSpace) {
  for (const int ties : {0, 1, 2}) {
    double last = 0;
    for (const int cpus : {1, 2, 4, 8, 16}) {
      const double mean = mean_munmap(cpus, "eager", ties);
      EXPECT_GT(mean, last) << cpus << " cpus, ties " << ties;
      last = mean;
    }
  }
}

TEST(Interrupts, AreNeverSentByASingleCore) {
  for (const NamedScenario& scenario : scenarios)
    for (const char* policy :
         {"broadcast", "eager_all", "eager", "lazy", "leave_mm", "latr", "erratum_798181"}) {
      const PointResult result =
          point(scenario.settings + std::vector<std::string>{std::string("kernel.tlb_flush=") + policy});
      ASSERT_EQ(result.status, PointStatus::done) << result.message;
      EXPECT_EQ(result.whole_run[Counter::ipi_requested], 0u) << scenario.name << " " << policy;
      EXPECT_EQ(result.whole_run[Counter::ipi_sent], 0u) << scenario.name << " " << policy;
    }
}

TEST(Interrupts, AreAllReceivedOrCoalescedAfterTheDrain) {
  for (const NamedScenario& scenario : scenarios)
    for (const char* policy : {"broadcast", "eager_all", "eager", "lazy"})
      for (const char* calls : {"per_cpu_queue", "single_lock"})
        for (const char* ties : {"0", "1"}) {
          const PointResult result =
              point(scenario.settings + std::vector<std::string>{"run.cpus=4",
                                                                 std::string("kernel.tlb_flush=") + policy,
                                                                 std::string("kernel.cross_call=") + calls,
                                                                 std::string("run.permute_ties=") + ties});
          ASSERT_EQ(result.status, PointStatus::done) << result.message;
          const auto& run = result.whole_run;
          EXPECT_EQ(run[Counter::ipi_requested], run[Counter::ipi_received] + run[Counter::ipi_coalesced])
              << scenario.name << " " << policy << " " << calls << " ties " << ties;
          EXPECT_LE(run[Counter::ipi_received], run[Counter::ipi_sent]);
        }
}

TEST(Interrupts, AreAllReceivedOrCoalescedUnderPoliciesThatWaitForSwitchesToo) {
  for (const NamedScenario& scenario : scenarios)
    for (const char* policy : {"leave_mm", "latr", "erratum_798181"})
      for (const char* kthread_switch : {"lazy", "eager"})
        for (const char* asid_bits : {"0", "16"}) {
          const PointResult result =
              point(scenario.settings +
                    std::vector<std::string>{"run.cpus=4", std::string("kernel.tlb_flush=") + policy,
                                             std::string("kernel.kthread_switch=") + kthread_switch,
                                             std::string("kernel.asid_bits=") + asid_bits});
          ASSERT_EQ(result.status, PointStatus::done)
              << scenario.name << " " << policy << ": " << result.message;
          const auto& run = result.whole_run;
          EXPECT_EQ(run[Counter::ipi_requested], run[Counter::ipi_received] + run[Counter::ipi_coalesced]);
        }
}

} // namespace
} // namespace mmsim::tests::flush_law_test
