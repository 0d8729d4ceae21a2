// What does broadcasting invalidations cost all others, and when is one of everything cheaper than one a
// page?

#include "tests/support/kernel_world.hpp"
#include "tests/support/points.hpp"

#include <cmath>
#include <gtest/gtest.h>

namespace mmsim::tests::broadcast_law_test {
namespace {

using namespace literals;

constexpr Duration span = 200_us;

struct Flushes {
  std::int64_t done; ///< in `span`, by all cores together
  std::int64_t received;
};

// A process on each of `cpus` cores flushes pages of its own, again and again.
Flushes flush_on_all(const std::string& policy, std::uint32_t cpus) {
  const auto numbers = in_child([&] {
    KernelWorld w(cpus, {{"kernel.tlb_flush", policy}});
    std::int64_t done = 0;
    for (std::uint32_t i = 0; i < cpus; ++i)
      spawn_process_at_boot(w.system, "flusher", CoreId(i), [&](Task& task) {
        run_user(w.system, task, Instant(40_us) - task.now()); // all are there
        Core& core = task.core();
        while (w.now() < 40_us + span) {
          w.system.flusher.flush_page(core, *task.mm, PageNumber(1000));
          core.settle();
          ++done;
        }
        exit_task(w.system, task);
      }).bound = true;
    w.engine.run();
    return std::vector<std::int64_t>{done, static_cast<std::int64_t>(w.count(Counter::ipi_received))};
  });
  return {numbers[0], numbers[1]};
}

TEST(Broadcast, OfAllCoresSaturatesWhereTheChannelIsFullWhileInterruptsToAMaskOfOneDoNot) {
  const CostBook c = read_parameters<CostBook>(configuration_with({}));
  const double most = static_cast<double>(span.count()) /
                      static_cast<double>((c.tlb.broadcast_channel + c.tlb.broadcast_sync).count());
  const double one = static_cast<double>(flush_on_all("broadcast", 1).done);
  const double local = static_cast<double>(flush_on_all("eager", 1).done);
  for (const std::uint32_t cpus : {2u, 4u, 8u, 16u}) {
    const Flushes flushes = flush_on_all("broadcast", cpus);
    EXPECT_NEAR(static_cast<double>(flushes.done), std::min(cpus * one, most), 0.06 * most) << cpus;
    EXPECT_EQ(flushes.received, 0);
    EXPECT_NEAR(static_cast<double>(flush_on_all("eager", cpus).done), cpus * local, 0.02 * cpus * local)
        << cpus;
  }
}

TEST(Broadcast, TakesFromBystandersAStallAMessageAndNoInterrupt) {
  for (const std::uint64_t pages : {1u, 8u, 64u}) {
    const auto took = in_child([&] {
      KernelWorld w(4, {{"kernel.tlb_flush", "broadcast"}});
      std::vector<std::int64_t> numbers;
      for (std::uint32_t i = 1; i < 4; ++i)
        spawn_process_at_boot(w.system, "bystander", CoreId(i), [&](Task& task) {
          run_user(w.system, task, 10_us);
          const Instant start = task.now();
          run_user(w.system, task, 40_us);
          numbers.push_back((task.now() - start).count());
          exit_task(w.system, task);
        }).bound = true;
      spawn_process_at_boot(w.system, "flusher", CoreId(0), [&](Task& task) {
        run_user(w.system, task, 20_us);
        w.system.flusher.flush_range(task.core(), *task.mm, PageNumber(1000), PageNumber(1000) + pages,
                                     false);
        run_user(w.system, task, 60_us);
        exit_task(w.system, task);
      }).bound = true;
      w.engine.run();
      EXPECT_EQ(w.count(Counter::ipi_received), 0u);
      return numbers;
    });
    const CostBook c = read_parameters<CostBook>(configuration_with({}));
    for (const std::int64_t one : took)
      EXPECT_EQ(one, (40_us + static_cast<std::int64_t>(pages) * c.tlb.broadcast_stall).count()) << pages;
  }
}

// A flush of `pages` pages that nobody has, then a round through a working set that the TLB held.
Duration flush_and_refill(std::uint64_t pages, std::uint64_t working_set, std::int64_t ceiling) {
  return Duration(in_child([&] {
    KernelWorld w(1, {{"kernel.tlb_flush", "eager"}, {"kernel.tlb_flush_ceiling", ceiling}});
    Duration took{};
    spawn_process_at_boot(w.system, "owner", CoreId(0), [&](Task& task) {
      const PageNumber set = mmap(w.system, task, working_set, 512);
      const auto round = [&] {
        for (std::uint64_t i = 0; i < working_set; ++i)
          touch(w.system, task, set + i, AccessKind::write);
      };
      round();
      round();
      task.core().settle();
      const Instant start = task.now();
      w.system.flusher.flush_range(task.core(), *task.mm, PageNumber(100'000), PageNumber(100'000) + pages,
                                   false);
      round();
      task.core().settle();
      took = task.now() - start;
      exit_task(w.system, task);
    });
    w.engine.run();
    return std::vector<std::int64_t>{took.count()};
  })[0]);
}

TEST(Ceiling, IsWhereFillingTheTlbAgainCostsAsMuchAsThePagesOneByOne) {
  const CostBook c = read_parameters<CostBook>(configuration_with({}));
  const std::int64_t levels = 4;
  for (const std::int64_t working_set : {1, 12, 32}) { // in the first level, below one table
    const Duration refill =
        (levels + working_set - 1) * c.tlb.walk_level; // the walker has lost its shortcut once
    const auto crossover =
        static_cast<std::uint64_t>(std::ceil(static_cast<double>((c.tlb.invalidate_all + refill).count()) /
                                             static_cast<double>(c.tlb.invalidate_page.count())));
    const auto set = static_cast<std::uint64_t>(working_set);
    const Duration whole = flush_and_refill(100, set, 1);
    EXPECT_LT(flush_and_refill(crossover - 1, set, 511), whole) << working_set;
    EXPECT_GE(flush_and_refill(crossover, set, 511), whole) << working_set;
  }
}

// The scenario's own flush: nothing is in it but what a flush is made of.
std::int64_t flush_ps(const std::vector<std::string>& settings) {
  const PointResult result =
      point(std::vector<std::string>{"scenario.name=tlb_flush", "machine.base=kunpeng920-128",
                                     "kernel.base=5.10", "scenario.distribution=constant"} +
            settings);
  EXPECT_EQ(result.status, PointStatus::done) << result.message;
  const OperationResult& flush = result.operations.at(0);
  EXPECT_EQ(flush.name, "flush");
  EXPECT_GT(flush.latency.count(), 0u);
  return flush.latency.count() == 0 ? 0 : flush.latency.sum().count() / flush.latency.count();
}

TEST(FlushScenario, TakesTheSetUpAnInstructionAPageAndTheBarrierAndNothingElse) {
  const CostBook c = read_parameters<CostBook>(load_configuration({}, {"machine.base=kunpeng920-128"}));
  const std::string eager = "kernel.tlb_flush=eager";
  const std::int64_t one = flush_ps({eager}), fixed = (c.work.flush_setup + c.tlb.dsb).count();
  const std::int64_t page = one - fixed;
  EXPECT_EQ(page, c.tlb.invalidate_page.count());
  for (const std::int64_t pages : {2, 9, 64})
    EXPECT_EQ(flush_ps({eager, "scenario.pages=" + std::to_string(pages)}), fixed + pages * page) << pages;
  // Above the ceiling, or if asked for, it is one instruction for all.
  const std::int64_t whole = flush_ps({eager, "scenario.pages=0"});
  EXPECT_EQ(flush_ps({eager, "scenario.pages=100", "kernel.tlb_flush_ceiling=99"}), whole);
  EXPECT_LT(whole, flush_ps({eager, "scenario.pages=64"}));
  // Of processes nobody else has to be told: the mask says so.
  EXPECT_EQ(flush_ps({eager, "scenario.flushers=1", "run.cpus=8"}), one + c.line.hit.count());
  // Neither user code nor kernel work before it is in it.
  EXPECT_EQ(flush_ps({eager, "scenario.work=3 us", "scenario.think=7 us"}), one);
  EXPECT_EQ(flush_ps({eager, "scenario.think=0 ns", "scenario.work=1 us"}), one);
}

TEST(FlushScenario, TakesLongerIfThreadsMustBeToldOrIfMoreFlushAtOnce) {
  const std::vector<std::string> threads{"kernel.tlb_flush=eager", "scenario.mode=threads"};
  const std::vector<std::string> one{"scenario.flushers=1"};
  std::int64_t last = 0;
  for (const char* cpus : {"run.cpus=1", "run.cpus=2", "run.cpus=4", "run.cpus=8"}) {
    const std::int64_t took = flush_ps(threads + one + std::vector<std::string>{cpus});
    EXPECT_GT(took, last) << cpus;
    last = took;
  }
  EXPECT_GT(flush_ps(threads + std::vector<std::string>{"run.cpus=8"}), last);
}

} // namespace
} // namespace mmsim::tests::broadcast_law_test
