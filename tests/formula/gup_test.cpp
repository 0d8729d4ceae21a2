// What pinning pages costs when nobody is in the way, entry by entry of the cost book, and what fork pays for
// pinned pages.
#include "models/operations/gup.hpp"
#include "tests/support/kernel_world.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::gup_test {
namespace {

using namespace literals;

constexpr int levels_above = 3; // of four

class Gup : public testing::Test {
 protected:
  static Settings with(Settings more = {}) {
    // No private cache: every page is cleared and copied in memory (what a hot one costs:
    // page_contents_test.cpp).
    return Settings{{"kernel.pcp_batch", std::int64_t{2000}},
                    {"kernel.pcp_high", std::int64_t{100'000}},
                    {"machine.cache.size", "0 B"}} +
           more;
  }
  explicit Gup(Settings more = {}) : w(2, with(std::move(more))), c(w.costs()) {}

  /// `body` runs on core 0 as a process with `pages` pages, written once.
  void run(std::uint64_t pages, const std::function<void(Task&, PageNumber)>& body) {
    spawn_process_at_boot(w.system, "process", CoreId(0), [&, pages](Task& task) {
      const PageNumber first = mmap_apart(w.system, task, pages);
      for (std::uint64_t i = 0; i < pages; ++i)
        touch(w.system, task, first + i, AccessKind::write);
      body(task, first);
      exit_task(w.system, task);
    }).bound = true;
    w.engine.run();
    w.system.check_invariants(); // no pin is left
  }
  PinPath pin(Task& task, PageNumber first, std::uint64_t count, AccessKind kind = AccessKind::write) {
    return pin_user_pages_fast(w.system, task, first, count, kind, pages);
  }
  Duration rmw() const { return c.line.hit + c.line.atomic; }
  Duration walk_down() const { return levels_above * c.work.table_walk_level; }
  Duration locked_and_unlocked() const { return rmw() + c.line.hit; }

  KernelWorld w;
  const CostBook& c;
  std::vector<FrameNumber> pages;
};

TEST_F(Gup, FastCostsAStoreTwoReadsOfTheCountAndAReferenceAPage) {
  constexpr std::int64_t n = 300; // more than a quantum of entries
  Duration pinning{}, unpinning{};
  run(n, [&](Task& task, PageNumber first) {
    EXPECT_EQ(pin(task, first, n), PinPath::fast);
    unpin_user_pages(w.system, task.core(), pages);
    pinning = time_of(task, [&] { pin(task, first, n); });
    ASSERT_EQ(pages.size(), std::size_t{n});
    for (std::uint64_t i = 0; i < n; ++i) {
      EXPECT_EQ(pages[i], task.mm->tables.find(first + i)->frame());
      EXPECT_EQ(w.system.pages[pages[i]].refcount, 1 + gup_pin_counting_bias);
    }
    unpinning = time_of(task, [&] { unpin_user_pages(w.system, task.core(), pages); });
    EXPECT_TRUE(pages.empty());
    EXPECT_EQ(w.system.pages[task.mm->tables.find(first)->frame()].refcount, 1);
  });
  const std::int64_t tables = (n + 511) / 512;
  EXPECT_EQ(pinning, c.entry.syscall + c.line.hit            // has_pinned
                         + c.line.hit + tables * walk_down() // write_protect_seq
                         + n * (c.work.pte_scan + c.work.page_ref) + c.line.hit);
  EXPECT_EQ(unpinning, n * c.work.page_unref);
  EXPECT_EQ(w.count(Counter::gup_fast), 2u);
  EXPECT_EQ(w.count(Counter::gup_slow), 0u);
}

TEST_F(Gup, OfPagesThatAreNotThereYetGoesTheSlowWayFromTheFirstOfThem) {
  Duration took{};
  run(8, [&](Task& task, PageNumber) {
    const PageNumber area = mmap_apart(w.system, task, 4); // beside the others: their table is there
    touch(w.system, task, area, AccessKind::write);
    touch(w.system, task, area + 1, AccessKind::write);
    took = time_of(task, [&] { EXPECT_EQ(pin(task, area, 4), PinPath::slow); });
    EXPECT_EQ(pages.size(), 4u);
    for (std::uint64_t i = 0; i < 4; ++i)
      EXPECT_EQ(pages[i], task.mm->tables.find(area + i)->frame());
    unpin_user_pages(w.system, task.core(), pages);
  });
  const Duration fault = c.work.fault_handle + walk_down() + c.work.pcp_alloc + c.memory.page_zero +
                         locked_and_unlocked() + c.work.page_ref + c.work.pagevec_add + c.work.pte_set;
  EXPECT_EQ(took, c.entry.syscall + c.line.dram // has_pinned, the line for the first time
                      + 2 * c.line.hit + walk_down() + 2 * (c.work.pte_scan + c.work.page_ref) + rmw() +
                      2 * c.line.hit // mmap_lock: its count, its owner looked at and stored
                      + c.line.hit   // has_pinned
                      + c.line.hit + c.work.vmacache_find +
                      2 * c.line.hit                                      // find_vma(); mm->pgd of each fault
                      + 2 * (walk_down() + locked_and_unlocked() + fault) // follow_page, faultin_page
                      + 2 * (walk_down() + locked_and_unlocked() + c.work.page_ref) + rmw());
  EXPECT_EQ(w.count(Counter::gup_slow), 1u);
}

TEST_F(Gup, LooksAtAnEntryAgainAfterTakingItsReferenceAndGivesItBackIfItHasChanged) {
  run(100, [&](Task& task, PageNumber first) { // all in one step of the walk, which takes 860 ns
    pin(task, first, 1);
    unpin_user_pages(w.system, task.core(), pages);
    TablePage& table = *task.mm->tables.leaf(first);
    const std::size_t changed = (first.value() + 60) & 511;
    task.core().settle();
    w.engine.at(task.now() + c.entry.syscall + 400_ns,
                [&] { PageTable::set(table, changed, table.words[changed].with(pte_writable)); });
    EXPECT_EQ(pin(task, first, 100), PinPath::slow);
    // The last ten are still in the core's pagevec, which has a reference too.
    for (std::uint64_t i = 0; i < 100; ++i)
      EXPECT_EQ(w.system.pages[pages.at(i)].refcount, 1 + gup_pin_counting_bias + (i < 90 ? 0 : 1)) << i;
    unpin_user_pages(w.system, task.core(), pages);
    EXPECT_EQ(pin(task, first, 100), PinPath::fast);
    unpin_user_pages(w.system, task.core(), pages);
  });
}

TEST_F(Gup, ForWritingBreaksCopyOnWriteAfterAForkAndForReadingDoesNot) {
  Completion over("the test"); // outlives both tasks
  run(4, [&](Task& task, PageNumber first) {
    fork(w.system, task, CoreId(1), [&](Task& child) {
      over.wait(w.system, child);
      exit_task(w.system, child);
    });
    const FrameNumber shared = task.mm->tables.find(first)->frame();
    EXPECT_EQ(pin(task, first, 1, AccessKind::read), PinPath::fast);
    EXPECT_EQ(pages.at(0), shared);
    unpin_user_pages(w.system, task.core(), pages);
    EXPECT_EQ(pin(task, first, 1, AccessKind::write), PinPath::slow);
    EXPECT_NE(pages.at(0), shared);
    EXPECT_EQ(pages.at(0), task.mm->tables.find(first)->frame());
    EXPECT_EQ(w.count(Counter::pgcow), 1u);
    unpin_user_pages(w.system, task.core(), pages);
    over.complete(w.system, task.core());
  });
}

TEST_F(Gup, MakesForkCopyThePinnedPagesAndLeaveThemWritable) {
  Duration plain{}, with_pins{};
  constexpr int pinned = 3;
  run(64, [&](Task& task, PageNumber first) {
    const auto fork_once = [&] {
      Completion exited("the child's exit");
      const Duration took = time_of(task, [&] {
        fork(w.system, task, CoreId(0), [&](Task& child) {
          EXPECT_EQ(child.mm->rss(), 64);
          exit_task(w.system, child);
          exited.complete(w.system, child.core());
        })->bound = true;
      });
      exited.wait(w.system, task);
      return took;
    };
    pin(task, first, pinned);
    unpin_user_pages(w.system, task.core(), pages);
    fork_once();
    plain = fork_once(); // nothing to write-protect
    for (std::uint64_t i = 0; i < pinned; ++i)
      touch(w.system, task, first + 10 + i, AccessKind::write); // taken over: writable again
    pin(task, first + 10, pinned);
    const std::vector<FrameNumber> held = pages;
    with_pins = fork_once();
    for (std::uint64_t i = 0; i < pinned; ++i) {
      EXPECT_TRUE(task.mm->tables.find(first + 10 + i)->writable());
      EXPECT_EQ(task.mm->tables.find(first + 10 + i)->frame(), held[i]);
      EXPECT_EQ(w.system.pages[held[i]].mapcount, 1);
    }
    unpin_user_pages(w.system, task.core(), pages);
  });
  const Duration locks = 2 * locked_and_unlocked();
  // The core keeps back four anonymous pages: of the 64 as many, so that the first copy lets it publish them.
  EXPECT_EQ(w.system.pages.vm_stat().stat_threshold(0), 4);
  const Duration published = 2 * rmw();
  EXPECT_EQ(with_pins - plain, published +
                                   pinned * (locks + c.work.pcp_alloc + c.memory.page_copy + c.work.page_ref +
                                             c.work.pagevec_add + c.work.pte_set) -
                                   pinned * (c.work.pte_copy + c.work.page_ref));
}

class GupOf2_6_24 : public Gup {
 protected:
  GupOf2_6_24()
      : Gup({{"kernel.fast_gup", false},
             {"kernel.write_protect_seq", false},
             {"kernel.rwsem", "fifo"},
             {"kernel.vma_cache", "mmap_cache"}}) {}
};

TEST_F(GupOf2_6_24, AlwaysGoesThroughMmapSem) {
  Duration took{};
  run(4, [&](Task& task, PageNumber first) {
    took = time_of(task, [&] { EXPECT_EQ(pin(task, first, 4), PinPath::slow); });
    unpin_user_pages(w.system, task.core(), pages);
  });
  EXPECT_EQ(took, c.entry.syscall + 2 * rmw() + c.line.hit /* mmap_cache */ +
                      4 * (walk_down() + locked_and_unlocked() + c.work.page_ref));
}

} // namespace
} // namespace mmsim::tests::gup_test
