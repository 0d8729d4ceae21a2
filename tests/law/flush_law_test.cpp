// Do the flush policies interrupt whom they must and nobody else, and does that cost what it must?

#include "tests/support/points.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::flush_law_test {
namespace {

using namespace literals;

// One flush in always the same state: the process has run on the first `sharing` of 8 cores; of those, `lazy`
// ones idle on its tables, `elsewhere` ones run another process by now, the rest runs user code. The others have
// never seen it. Returns interrupts requested and skipped.
struct State {
  bool freed_tables;
  std::uint32_t sharing, lazy, elsewhere = 0;
};
std::ostream& operator<<(std::ostream& out, const State& state) {
  return out << (state.freed_tables ? "frees tables, " : "") << state.sharing << " cores, " << state.lazy
             << " lazy, " << state.elsewhere << " elsewhere";
}
struct Told {
  std::int64_t requested, skipped;
};
Told one_flush(const std::string& policy, const State& state, const Settings& settings = {},
               std::uint64_t ties = 0) {
  const auto numbers = in_child([&] {
    KernelWorld w(8, Settings{{"kernel.tlb_flush", policy}} + settings, Engine::Options{true, ties});
    bool over = false;
    std::vector<std::unique_ptr<Completion>> ends;
    Counters::Snapshot before, after;
    Task& flusher = spawn_process_at_boot(w.system, "flusher", CoreId(0), [&](Task& task) {
      run_user(w.system, task, 100_us);
      before = w.counters.snapshot();
      w.system.flusher.flush_range(task.core(), *task.mm, PageNumber(1000), PageNumber(1003),
                                   state.freed_tables);
      after = w.counters.snapshot();
      over = true;
      for (auto& end : ends)
        end->complete(w.system, task.core());
      exit_task(w.system, task);
    });
    flusher.bound = true;
    for (std::uint32_t i = 1; i < state.sharing; ++i) {
      const bool sleeps = i <= state.lazy + state.elsewhere;
      Completion* const sleep =
          sleeps ? ends.emplace_back(std::make_unique<Completion>("the flush")).get() : nullptr;
      spawn_thread_at_boot(w.system, "sharer", *flusher.mm, CoreId(i), [&, sleep](Task& task) {
        run_user(w.system, task, 10_us);
        if (sleep != nullptr)
          sleep->wait(w.system, task);
        else
          w.spin_in_user_mode(task, over);
        exit_task(w.system, task);
      }).bound = true;
      if (i <= state.lazy || !sleeps) continue;
      spawn_process_at_boot(w.system, "another process", CoreId(i), [&](Task& task) {
        w.spin_in_user_mode(task, over);
        exit_task(w.system, task);
      }).bound = true;
    }
    w.engine.run();
    w.system.check_invariants();
    return std::vector<std::int64_t>{
        static_cast<std::int64_t>(after[Counter::ipi_requested] - before[Counter::ipi_requested]),
        static_cast<std::int64_t>(after[Counter::tlb_flush_skipped] - before[Counter::tlb_flush_skipped])};
  });
  return {numbers[0], numbers[1]};
}

TEST(OneFlush, OfEagerAllInterruptsAllOtherCores) {
  for (const std::uint32_t sharing : {1u, 3u, 8u})
    EXPECT_EQ(one_flush("eager_all", {false, sharing, 0}).requested, 7) << sharing;
}

TEST(OneFlush, OfEagerInterruptsTheOtherCoresOfTheMaskWhetherLazyOrNot) {
  for (const std::uint32_t sharing : {1u, 3u, 8u})
    for (const std::uint32_t lazy : {0u, sharing / 2})
      EXPECT_EQ(one_flush("eager", {false, sharing, lazy}).requested, sharing - 1) << sharing << " " << lazy;
}

TEST(OneFlush, OfLazySkipsLazyCoresUnlessTablesAreFreed) {
  for (const std::uint64_t ties : {0u, 1u, 2u, 3u})
    for (const std::uint32_t lazy : {0u, 1u, 4u, 7u}) {
      const Told keeps = one_flush("lazy", {false, 8, lazy}, {}, ties),
                 frees = one_flush("lazy", {true, 8, lazy}, {}, ties);
      EXPECT_EQ(keeps.requested, 7 - lazy);
      EXPECT_EQ(keeps.skipped, lazy);
      EXPECT_EQ(frees.requested, 7);
      EXPECT_EQ(frees.skipped, 0);
    }
}

// A core that runs another process has dropped what it had, where there are no ids. With ids it keeps entries: `eager`
// keeps it in the mask for that, `lazy` has it compare generations when it comes back.
class OnTheSameState : public testing::TestWithParam<std::tuple<std::int64_t, bool>> {};

TEST_P(OnTheSameState, LazyInterruptsNoMoreThanEagerAndEagerNoMoreThanEagerAll) {
  const auto [asid_bits, freed_tables] = GetParam();
  for (const std::uint32_t sharing : {1u, 2u, 5u, 8u})
    for (const std::uint32_t lazy : {0u, 1u, sharing - 1})
      for (const std::uint32_t elsewhere : {0u, 1u, 3u}) {
        if (lazy + elsewhere >= sharing) continue;
        const State state{freed_tables, sharing, lazy, elsewhere};
        const auto told = [&, bits = asid_bits](const char* policy) {
          return one_flush(policy, state, {{"kernel.asid_bits", bits}}).requested;
        };
        const std::int64_t others = sharing - 1, by_lazy = told("lazy"), by_eager = told("eager");
        EXPECT_LE(by_lazy, by_eager) << state;
        EXPECT_LE(by_eager, told("eager_all")) << state;
        EXPECT_EQ(by_lazy, others - elsewhere - (freed_tables ? 0 : lazy)) << state;
        EXPECT_EQ(by_eager, asid_bits == 0 ? others - elsewhere : others) << state;
        EXPECT_EQ(told("leave_mm"), by_eager) << state; // of the first flush
        EXPECT_EQ(told("latr"), others - lazy - elsewhere) << state;
        if (asid_bits > 0) {
          EXPECT_EQ(told("erratum_798181"), others - elsewhere) << state;
        }
      }
}
INSTANTIATE_TEST_SUITE_P(Flush, OnTheSameState,
                         testing::Combine(testing::Values<std::int64_t>(0, 16), testing::Bool()));

TEST(OneFlush, ByBroadcastInterruptsNobody) { EXPECT_EQ(one_flush("broadcast", {true, 8, 3}).requested, 0); }

// cpu 1 idles on the tables of a process whose thread on cpu 0 flushes twice; then it comes back, and there is a third
// flush. How many cores are interrupted by each?
std::vector<std::int64_t> flushes_of_a_lazy_core(const std::string& policy, std::int64_t asid_bits,
                                                 bool freed_tables) {
  return in_child([&] {
    KernelWorld w(2, {{"kernel.tlb_flush", policy}, {"kernel.asid_bits", asid_bits}});
    Completion again("the flushes");
    std::vector<std::int64_t> requested;
    bool over = false;
    Task& flusher = spawn_process_at_boot(w.system, "flusher", CoreId(0), [&](Task& task) {
      run_user(w.system, task, 100_us);
      const auto flush = [&] {
        const std::uint64_t before = w.count(Counter::ipi_requested);
        const PageNumber page(1000);
        w.system.flusher.flush_range(task.core(), *task.mm, page, page + 1, freed_tables);
        requested.push_back(static_cast<std::int64_t>(w.count(Counter::ipi_requested) - before));
      };
      const MmStruct& loaded = w.system.mm_switch.loaded(CoreId(1));
      EXPECT_EQ(&loaded, task.mm);
      flush();
      EXPECT_EQ(&w.system.mm_switch.loaded(CoreId(1)), requested[0] > 0 ? &w.system.init_mm() : task.mm);
      if (policy != "latr") { // which clears the bit of who idles
        EXPECT_EQ(task.mm->cpumask.contains(CoreId(1)), requested[0] == 0);
      }
      w.system.check_invariants(); // its reference stays
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
    if (testing::Test::HasFailure()) throw std::runtime_error("see above");
    return requested;
  });
}

TEST(ALazyCore, IsInterruptedOnceAndThenNoMoreUntilItComesBack) {
  for (const std::int64_t asid_bits : {0, 8, 16})
    for (const bool freed_tables : {false, true}) {
      EXPECT_EQ(flushes_of_a_lazy_core("leave_mm", asid_bits, freed_tables),
                (std::vector<std::int64_t>{1, 0, 1}));
      EXPECT_EQ(flushes_of_a_lazy_core("lazy", asid_bits, freed_tables),
                (std::vector<std::int64_t>{freed_tables, 0, 1}));
      EXPECT_EQ(flushes_of_a_lazy_core("latr", asid_bits, freed_tables),
                (std::vector<std::int64_t>{0, 0, 1}));
    }
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
