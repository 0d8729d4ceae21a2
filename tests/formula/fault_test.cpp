// What does each kind of fault cost, and what does it leave behind? One core, every line in its cache but for
// the struct pages that it meets for the first time; sums of cost-book entries in the order of the kernel's
// steps.

#include "models/operations/fault.hpp"
#include "models/operations/madvise.hpp"
#include "tests/support/file_area.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::fault_test {
namespace {

using namespace literals;

constexpr PageNumber area{0x10000}; // at the beginning of a last-level table
constexpr std::uint32_t shared = vm_read_write | VM_SHARED;

struct Faults : testing::Test {
  explicit Faults(const Settings& settings = {})
      : w(1, Settings{{"kernel.pcp_batch", std::int64_t{2000}}, {"kernel.pcp_high", std::int64_t{100'000}}} +
                 settings),
        c(w.costs()), file(w.system.page_cache.create("data", 64, InMemory::yes)) {}

  void run(const std::function<void(Task&)>& body) {
    spawn_process_at_boot(w.system, "process", CoreId(0), [&](Task& task) {
      body(task);
      exit_task(w.system, task);
    });
    w.engine.run();
    w.system.check_invariants();
  }
  void measure(Task& task, PageNumber page, AccessKind kind) {
    took = time_of(task, [&] { touch(w.system, task, page, kind); });
  }
  Duration rmw() const { return c.line.hit + c.line.atomic; }
  Duration rmw_from_memory() const { return c.line.dram + c.line.atomic; }
  Duration published() const {
    return 2 * rmw();
  } // a CPU's count of pages goes to the node's and the machine's
  Duration locked() const { return rmw() + c.line.hit; }
  Duration mmap_lock() const { return 2 * rmw() + 2 * c.line.hit; } // as a reader, with looks at the owner
  Duration misses() const { return c.entry.user_access + c.tlb.walk_level; }
  Duration walk_down() const { return 3 * c.work.table_walk_level; }
  Duration flush_page() const { return c.work.flush_setup + c.tlb.invalidate_page + c.tlb.dsb; }
  // What every fault in an area that was looked at last has, with the access that is tried again.
  Duration frame_of_a_fault() const {
    const Duration find_vma = c.line.hit + c.work.vmacache_find;
    return c.entry.fault + mmap_lock() + find_vma + c.work.fault_handle + c.line.hit /* pgd */ + walk_down() +
           misses();
  }

  // A fault that has made a shared page dirty drops mmap_lock, in case it is held up, and starts again:
  // get_file(), fput(), and all the way to an entry that lacks nothing.
  Duration started_again() const {
    return 2 * rmw() + mmap_lock() + c.line.hit + c.work.vmacache_find + c.work.fault_handle +
           c.line.hit /* pgd */ + walk_down() + locked();
  }

  KernelWorld w;
  const CostBook& c;
  File& file;
  Duration took{};
};

TEST_F(Faults, AReadOfUntouchedMemoryMapsTheZeroPage) {
  run([&](Task& task) {
    map_area(w.system, task, {area, 3});
    touch(w.system, task, area, AccessKind::read);
    measure(task, area + 1, AccessKind::read);
    EXPECT_EQ(task.mm->rss(), 0);
    EXPECT_TRUE(task.mm->tables.find(area + 1)->special());
  });
  EXPECT_EQ(took, misses() + frame_of_a_fault() + locked() + c.work.pte_set);
}

TEST_F(Faults, AWriteToTheZeroPageMakesAClearedPage) {
  run([&](Task& task) {
    map_area(w.system, task, {area, 3});
    touch(w.system, task, area, AccessKind::write); // its anon_vma
    touch(w.system, task, area + 1, AccessKind::read);
    measure(task, area + 1, AccessKind::write);
    EXPECT_EQ(task.mm->rss_anon, 2);
    EXPECT_TRUE(task.mm->tables.find(area + 1)->writable());
  });
  EXPECT_EQ(w.count(Counter::pgcow), 1u);
  EXPECT_EQ(took, c.entry.user_access /* it hits, and may not write */ + frame_of_a_fault() + locked() +
                      c.work.pcp_alloc + c.memory.page_zero + locked() + c.work.pte_clear + flush_page() +
                      c.work.page_ref + c.work.pagevec_add + c.work.pte_set);
}

struct FaultsOfOnePage : Faults {
  FaultsOfOnePage() : Faults(no_fault_around) {}
  // find_get_page(): the tree's root, its one level, the node, a reference on the page; and its lock.
  Duration found_and_locked(Duration page) const {
    return c.line.hit + c.work.table_walk_level + c.line.hit + page + rmw();
  }
};

TEST_F(FaultsOfOnePage, AReadOfAFileInMemoryCostsTheSumOfItsEntries) {
  run([&](Task& task) {
    map_area(w.system, task, {area, 8, VM_READ, &file});
    touch(w.system, task, area, AccessKind::read);
    measure(task, area + 1, AccessKind::read);
    EXPECT_EQ(task.mm->rss_file, 2);
    EXPECT_FALSE(task.mm->tables.find(area + 1)->writable());
  });
  EXPECT_EQ(w.count(Counter::pgmajfault), 0u);
  EXPECT_EQ(took, misses() + frame_of_a_fault() + found_and_locked(rmw_from_memory()) + locked() +
                      rmw() /* _mapcount */ + c.work.pte_set + rmw() /* unlock_page() */);
}

TEST_F(FaultsOfOnePage, APrivateWriteCopiesTheFilesPage) {
  run([&](Task& task) {
    map_area(w.system, task, {area, 8, vm_read_write, &file});
    touch(w.system, task, area, AccessKind::write);
    measure(task, area + 1, AccessKind::write);
    EXPECT_EQ(task.mm->rss_anon, 2);
    EXPECT_EQ(task.mm->rss_file, 0);
  });
  EXPECT_EQ(w.system.page_cache.dirty_pages(), 0u);
  EXPECT_EQ(took, misses() + frame_of_a_fault() + c.work.pcp_alloc + found_and_locked(rmw_from_memory()) +
                      c.memory.page_copy + locked() + c.work.page_ref + c.work.pagevec_add + c.work.pte_set +
                      rmw() /* unlock_page() */ + rmw() /* put_page() */);
}

TEST_F(FaultsOfOnePage, ASharedWriteMapsThePageAndMakesItDirty) {
  run([&](Task& task) {
    map_area(w.system, task, {area, 8, shared, &file});
    touch(w.system, task, area, AccessKind::write);
    measure(task, area + 1, AccessKind::write);
    EXPECT_EQ(task.mm->rss_file, 2);
  });
  EXPECT_EQ(w.system.page_cache.dirty_pages(), 2u);
  EXPECT_EQ(took, misses() + frame_of_a_fault() + found_and_locked(rmw_from_memory()) + locked() +
                      rmw() /* _mapcount */ + c.work.pte_set + rmw() /* TestSetPageDirty() */ + locked() +
                      c.line.hit /* the tree's tag */ + rmw() /* unlock_page() */ + started_again());
}

TEST_F(FaultsOfOnePage, AWriteAfterASharedReadIsNoticed) {
  run([&](Task& task) {
    map_area(w.system, task, {area, 8, shared, &file});
    touch(w.system, task, area, AccessKind::read);
    EXPECT_FALSE(task.mm->tables.find(area)->writable());
    EXPECT_EQ(w.system.page_cache.dirty_pages(), 0u);
    measure(task, area, AccessKind::write);
    EXPECT_TRUE(task.mm->tables.find(area)->writable());
  });
  EXPECT_EQ(w.system.page_cache.dirty_pages(), 1u);
  EXPECT_EQ(took, c.entry.user_access + frame_of_a_fault() + locked() + rmw() /* get_page() */ +
                      c.work.pte_set + flush_page() + rmw() /* lock_page() */ +
                      rmw() /* TestSetPageDirty() */ + locked() + c.line.hit + rmw() /* unlock_page() */ +
                      rmw() /* put_page() */ + started_again() + rmw_from_memory() +
                      c.line.hit /* the file is dirty now: wb_list_lock */);
}

struct ZappedPages : Faults {
  using Faults::Faults;
  void TestBody() override {}
};

// Flushes of a madvise(MADV_DONTNEED) of eight pages of a file across the end of a table, read or written before.
std::int64_t flushes_of_a_zap(const Settings& settings, AccessKind kind) {
  return in_child([&] {
    std::int64_t flushes = 0;
    ZappedPages f(settings);
    f.run([&](Task& task) {
      const PageNumber across{area.value() + 508};
      map_area(f.w.system, task, {across, 8, shared, &f.file});
      touch_all(f.w.system, task, across, 8, kind);
      const auto count = [&] {
        return static_cast<std::int64_t>(f.w.count(Counter::tlb_flush_range) +
                                         f.w.count(Counter::tlb_flush_mm));
      };
      const std::int64_t before = count();
      EXPECT_EQ(madvise(f.w.system, task, across, 8, Advice::dontneed), Errno::ok);
      flushes = count() - before;
      EXPECT_EQ(f.w.system.page_cache.dirty_pages(), kind == AccessKind::write ? 8u : 0u);
      EXPECT_EQ(task.mm->rss_file, 0);
    });
    return std::vector<std::int64_t>{flushes};
  })[0];
}

TEST(ZappedPagesOfFiles, AreFlushedBeforeTheirTablesLockIsDroppedIfTheyAreDirty) {
  EXPECT_EQ(flushes_of_a_zap({}, AccessKind::write), 2) << "once a table";
  EXPECT_EQ(flushes_of_a_zap({}, AccessKind::read), 1);
  EXPECT_EQ(flushes_of_a_zap({{"kernel.zap_dirty_flush", false}}, AccessKind::write), 1);
}

TEST_F(Faults, AReadFaultMapsWhatIsInMemoryAroundIt) {
  std::uint64_t faults = 0;
  run([&](Task& task) {
    map_area(w.system, task, {area, 40, VM_READ, &file});
    touch(w.system, task, area + 3, AccessKind::read); // 0 to 15
    EXPECT_EQ(task.mm->rss_file, 16);
    measure(task, area + 21, AccessKind::read); // 16 to 31
    EXPECT_EQ(task.mm->rss_file, 32);
    faults = w.count(Counter::pgfault);
    touch_all(w.system, task, area, 32, AccessKind::read);
    EXPECT_EQ(w.count(Counter::pgfault), faults);
  });
  EXPECT_EQ(faults, 2u);
  // The 18th, 21st, ... mapped page of files is published.
  EXPECT_EQ(took, misses() + frame_of_a_fault() + c.line.hit + c.work.table_walk_level + locked() +
                      16 * (c.work.pte_scan + c.line.hit + rmw_from_memory() + 3 * rmw() + c.work.pte_set) +
                      5 * published());
}

TEST_F(Faults, FaultAroundStaysInTheAreaAndTheFile) {
  run([&](Task& task) {
    map_area(w.system, task, {area + 5, 6, VM_READ, &file, 60}); // 60 to 65, of which 63 is the last
    touch(w.system, task, area + 6, AccessKind::read);
    EXPECT_EQ(task.mm->rss_file, 4);
  });
}

struct SoftwareFlags : Faults {
  SoftwareFlags()
      : Faults({{"machine.mmu.hardware_access_flag", false}, {"machine.mmu.hardware_dirty", false}}) {}
};

TEST_F(SoftwareFlags, TheFirstAccessOfAChildToAnOldPageFaults) {
  run([&](Task& task) {
    map_area(w.system, task, {area, 2});
    touch_all(w.system, task, area, 2, AccessKind::write);
    fork(w.system, task, CoreId(0), [&](Task& child) {
      EXPECT_FALSE(child.mm->tables.find(area)->young());
      touch(w.system, child, area, AccessKind::read);
      measure(child, area + 1, AccessKind::read);
      EXPECT_TRUE(child.mm->tables.find(area + 1)->young());
      exit_task(w.system, child);
    });
  });
  EXPECT_EQ(took, misses() + frame_of_a_fault() + locked() + c.work.pte_set);
}

} // namespace
} // namespace mmsim::tests::fault_test
