// Do calls that change areas cost exactly the sum of their cost-book entries?
//
// One core, every line in its cache, nothing in the pagevec. What is expected is written entry by entry, in
// the order of the kernel's steps (5.10). The page that the warm-up maps keeps the page table alive.

#include "models/operations/brk.hpp"
#include "models/operations/madvise.hpp"
#include "models/operations/mprotect.hpp"
#include "models/operations/mremap.hpp"
#include "tests/support/file_area.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::mappings_test {
namespace {

constexpr std::int64_t n = 40, third = 10; // pages of an area; [third, 2 * third) is cut out of it

class Mappings : public testing::Test {
 protected:
  explicit Mappings(const Settings& settings = {})
      : w(1, Settings{{"kernel.tlb_flush", "eager"}, {"kernel.mmap_layout", "bottom_up"}} + settings),
        c(w.costs()) {}

  // `body` gets an area of n pages of which all but the middle ones have been written.
  void run(const std::function<void(Task&, PageNumber)>& body) {
    spawn_process_at_boot(w.system, "process", CoreId(0), [&](Task& task) {
      for (KmemCache* cache : w.system.slabs.all())
        for (int i = 0; i < 3; ++i)
          objects_.push_back(cache->alloc(task.core()));
      for (KmemCache* cache : w.system.slabs.all()) {
        for (int i = 0; i < 3; ++i)
          cache->free(task.core(), objects_[static_cast<std::size_t>(i)]);
        objects_.erase(objects_.begin(), objects_.begin() + 3);
      }
      touch(w.system, task, mmap_apart(w.system, task, 1), AccessKind::write);
      const PageNumber area = mmap_apart(w.system, task, n);
      for (std::int64_t i = 0; i < n; ++i)
        if (i < third || 2 * third <= i)
          touch(w.system, task, area + static_cast<std::uint64_t>(i), AccessKind::write);
      w.system.lru->lru_add_drain(task.core());
      body(task, area);
      exit_task(w.system, task);
    });
    w.engine.run();
    w.system.check_invariants();
  }
  template <class Operation>
  void measure(Task& task, Operation&& operation) {
    took = time_of(task, operation);
    EXPECT_TRUE(task.mm->open_changes.empty()) << "something was not flushed";
  }

  Duration rmw() const { return c.line.hit + c.line.atomic; }
  Duration written_under_mmap_lock() const {
    return 2 * (rmw() + c.line.hit);
  } // the count and the owner, twice
  Duration downgraded() const { return rmw() + c.line.hit + 2 * (rmw() + c.line.hit); }
  Duration down_and_up_read() const { return 2 * rmw() + 2 * c.line.hit; }
  Duration call() const { return c.entry.syscall + written_under_mmap_lock(); }
  // find_vma(): the task's vmacache knows the area, or not.
  Duration known() const { return c.line.hit + c.work.vmacache_find; }
  Duration find(int levels) const { return known() + levels * c.work.vma_find_level; }
  Duration removed() const { return c.line.hit + c.work.vma_remove; } // and the vmacaches are invalid
  Duration promise() const { return c.line.hit + rmw(); }             // vm_committed_as, or back
  // The anon_vma's lock; a link to it more, or less; and an area that stands in its tree by other ends.
  Duration anon_vma_locked() const { return written_under_mmap_lock(); }
  Duration cloned() const { return c.work.slab_alloc + anon_vma_locked() + c.work.avc_link; }
  Duration unlinked() const { return anon_vma_locked() + c.work.slab_free; }
  Duration boundary_moved() const { return anon_vma_locked() + c.work.avc_link; }
  Duration split() const {
    return c.work.slab_alloc + c.work.vma_dup + cloned() + c.work.rmap_link + boundary_moved() +
           c.work.vma_insert;
  }
  Duration swallowed() const { return removed() + unlinked() + c.work.slab_free; }
  Duration table() const {
    return 3 * c.work.table_walk_level + rmw() + c.line.hit;
  } // and its lock, dropped again
  // tlb_flush_pending, which nobody has counted before: mprotect; and a gather, which looks who else is there.
  Duration first_pending() const { return c.line.dram + c.line.atomic + rmw(); }
  Duration first_gather() const { return first_pending() + c.line.hit; }
  Duration changed(std::int64_t pages) const { return pages * (c.work.pte_clear + c.work.pte_set); }
  Duration passed_over(std::int64_t pages) const { return pages * c.work.pte_scan; }
  Duration flushed(std::int64_t pages) const {
    return c.work.flush_setup + pages * c.tlb.invalidate_page + c.tlb.dsb;
  }

  KernelWorld w;
  const CostBook& c;
  Duration took{};

 private:
  std::vector<SlabObject> objects_;
};

TEST_F(Mappings, MmapBesideAnAreaOfItsKindOnlyMovesItsEnd) {
  run([&](Task& task, PageNumber area) {
    measure(task, [&] { EXPECT_EQ(mmap(w.system, task, {.hint = area + n, .pages = 7}).first, area + n); });
    EXPECT_EQ(task.mm->vmas.size(), 2u);
  });
  EXPECT_EQ(took, call() + c.work.mmap + find(2) + promise() + boundary_moved());
}

TEST_F(Mappings, MprotectOfAnAreaChangesEachEntryAndFlushesOnce) {
  run([&](Task& task, PageNumber area) {
    measure(task, [&] { EXPECT_EQ(mprotect(w.system, task, area, n, PROT_READ), Errno::ok); });
  });
  EXPECT_EQ(took, call() + c.work.mprotect + known() + table() + changed(n - third) + passed_over(third) +
                      flushed(n) + first_pending());
  EXPECT_EQ(w.count(Counter::tlb_flush_range), 1u);
}

TEST_F(Mappings, MprotectOfTheMiddleCutsTwiceAndFlushesNothingWhereNothingIs) {
  run([&](Task& task, PageNumber area) {
    measure(task, [&] { EXPECT_EQ(mprotect(w.system, task, area + third, third, PROT_READ), Errno::ok); });
    EXPECT_EQ(task.mm->vmas.size(), 4u);
  });
  EXPECT_EQ(took, call() + c.work.mprotect + known() + 2 * split() + table() + passed_over(third) +
                      first_pending());
}

TEST_F(Mappings, MprotectBackMakesOneAreaOfThree) {
  run([&](Task& task, PageNumber area) {
    EXPECT_EQ(mprotect(w.system, task, area + third, third, PROT_READ), Errno::ok);
    measure(task, [&] {
      EXPECT_EQ(mprotect(w.system, task, area + third, third, PROT_READ | PROT_WRITE), Errno::ok);
    });
    EXPECT_EQ(task.mm->vmas.size(), 2u);
  });
  EXPECT_EQ(took, call() + c.work.mprotect + known() + boundary_moved() + 2 * swallowed() + table() +
                      passed_over(third) + 2 * rmw() /* tlb_flush_pending */);
}

TEST_F(Mappings, MunmapOfTheMiddleCutsTwice) {
  run([&](Task& task, PageNumber area) {
    measure(task, [&] { EXPECT_EQ(munmap(w.system, task, area + third, third), Errno::ok); });
    EXPECT_EQ(task.mm->vmas.size(), 3u);
  });
  EXPECT_EQ(took, c.entry.syscall + downgraded() + c.work.munmap + known() + split() + find(2) + split() +
                      removed() + table() + passed_over(third) + unlinked() + c.work.slab_free + promise() +
                      first_gather());
}

TEST_F(Mappings, MadviseDontneedOfUntouchedPagesLooksAtThemUnderTheReadLock) {
  run([&](Task& task, PageNumber area) {
    measure(task,
            [&] { EXPECT_EQ(madvise(w.system, task, area + third, third, Advice::dontneed), Errno::ok); });
  });
  EXPECT_EQ(took, c.entry.syscall + down_and_up_read() + c.work.madvise + known() + table() +
                      passed_over(third) + first_gather());
}

TEST_F(Mappings, AnAdviceAboutAllOfAnAreaIsAFlag) {
  run([&](Task& task, PageNumber area) {
    measure(task, [&] { EXPECT_EQ(madvise(w.system, task, area, n, Advice::sequential), Errno::ok); });
    EXPECT_TRUE(task.mm->vmas.find(area)->has(VM_SEQ_READ));
  });
  EXPECT_EQ(took, call() + c.work.madvise + known());
}

// What it costs to move an area to another place in the same table, without its entries. mmap_cache knows its
// beginning, also for munmap, which looks for its end too.
Duration moved_all_of_an_area(const CostBook& c, Duration rmw, Duration promise, Duration cloned,
                              Duration unlinked) {
  return c.work.mremap + promise // of what it grows by
         + c.work.slab_alloc + c.work.vma_dup + c.work.rmap_link + cloned + c.work.vma_insert +
         6 * c.work.table_walk_level + rmw + c.line.hit // both tables are one
         + c.work.munmap + c.line.hit + c.work.vma_remove + 3 * c.work.table_walk_level + rmw + c.line.hit +
         n * c.work.pte_scan + unlinked + c.work.slab_free;
}

TEST_F(Mappings, MremapThatMovesFlushesOnceBeforeItDropsTheLocks) {
  run([&](Task& task, PageNumber area) {
    EXPECT_EQ(mmap(w.system, task, {.hint = area + n, .pages = 1, .prot = PROT_READ}).first, area + n);
    touch(w.system, task, area, AccessKind::read); // the vmacache knows the area
    measure(task, [&] {
      const MmapResult to = mremap(w.system, task, area, n, n + 1, MREMAP_MAYMOVE);
      EXPECT_EQ(to.error, Errno::ok);
      EXPECT_NE(to.first, area);
    });
  });
  EXPECT_EQ(took, call() + moved_all_of_an_area(c, rmw(), promise(), cloned(), unlinked()) + 2 * known() +
                      find(2) /* its end */ + c.work.vma_find_level /* on the way to room */ +
                      changed(n - third) + passed_over(third) + flushed(n) + first_gather() /* munmap's */);
}

class OldMappings : public Mappings {
 protected:
  OldMappings()
      : Mappings({{"kernel.mremap_flush", "page"},
                  {"kernel.mremap_latency_limit", std::int64_t{64}},
                  {"kernel.mprotect_flush", "always"},
                  {"kernel.tlb_flush_pending", false}}) {}
};

TEST_F(OldMappings, MremapThatMovesFlushesEachPage) {
  run([&](Task& task, PageNumber area) {
    EXPECT_EQ(mmap(w.system, task, {.hint = area + n, .pages = 1, .prot = PROT_READ}).first, area + n);
    touch(w.system, task, area, AccessKind::read);
    measure(task,
            [&] { EXPECT_EQ(mremap(w.system, task, area, n, n + 1, MREMAP_MAYMOVE).error, Errno::ok); });
  });
  EXPECT_EQ(took, call() + moved_all_of_an_area(c, rmw(), promise(), cloned(), unlinked()) + 2 * known() +
                      find(2) + c.work.vma_find_level + changed(n - third) + passed_over(third) +
                      (n - third) * flushed(1));
}

// Acquisitions of i_mmap_lock by an mremap() that moves an area of a file: the copy's link, the old one's, and what more.
std::int64_t taken_by_a_move(const char* locks, std::uint64_t latency_limit) {
  return in_child([&] {
    std::int64_t taken = 0;
    KernelWorld w(1, {{"kernel.i_mmap_lock", "spinlock"},
                      {"kernel.mremap_rmap_locks", locks},
                      {"kernel.mremap_latency_limit", static_cast<std::int64_t>(latency_limit)}});
    File& file = w.system.page_cache.create("data", 64, InMemory::yes);
    spawn_process_at_boot(w.system, "process", CoreId(0), [&](Task& task) {
      const PageNumber area = map_area(w.system, task, {PageNumber(0x10000), 8, VM_READ | VM_SHARED, &file});
      map_area(w.system, task, {area + 8, 1}); // in the way
      touch_all(w.system, task, area, 8, AccessKind::read);
      const auto acquired = [&] {
        return static_cast<std::int64_t>(w.counters.snapshot().lock_class("i_mmap_lock").acquired);
      };
      const std::int64_t before = acquired();
      const MmapResult to = mremap(w.system, task, area, 8, 9, MREMAP_MAYMOVE);
      taken = acquired() - before;
      EXPECT_EQ(to.error, Errno::ok);
      EXPECT_TRUE(task.mm->tables.find(to.first + 7)->present());
      exit_task(w.system, task);
    });
    w.engine.run();
    w.system.check_invariants();
    return std::vector<std::int64_t>{taken};
  })[0];
}

TEST(MremapOfAFile, KeepsWalksOutWhileEntriesMoveWhereTheOrderOfAreasDoesNot) {
  EXPECT_EQ(taken_by_a_move("merged", 512), 2);
  EXPECT_EQ(taken_by_a_move("file", 512), 2 + 1);
  EXPECT_EQ(taken_by_a_move("file", 2), 2 + 4);
}

TEST_F(OldMappings, MprotectFlushesThoughNothingIsThere) {
  run([&](Task& task, PageNumber area) {
    measure(task, [&] { EXPECT_EQ(mprotect(w.system, task, area + third, third, PROT_READ), Errno::ok); });
  });
  EXPECT_EQ(took,
            call() + c.work.mprotect + known() + 2 * split() + table() + passed_over(third) + flushed(third));
}

TEST_F(Mappings, TheFirstBrkMakesAnAreaAndTheNextMovesItsEnd) {
  Duration first{};
  run([&](Task& task, PageNumber) {
    const PageNumber heap = brk(w.system, task);
    measure(task, [&] { EXPECT_EQ(brk(w.system, task, heap + 5), heap + 5); });
    first = took;
    measure(task, [&] { EXPECT_EQ(brk(w.system, task, heap + 9), heap + 9); });
    EXPECT_EQ(task.mm->vmas.size(), 3u);
  });
  EXPECT_EQ(first, call() + c.work.brk + find(1) + promise() + c.work.slab_alloc + c.work.vma_insert);
  EXPECT_EQ(took, call() + c.work.brk + find(2) + promise()); // no page, no anon_vma: nothing to update
}

} // namespace
} // namespace mmsim::tests::mappings_test
