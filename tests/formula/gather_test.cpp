// What does a full gather do under its table's lock, and what does a gather cost that is not alone?
//
// The lock's hold time says it: lock_hold_ns.pte_lock of a munmap, entry by entry of the cost book. Threads
// that gather in one address space at the same time say the rest.

#include "models/operations/madvise.hpp"
#include "models/operations/mprotect.hpp"
#include "models/operations/munmap.hpp"
#include "tests/support/kernel_world.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::gather_test {
namespace {

using namespace literals;

constexpr std::uint64_t batch = 48; // kernel.gather_pages where a gather is to be full: more than a quantum

struct Unmapped {
  Duration held;    // pte_lock, in all
  Duration outside; // the rest of the call
  std::int64_t locks, flushes, freed;
};

// A munmap of `pages` pages that have been written, in one table, which stays; the second one, so that all
// lines are at hand. Nobody else is there, or a thread on another core runs user code.
Unmapped unmapped(std::uint64_t pages, const Settings& settings, std::uint32_t others = 0) {
  const std::vector<std::int64_t> numbers = in_child([&] {
    KernelWorld w(1 + others, Settings{{"kernel.pcp_batch", std::int64_t{2000}},
                                       {"kernel.pcp_high", std::int64_t{100'000}},
                                       {"run.lockdep", true}} +
                                  settings);
    std::vector<std::int64_t> result;
    bool over = false;
    Task& first = spawn_process_at_boot(w.system, "first", CoreId(0), [&](Task& task) {
      touch(w.system, task, mmap_apart(w.system, task, 1), AccessKind::write); // keeps the table
      for (int round = 0; round < 2; ++round) {
        const PageNumber area = mmap_apart(w.system, task, pages);
        for (std::uint64_t i = 0; i < pages; ++i)
          touch(w.system, task, area + i, AccessKind::write);
        w.system.lru->lru_add_drain(task.core());
        task.core().settle();
        const Counters::Snapshot before = w.counters.snapshot();
        const Duration took = time_of(task, [&] { munmap(w.system, task, area, pages); });
        const Counters::Snapshot counted = difference(w.counters.snapshot(), before);
        const LockClassStats lock = counted.lock_class("pte_lock");
        const auto flushes = counted[Counter::tlb_flush_range] + counted[Counter::tlb_flush_mm];
        result = {lock.hold.count(), (took - lock.hold).count(), static_cast<std::int64_t>(lock.acquired),
                  static_cast<std::int64_t>(flushes), static_cast<std::int64_t>(counted[Counter::pgfree])};
      }
      over = true;
      exit_task(w.system, task);
    });
    first.bound = true;
    for (std::uint32_t i = 1; i <= others; ++i)
      spawn_thread_at_boot(w.system, "other", *first.mm, CoreId(i), [&](Task& task) {
        w.spin_in_user_mode(task, over);
        exit_task(w.system, task);
      }).bound = true;
    w.engine.run();
    w.system.check_invariants();
    return result;
  });
  return {Duration(numbers[0]), Duration(numbers[1]), numbers[2], numbers[3], numbers[4]};
}

Settings gathering(std::uint64_t pages, const char* full) {
  return {{"kernel.gather_pages", static_cast<std::int64_t>(pages)}, {"kernel.gather_full", full}};
}

struct Prices : CostBook {
  Prices() : CostBook(read_parameters<CostBook>(Configuration{})) {}
  Duration entries(std::uint64_t pages) const {
    return static_cast<std::int64_t>(pages) * (work.pte_scan + work.pte_clear + work.page_unref);
  }
  Duration flush(std::uint64_t pages) const {
    return work.flush_setup + static_cast<std::int64_t>(pages) * tlb.invalidate_page + tlb.dsb;
  }
  Duration atomic() const { return line.hit + line.atomic; }
};

TEST(FullGather, IsFlushedBeforeTheTablesLockIsDroppedAndFreedAfterwards) {
  const Prices c;
  const Unmapped once = unmapped(2 * batch, {}), twice = unmapped(2 * batch, gathering(batch, "flush"));
  EXPECT_EQ(once.locks, 1);
  EXPECT_EQ(twice.locks, 2) << "dropped between the two";
  EXPECT_EQ(once.flushes, 1);
  EXPECT_EQ(twice.flushes, 2);
  // Not for what is done with the pages afterwards. The second hold looks at a struct page that is not beside the
  // one before, and is dropped.
  EXPECT_GE(twice.held - once.held, 2 * c.flush(batch) + c.line.hit);
  EXPECT_LE(twice.held - once.held, 2 * c.flush(batch) + c.line.hit + c.line.dram);
}

TEST(FullGather, IsFlushedAndFreedWithoutDroppingTheLockIn2_6_24) {
  const Unmapped once = unmapped(batch, gathering(batch, "free")),
                 twice = unmapped(2 * batch, gathering(batch, "free")),
                 flushed = unmapped(2 * batch, gathering(batch, "flush"));
  EXPECT_EQ(twice.locks, 1);
  EXPECT_EQ(twice.flushes, 2);
  EXPECT_EQ(twice.freed, static_cast<std::int64_t>(2 * batch));
  EXPECT_EQ(twice.outside, once.outside) << "whatever there is to do for a page is done within";
  const Prices c;
  EXPECT_GT(twice.held - flushed.held, static_cast<std::int64_t>(2 * batch) * c.work.pcp_free);
}

TEST(FullGather, KeepsWhoWaitsForTheTableWaitingForTheOtherCoresToo) {
  const Prices c;
  for (const char* full : {"flush", "free"}) {
    const Duration alone = unmapped(2 * batch, gathering(batch, full)).held,
                   shot_down = unmapped(2 * batch, gathering(batch, full), 1).held;
    EXPECT_GT(shot_down - alone, 2 * (c.irq.send + c.irq.entry)) << full;
  }
}

TEST(Blocks, EndTheGatherAfterSoManyPages) {
  const Settings blocks = {{"kernel.gather_full", "free"}, {"kernel.zap_block", std::int64_t{batch}}};
  EXPECT_EQ(unmapped(3 * batch, blocks).flushes, 3);
  EXPECT_EQ(unmapped(3 * batch, blocks).locks, 3);
  EXPECT_EQ(unmapped(3 * batch + 1, blocks).flushes, 4);
}

TEST(TlbFlushPending, OfAGatherThatIsAloneCostsTwoAtomicsAndALook) {
  const Prices c;
  const Unmapped counted = unmapped(batch, {}),
                 not_counted = unmapped(batch, {{"kernel.tlb_flush_pending", false}});
  EXPECT_EQ(counted.outside - not_counted.outside, 2 * c.atomic() + c.line.hit);
  EXPECT_EQ(counted.held, not_counted.held);
}

// What two threads that gather at the same time have flushed, and how often an old translation was used.
struct Gathers {
  std::int64_t range, whole, nested, stale;
};

// A thread on cpu 0 gives back `pages` pages that it has written, and meanwhile one on cpu 1 gives back
// `others_pages` of its own, or if that is 0 the first page of the first one's. It has that in its TLB, and
// reads it once more in the end.
Gathers together(std::uint64_t pages, std::uint64_t others_pages, const Settings& settings = {}) {
  const std::vector<std::int64_t> numbers = in_child([&] {
    KernelWorld w(2, settings);
    PageNumber area{}, others{};
    bool ready = false, begun = false;
    std::vector<std::int64_t> result;
    int left = 2;
    const auto report = [&](Task& task) {
      task.core().settle();
      if (--left > 0) return;
      result = {static_cast<std::int64_t>(w.count(Counter::tlb_flush_range)),
                static_cast<std::int64_t>(w.count(Counter::tlb_flush_mm)),
                static_cast<std::int64_t>(w.count(Counter::tlb_flush_nested)),
                static_cast<std::int64_t>(w.count(Counter::stale_hit))};
    };
    Task& first = spawn_process_at_boot(w.system, "first", CoreId(0), [&](Task& task) {
      area = mmap_apart(w.system, task, pages);
      for (std::uint64_t i = 0; i < pages; ++i)
        touch(w.system, task, area + i, AccessKind::write);
      std::ignore = mmap_apart(w.system, task, 600); // between them: they have no table in common
      others = others_pages > 0 ? mmap_apart(w.system, task, others_pages) : area;
      ready = true;
      while (!begun)
        run_user(w.system, task, 100_ns);
      madvise(w.system, task, area, pages, Advice::dontneed);
      report(task);
      exit_task(w.system, task);
    });
    first.bound = true;
    spawn_thread_at_boot(w.system, "second", *first.mm, CoreId(1), [&](Task& task) {
      while (!ready)
        run_user(w.system, task, 100_ns);
      touch(w.system, task, area, AccessKind::read);
      for (std::uint64_t i = 0; i < others_pages; ++i)
        touch(w.system, task, others + i, AccessKind::write);
      begun = true;
      while (task.mm->tables.find(area)->present())
        run_user(w.system, task, 100_ns);
      madvise(w.system, task, others, std::max<std::uint64_t>(1, others_pages), Advice::dontneed);
      touch(w.system, task, area, AccessKind::read);
      report(task);
      exit_task(w.system, task);
    }).bound = true;
    w.engine.run();
    w.system.check_invariants();
    return result;
  });
  return {numbers[0], numbers[1], numbers[2], numbers[3]};
}

TEST(TlbFlushPending, MakesWhoEndsBesideAnotherGatherFlushTheWholeAddressSpace) {
  const Gathers shorter = together(400, 4);
  EXPECT_EQ(shorter.nested, 1) << "the second thread's, which the first one's outlives";
  EXPECT_EQ(shorter.whole, 1);
  EXPECT_EQ(shorter.range, 1);
  const Gathers uncounted = together(400, 4, {{"kernel.tlb_flush_pending", false}});
  EXPECT_EQ(uncounted.nested, 0);
  EXPECT_EQ(uncounted.whole, 0);
  EXPECT_EQ(uncounted.range, 2);
}

TEST(TlbFlushPending, KeepsWhatAnotherHasClearedFromBeingUsedByWhoAskedForThatToo) {
  EXPECT_EQ(together(400, 0).stale, 0);
  EXPECT_EQ(together(400, 0).nested, 2)
      << "who waits for the table's lock gets it when the other begins to flush";
  const Gathers uncounted = together(400, 0, {{"kernel.tlb_flush_pending", false}});
  EXPECT_EQ(uncounted.stale, 1) << "found no entry, flushed nothing, and read the old page";
  EXPECT_EQ(uncounted.range, 1);
}

TEST(TlbFlushPending, OfAnMprotectIsTwoAtomicsAndNoLook) {
  const auto took = [](bool counts) {
    return in_child([&] {
      KernelWorld w(1, {{"kernel.tlb_flush_pending", counts}});
      Duration last{};
      spawn_process_at_boot(w.system, "process", CoreId(0), [&](Task& task) {
        const PageNumber area = mmap_apart(w.system, task, 8);
        for (std::uint64_t i = 0; i < 8; ++i)
          touch(w.system, task, area + i, AccessKind::write);
        mprotect(w.system, task, area, 8, PROT_READ);
        last = time_of(task, [&] { mprotect(w.system, task, area, 8, PROT_READ | PROT_WRITE); });
        exit_task(w.system, task);
      });
      w.engine.run();
      return std::vector<std::int64_t>{last.count()};
    })[0];
  };
  EXPECT_EQ(Duration(took(true) - took(false)), 2 * Prices().atomic());
}

} // namespace
} // namespace mmsim::tests::gather_test
