// Does a batched flush of what reclaim unmaps spare interrupts and time?

#include "models/rmap/unmap.hpp"
#include "tests/support/kernel_world.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::reclaim_flush_law_test {
namespace {

using namespace literals;

constexpr std::uint64_t pages = 64, cluster = 32; // SWAP_CLUSTER_MAX

struct Reclaimed {
  std::int64_t requested; ///< interrupts
  Duration system;        ///< of who reclaims, and what its interrupts take from the others
  std::int64_t skipped;
};

// A process with a thread on each of `cpus` cores, which have all touched its pages; one of them unmaps them all. Of the
// others `lazy` ones have gone to sleep meanwhile.
Reclaimed reclaim(const std::string& policy, const std::string& flush, std::uint32_t cpus,
                  std::uint32_t lazy = 0) {
  const auto numbers = in_child([&] {
    KernelWorld w(
        cpus,
        {{"kernel.tlb_flush", policy}, {"kernel.reclaim_flush", flush}, {"machine.swap.size", "8 MiB"}});
    System& system = w.system;
    PageNumber first{};
    bool mapped = false, over = false;
    std::uint32_t seen = 0;
    Duration took{}, stolen{};
    std::uint64_t requested = 0, skipped = 0;
    std::vector<std::unique_ptr<Completion>> ends;
    Task& reclaimer = spawn_process_at_boot(system, "reclaimer", CoreId(0), [&](Task& task) {
      first = mmap_apart(system, task, pages);
      for (std::uint64_t i = 0; i < pages; ++i)
        touch(system, task, first + i, AccessKind::write);
      mapped = true;
      while (seen + 1 < cpus)
        run_user(system, task, 100_ns);
      run_user(system, task, 50_us); // the lazy ones have gone to sleep
      for (std::uint64_t i = 0; i < pages; ++i)
        *task.mm->tables.find(first + i) = task.mm->tables.find(first + i)->aged();
      const Counters::Snapshot before = w.counters.snapshot();
      UnmapBatch batch;
      for (std::uint64_t i = 0; i < pages; ++i) {
        const FrameNumber frame = task.mm->tables.find(first + i)->frame();
        EXPECT_TRUE(system.page_cache.waits.trylock_page(task.core(), frame));
        EXPECT_TRUE(system.swap.add_to_swap(task.core(), frame));
        took += time_of(task, [&] {
          EXPECT_EQ(try_to_unmap(system, task, frame, &batch), Unmapped::success);
          if (i % cluster == cluster - 1) try_to_unmap_flush(system, task, batch);
        });
        system.page_cache.waits.unlock_page(task.core(), frame);
      }
      EXPECT_EQ(task.mm->open_changes.size(), 0u);
      const Counters::Snapshot after = w.counters.snapshot();
      requested = after[Counter::ipi_requested] - before[Counter::ipi_requested];
      skipped = after[Counter::tlb_flush_skipped] - before[Counter::tlb_flush_skipped];
      EXPECT_EQ(after[Counter::reclaim_flush], flush == "batched" ? pages / cluster : 0);
      over = true;
      for (auto& end : ends)
        end->complete(system, task.core());
      exit_task(system, task);
    });
    reclaimer.bound = true;
    for (std::uint32_t i = 1; i < cpus; ++i) {
      Completion* sleep = nullptr;
      if (i <= lazy) sleep = ends.emplace_back(std::make_unique<Completion>("the reclaim")).get();
      spawn_thread_at_boot(system, "sharer", *reclaimer.mm, CoreId(i), [&, sleep](Task& task) {
        w.spin_in_user_mode(task, mapped);
        for (std::uint64_t page = 0; page < pages; ++page)
          touch(system, task, first + page, AccessKind::read);
        ++seen;
        const auto interrupted = [&] { return task.ledger.totals()[index(Account::interrupt)]; };
        const Duration before = interrupted();
        if (sleep != nullptr)
          sleep->wait(system, task);
        else
          w.spin_in_user_mode(task, over);
        stolen += interrupted() - before;
        exit_task(system, task);
      }).bound = true;
    }
    w.engine.run();
    system.check_invariants();
    return std::vector<std::int64_t>{static_cast<std::int64_t>(requested), (took + stolen).count(),
                                     static_cast<std::int64_t>(skipped)};
  });
  return {numbers[0], Duration(numbers[1]), numbers[2]};
}

TEST(ReclaimFlush, OfABatchInterruptsEachCoreOnceAClusterAndTakesLessSystemTime) {
  for (const char* policy : {"eager", "eager_all", "lazy", "leave_mm", "latr"})
    for (const std::uint32_t cpus : {2u, 8u}) {
      const Reclaimed immediate = reclaim(policy, "immediate", cpus),
                      batched = reclaim(policy, "batched", cpus);
      EXPECT_EQ(immediate.requested, static_cast<std::int64_t>(pages) * (cpus - 1)) << policy;
      EXPECT_EQ(batched.requested, static_cast<std::int64_t>(pages / cluster) * (cpus - 1)) << policy;
      EXPECT_LT(2 * batched.system, immediate.system) << policy << " " << cpus;
    }
}

TEST(ReclaimFlush, OfABatchNeedsOneBarrierInsteadOfOneAPage) {
  for (const std::uint32_t cpus : {2u, 8u}) {
    const Reclaimed immediate = reclaim("broadcast", "immediate", cpus),
                    batched = reclaim("broadcast", "batched", cpus);
    EXPECT_EQ(immediate.requested + batched.requested, 0);
    EXPECT_LT(batched.system, immediate.system);
  }
}

TEST(ReclaimFlush, OfABatchPassesOverLazyCoresWhereFlushesDo) {
  const Reclaimed batched = reclaim("lazy", "batched", 8, 5);
  EXPECT_EQ(batched.requested, static_cast<std::int64_t>(pages / cluster) * 2);
  EXPECT_EQ(batched.skipped, static_cast<std::int64_t>(pages / cluster) * 5);
  EXPECT_EQ(reclaim("eager", "batched", 8, 5).requested, static_cast<std::int64_t>(pages / cluster) * 7);
}

// A lazy core leaves at its first interrupt, and is not told again.
TEST(ReclaimFlush, OfABatchIsTheLastThatALazyCoreHearsOfWithLeaveMm) {
  EXPECT_EQ(reclaim("leave_mm", "batched", 8, 5).requested, 7 + 2);
}

// should_defer_flush(): without another core there is nobody to spare.
TEST(ReclaimFlush, DoesNotWaitWhereNobodyElseIsConcerned) {
  for (const char* policy : {"eager", "lazy"}) {
    const auto flushes = in_child([&] {
      KernelWorld w(2, {{"kernel.tlb_flush", policy}, {"kernel.reclaim_flush", "batched"}});
      bool batches = true;
      spawn_process_at_boot(w.system, "alone", CoreId(0), [&](Task& task) {
        run_user(w.system, task, 1_us);
        batches = w.system.flusher.batches(task.core(), *task.mm);
        exit_task(w.system, task);
      });
      w.engine.run();
      return std::vector<std::int64_t>{batches};
    });
    EXPECT_EQ(flushes[0], 0) << policy;
  }
}

} // namespace
} // namespace mmsim::tests::reclaim_flush_law_test
