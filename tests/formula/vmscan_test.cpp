// How much does reclaim scan, what has a second chance, who dies when nothing helps?

#include "models/operations/kill.hpp"
#include "tests/support/versions.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::vmscan_test {
namespace {

using namespace literals;

class VmScanFormula : public testing::TestWithParam<KernelVersion> {
 protected:
  bool by_zone() const { return std::string_view(GetParam().name) == "linux_2_6_24"; }
  Settings settings(const Settings& more = {}) const {
    const Settings own = by_zone() ? Settings{{"kernel.oom_badness", "total_vm"}} : Settings{};
    return GetParam().settings + own + Settings{{"kernel.fault_around", "4 KiB"}} + more;
  }
  static void in_a_process(KernelWorld& w, const std::function<void(Task&)>& body) {
    spawn_process_at_boot(w.system, "reclaims", CoreId(0), [&w, &body](Task& task) {
      body(task);
      exit_task(w.system, task);
    });
    w.engine.run();
    w.system.check_invariants();
  }
  /// try_to_free_pages(), as an allocation of user memory calls it.
  static std::uint64_t reclaim(System& system, Task& task) {
    Core* core = &task.core();
    return system.reclaim.try_to_free_pages(core, 0, GFP_HIGHUSER_MOVABLE);
  }
};

INSTANTIATE_TEST_SUITE_P(Kernels, VmScanFormula, testing::ValuesIn(versions),
                         [](const auto& info) { return std::string(info.param.name); });

// Nobody maps them and nothing is dirty: each page that is looked at is freed.
TEST_P(VmScanFormula, EachPriorityScansTwiceTheShareOfTheOneBeforeUntilABatchIsFree) {
  constexpr std::uint64_t pages = 4096;
  KernelWorld w(1, settings());
  const File& file = w.system.page_cache.create("data", pages, InMemory::yes);
  in_a_process(w, [&](Task& task) {
    const std::uint64_t before = w.count(Counter::pgscan);
    EXPECT_GT(reclaim(w.system, task), 0u);
    std::uint64_t left = pages, freed = 0, pending = 0;
    for (int priority = 12; priority >= 0 && freed < swap_cluster_max; --priority) {
      // 2.6.24 adds one each time, and waits until there is a batch.
      pending = by_zone() ? pending + (left >> priority) + 1 : left >> priority;
      if (by_zone() && pending < swap_cluster_max) continue;
      freed += pending;
      left -= pending;
      pending = 0;
    }
    const std::uint64_t scanned = w.count(Counter::pgscan) - before;
    // Counters of pages are read as far as CPUs have published them; 2.6.24 isolates whole batches.
    EXPECT_NEAR(static_cast<double>(scanned), static_cast<double>(freed), by_zone() ? swap_cluster_max : 3.0);
    EXPECT_EQ(w.count(Counter::pgsteal), scanned);
    EXPECT_EQ(file.nrpages(), pages - scanned);
    EXPECT_GE(scanned, swap_cluster_max);
  });
}

// The tail of the inactive list is page 0.
TEST_P(VmScanFormula, APageInUseSurvivesTheScanThatFreesItsNeighbours) {
  constexpr std::uint64_t pages = 1024;
  KernelWorld w(1, settings());
  File& file = w.system.page_cache.create("data", pages, InMemory::yes);
  in_a_process(w, [&](Task& task) {
    const PageNumber first = mmap(w.system, task, {.pages = pages, .flags = MAP_SHARED, .file = &file}).first;
    for (std::uint64_t page = 0; page < pages; page += 2)
      touch(w.system, task, first + page, AccessKind::read);
    const auto gone = [&](std::uint64_t odd) {
      std::uint64_t found = 0;
      for (std::uint64_t page = odd; page < pages; page += 2)
        found += file.page_at(page) == nullptr;
      return found;
    };
    reclaim(w.system, task);
    EXPECT_GE(gone(1), swap_cluster_max) << "nobody maps them";
    EXPECT_EQ(gone(0), 0u) << "used since the last scan";
    for (int round = 0; round < 200 && gone(0) < pages / 4; ++round)
      reclaim(w.system, task);
    EXPECT_GE(gone(0), pages / 4) << "not used since";
    EXPECT_GE(gone(1), pages / 4);
    EXPECT_EQ(task.mm->rss_file, static_cast<std::int64_t>(pages / 2 - gone(0)))
        << "their entries went first";
  });
}

TEST_P(VmScanFormula, WhatReclaimHasMarkedIsRotatedToTheTailWhenItsWriteEnds) {
  KernelWorld w(1, settings());
  File& file = w.system.page_cache.create("data", 40, InMemory::yes);
  in_a_process(w, [&](Task& task) {
    Lru& lru = *w.system.lru;
    const FrameNumber last = file.page_at(39)->frame; // the one that was added last
    LruVec& vec = lru.vec(by_zone() ? w.system.pages.zone_of(last).index() : 0);
    const LruList inactive = by_zone() ? LruList::inactive : LruList::inactive_file;
    ASSERT_EQ(vec.list(inactive).front(), last);
    w.system.pages[last].flags |= PG_reclaim;
    w.system.reclaim.end_page_writeback(task.core(), last);
    EXPECT_EQ(vec.list(inactive).front(), last) << "a pagevec has it";
    lru.lru_add_drain(task.core());
    EXPECT_EQ(vec.list(inactive).back(), last);
    EXPECT_EQ(w.count(Counter::pgrotated), 1u);
  });
}

TEST_P(VmScanFormula, APageThatIsAccessedTwiceBecomesActive) {
  KernelWorld w(1, settings());
  File& file = w.system.page_cache.create("data", 4, InMemory::yes);
  in_a_process(w, [&](Task& task) {
    const FrameNumber frame = file.page_at(0)->frame;
    w.system.lru->mark_page_accessed(task.core(), frame);
    EXPECT_NE(w.system.pages[frame].flags & PG_referenced, 0u);
    EXPECT_EQ(w.count(Counter::pgactivate), 0u);
    w.system.lru->mark_page_accessed(task.core(), frame);
    w.system.lru->lru_add_drain(task.core());
    EXPECT_EQ(w.count(Counter::pgactivate), 1u);
    EXPECT_EQ(w.system.pages[frame].flags & (PG_referenced | PG_active), std::uint32_t{PG_active});
  });
}

/// Who was killed, and whether the one that asks for memory has gone.
struct Fate {
  std::string died;
  bool over = false;
  int filling = 0; ///< who has not written all its pages yet
};

/// A process that maps `mapped` pages and writes `written` of them. Who goes on waits until the others have written
/// theirs, and takes as many more as it gets.
Task& spawn_eater(KernelWorld& w, const char* name, CoreId on, std::uint64_t mapped, std::uint64_t written,
                  bool goes_on, Fate* fate) {
  if (!goes_on) ++fate->filling;
  return spawn_process_at_boot(w.system, name, on, [=, &w](Task& task) {
    const bool killed = killed_in(task, [&](Task& self) {
      const PageNumber first = mmap(w.system, self, mapped);
      for (std::uint64_t page = 0; page < written; ++page)
        touch(w.system, self, first + page, AccessKind::write);
      if (!goes_on) --fate->filling;
      while (goes_on && fate->filling > 0)
        run_user(w.system, self, 1_ms);
      while (goes_on) {
        const PageNumber more = mmap(w.system, self, 64);
        for (std::uint64_t page = 0; page < 64; ++page)
          touch(w.system, self, more + page, AccessKind::write);
      }
      while (!fate->over)
        run_user(w.system, self, 10_ms);
    });
    if (goes_on) fate->over = true;
    if (killed) fate->died += name;
    if (killed) throw TaskKilled{};
    exit_task(w.system, task);
  });
}

// One has the most in memory, more than is left for the others, one the largest address space, and a third one asks.
TEST_P(VmScanFormula, TheOomKillerTakesWhoIsWorstByItsVersionsMeasure) {
  Fate fate;
  KernelWorld w(3, settings({{"machine.memory", "24 MiB"}, {"kernel.overcommit_memory", std::int64_t{1}}}));
  spawn_eater(w, "large ", CoreId(0), 100'000, 100, false, &fate);
  const std::uint64_t most = w.system.pages.managed_frames() * 6 / 10;
  spawn_eater(w, "full ", CoreId(1), most, most, false, &fate);
  spawn_eater(w, "asks ", CoreId(2), 64, 64, true, &fate);
  w.engine.run();
  w.system.check_invariants();
  const std::vector<OomKiller::Kill>& kills = w.system.reclaim.oom().kills();
  ASSERT_FALSE(kills.empty());
  if (by_zone()) {
    EXPECT_EQ(kills.front().name, "large ");
    EXPECT_GE(kills.front().points, 100'000u);
  } else {
    EXPECT_EQ(kills.front().name, "full ");
    EXPECT_GE(kills.front().points, most);
  }
  EXPECT_EQ(kills.front().asked_by, "asks ");
  EXPECT_EQ(fate.died.find(kills.front().name), 0u) << "the first to die: " << fate.died;
}

/// How long who comes when `requests` writes are on their way waits for congestion to end, at most 100 ms.
Duration congested_for(std::uint64_t requests) {
  struct Write final : BlockRequest {
    std::function<void(Core&)> ended;
    void end_io(Core& core, bool) override { ended(core); }
  };
  KernelWorld w(1);
  Timeouts timeouts(w.system.machine, w.system.scheduler);
  Congestion congestion(timeouts, w.system.scheduler, true);
  BlockDevice device(w.system.block, "slow", {BytesPerSecond(1e9), BytesPerSecond(1e9), 10_ms}, 0);
  Write write;
  write.ended = [&](Core& core) { congestion.cleared(core, w.system.block.congestions_over()); };
  Duration waited{};
  spawn_process_at_boot(w.system, "waits", CoreId(0), [&](Task& task) {
    for (std::uint64_t i = 0; i < requests; ++i)
      device.submit(task.core(), write, Transfer::write, Bytes(4096));
    waited = time_of(task, [&] { congestion.wait(task, Congestion::tenth_of_a_second); });
    exit_task(w.system, task);
  });
  w.engine.run();
  return waited;
}

TEST(WriteCongestion, BeginsWith113RequestsWhoeverWaitsAndItsEndWakesThem) {
  EXPECT_LT(congested_for(113), 20_ms);
}
TEST(WriteCongestion, IsNotThereWith112RequestsSoThatNothingEndsTheWait) {
  EXPECT_GE(congested_for(112), 100_ms);
}

TEST_P(VmScanFormula, WithOomKillAllocatingTaskWhoAsksDies) {
  Fate fate;
  KernelWorld w(3, settings({{"machine.memory", "24 MiB"},
                             {"kernel.overcommit_memory", std::int64_t{1}},
                             {"kernel.oom_kill_allocating_task", true}}));
  spawn_eater(w, "full ", CoreId(1), 2000, 2000, false, &fate);
  spawn_eater(w, "asks ", CoreId(2), 64, 64, true, &fate);
  w.engine.run();
  w.system.check_invariants();
  EXPECT_EQ(fate.died, "asks ");
}

} // namespace
} // namespace mmsim::tests::vmscan_test
