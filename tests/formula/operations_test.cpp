// Does an operation that meets nobody cost exactly the sum of its cost-book entries?
//
// One core, every line in its cache, per-CPU lists full. What is expected is written entry by entry, in the
// order of the kernel's steps, for mmap_lock as 2.6.24 has it (fifo) and as 5.10 does (handoff).

#include "models/locks/sleeping_locks.hpp"
#include "tests/support/points.hpp"

#include <gtest/gtest.h>
#include <tuple>

namespace mmsim::tests::operations_test {
namespace {

using namespace literals;

const Settings one_core = {{"kernel.tlb_flush", "eager"},
                           {"kernel.pcp_batch", std::int64_t{2000}},
                           {"kernel.pcp_high", std::int64_t{100'000}}};
constexpr int levels_above = 3; // of four

struct Prices : CostBook {
  explicit Prices(const KernelWorld& w)
      : CostBook(read_parameters<CostBook>(w.configuration)),
        owner_access(read_parameters<SleepingLockParameters>(w.configuration).rwsem == "handoff"
                         ? line.hit
                         : Duration{}) {}
  const Duration owner_access; // to the owner word of an rw_semaphore: 5.10 has one, beside the count
  Duration rmw() const { return line.hit + line.atomic; }
  Duration rmw_from_memory() const { return line.dram + line.atomic; }
  // mmap_lock. A writer stores itself as the owner, and 0; a reader looks who is there and stores itself.
  Duration down_write() const { return rmw() + owner_access; }
  Duration first_down_write() const { return rmw_from_memory() + owner_access; }
  Duration up_write() const { return owner_access + rmw(); }
  Duration down_read() const { return rmw() + 2 * owner_access; }
  // As do_page_fault() takes it: the old one reads before it swaps.
  Duration down_read_trylock() const {
    return down_read() + (owner_access == Duration{} ? line.hit : Duration{});
  }
  Duration up_read() const { return rmw(); }
  Duration downgrade_write() const { return rmw() + 2 * owner_access; }
  Duration locked_and_unlocked() const { return rmw() + line.hit; } // queued spinlock, nobody else there
  Duration first_locked_and_unlocked() const { return rmw_from_memory() + line.hit; }
  // lru_lock held once, with the line of the lists' heads; and the pagevec's pages put on their lists in one
  // go.
  Duration lru_hold() const { return locked_and_unlocked() + line.hit; }
  Duration lru_drain(std::int64_t pages) const {
    return lru_hold() + pages * (work.lru_add + work.pagevec_put);
  }
  // What a core keeps back of a counter of pages goes to the node's (or the zone's) and to the machine's.
  Duration published() const { return 2 * rmw(); }
  // How often that happens while `pages` more are counted, or less, if `kept` of them were kept back before:
  // with 64 MiB and one CPU whenever it would be more than two.
  static std::int64_t times_published(std::int64_t pages, std::int64_t kept) { return (pages + kept) / 3; }
  // On and off the LRU a page counts for its zone and for its node.
  Duration lru_published(std::int64_t pages, std::int64_t kept) const {
    return 2 * times_published(pages, kept) * published();
  }
  // A struct page that the core has last had in hand so many pages ago, on average.
  Duration struct_page(std::int64_t pages_since) const {
    return pages_since * 4096 * 4096 / static_cast<std::int64_t>(memory.cache_size.value()) * line.dram /
           4096;
  }
  // Of the `pages` that it has brought in last.
  Duration struct_pages(std::int64_t pages) const {
    Duration sum{};
    for (std::int64_t since = 0; since < pages; ++since)
      sum += struct_page(since);
    return sum;
  }
  // vm_committed_as, below its batch: a look at the CPU's part, and an atomic addition to it.
  Duration vm_acct_memory() const { return line.hit + rmw(); }
  // tlb_flush_pending of a gather that is alone, the first of its address space: counted, looked at, counted back.
  Duration first_gather() const { return rmw_from_memory() + line.hit + rmw(); }
  Duration pgd() const { return line.hit; } // on mmap_lock's line
  // find_vma() asks the task's vmacache; and areas that go invalidate it.
  Duration vmacache() const { return line.hit + work.vmacache_find; }
  Duration vmacache_invalidate() const { return line.hit; }
  Duration walk_down() const { return levels_above * work.table_walk_level; }
  Duration access_that_misses() const {
    return entry.user_access + tlb.walk_level;
  } // the walker knows the last table
  Duration flush_pages(std::int64_t n) const { return work.flush_setup + n * tlb.invalidate_page + tlb.dsb; }
  Duration flush_all() const { return work.flush_setup + tlb.invalidate_all + tlb.dsb; }
  // The lock of a family's anon_vmas, which is their root's.
  Duration anon_vma_locked() const { return down_write() + up_write(); }
  // An object from the core's array, or back into it.
  Duration object_taken() const { return work.slab_alloc; }
  Duration object_given() const { return work.slab_free; }
  // From a page that the core has brought in `pages_since` pages ago to a frame that nobody has used.
  Duration copy_of_a_page_touched(std::int64_t pages_since) const {
    const std::int64_t gone =
        pages_since * 4096 * 4096 / static_cast<std::int64_t>(memory.cache_size.value());
    return memory.page_copy * (gone + 4096) / 8192 + memory.page_copy_hot * (4096 - gone) / 8192;
  }
  Duration new_table() const { return work.pcp_alloc + memory.page_zero + work.table_init; }
};

// What `operation` takes, after `before`, on a core that has done a little of everything.
class OneCore : public testing::TestWithParam<const char*> {
 protected:
  KernelWorld w{1, one_core + Settings{{"kernel.rwsem", GetParam()}}};
  Prices c{w};
  Duration took{};

  void measure(Task& task, const std::function<void()>& operation) { took = time_of(task, operation); }
  void run(const std::function<void(Task&)>& body) {
    spawn_process_at_boot(w.system, "process", CoreId(0), [&](Task& task) {
      for (KmemCache* cache : w.system.slabs.all()) // an array with a few objects, more than any test takes
        cache->free(task.core(), cache->alloc(task.core()));
      const PageNumber page = mmap_apart(w.system, task, 1);
      touch(w.system, task, page, AccessKind::write);
      body(task);
    });
    w.engine.run();
  }
};

INSTANTIATE_TEST_SUITE_P(Semaphores, OneCore, testing::Values("fifo", "handoff"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(OneCore, MmapCostsTheSumOfItsEntries) {
  run([&](Task& task) {
    measure(task, [&] { std::ignore = mmap_apart(w.system, task, 7); });
    exit_task(w.system, task);
  });
  EXPECT_EQ(took, c.entry.syscall + c.down_write() + c.work.mmap + c.vmacache() + 1 * c.work.vma_find_level +
                      c.vm_acct_memory() + c.object_taken() + c.work.vma_insert + c.up_write());
}

TEST_P(OneCore, DemandFaultCostsTheSumOfItsEntries) {
  run([&](Task& task) {
    const PageNumber area = mmap_apart(w.system, task, 2);
    touch(w.system, task, area, AccessKind::write);
    measure(task, [&] { touch(w.system, task, area + 1, AccessKind::write); });
    exit_task(w.system, task);
  });
  EXPECT_EQ(took, c.access_that_misses() + c.entry.fault + c.down_read_trylock() + c.vmacache() +
                      c.work.fault_handle + c.pgd() + c.walk_down() + c.work.pcp_alloc + c.memory.page_zero +
                      c.locked_and_unlocked() + c.published() // the third anonymous page
                      + c.work.page_ref + c.work.pagevec_add + c.work.pte_set + c.up_read() +
                      c.access_that_misses());
}

TEST_P(OneCore, TheFirstDemandFaultOfAnAreaMakesItsAnonVma) {
  run([&](Task& task) {
    const PageNumber area = mmap_apart(w.system, task, 1); // beside the first page: its table is there
    measure(task, [&] { touch(w.system, task, area, AccessKind::write); });
    exit_task(w.system, task);
  });
  EXPECT_EQ(took, c.access_that_misses() + c.entry.fault + c.down_read_trylock() + c.vmacache() +
                      c.work.vma_find_level * 2 + c.work.fault_handle + c.pgd() + c.walk_down() +
                      2 * c.object_taken() + c.first_down_write() + c.work.avc_link +
                      c.locked_and_unlocked() // page_table_lock
                      + c.up_write() + c.work.pcp_alloc + c.memory.page_zero + c.locked_and_unlocked() +
                      c.work.page_ref + c.work.pagevec_add + c.work.pte_set + c.up_read() +
                      c.access_that_misses());
}

TEST_P(OneCore, AnAccessThatHitsCostsOneEntry) {
  run([&](Task& task) {
    const PageNumber area = mmap_apart(w.system, task, 1);
    touch(w.system, task, area, AccessKind::write);
    measure(task, [&] { touch(w.system, task, area, AccessKind::write); });
    exit_task(w.system, task);
  });
  EXPECT_EQ(took, c.entry.user_access);
}

TEST_P(OneCore, MunmapOfPagesCostsTheSumOfItsEntries) {
  constexpr std::int64_t n = 96; // more than a quantum of entries
  run([&](Task& task) {
    const PageNumber area = mmap_apart(w.system, task, n); // beside the first page: its table stays
    for (std::uint64_t i = 0; i < n; ++i)
      touch(w.system, task, area + i, AccessKind::write);
    measure(task, [&] { munmap(w.system, task, area, n); });
    exit_task(w.system, task);
  });
  constexpr std::int64_t in_pagevec = (1 + n) % 15; // the page of the warm-up was the first
  constexpr std::int64_t kept = (1 + n) % 3; // of anonymous pages, and of those on the LRU once they all are
  constexpr std::int64_t lru_holds =
      1 + (n - 8 + 31) / 32; // the gather's first 8 pages, and by 32 of the rest
  EXPECT_EQ(took,
            c.entry.syscall + c.down_write() + c.work.munmap + 2 * c.vmacache() +
                2 * c.work.vma_find_level /* its end */ + c.work.vma_remove + c.vmacache_invalidate() +
                c.downgrade_write() + c.lru_drain(in_pagevec) +
                c.lru_published(in_pagevec, (1 + n - in_pagevec) % 3) +
                c.struct_pages(in_pagevec + 1) // and the list's head
                + c.walk_down() + c.locked_and_unlocked() + c.times_published(n, -kept) * c.published() +
                n * (c.work.pte_scan + c.work.pte_clear + c.work.page_unref) + c.flush_pages(n) +
                lru_holds * c.lru_hold() + n * (c.work.lru_del + c.work.pcp_free) +
                c.lru_published(n, -kept) + c.struct_page(n - 1) +
                c.struct_page(n) // the first of the row, and who
                // is on the list behind it
                + c.anon_vma_locked() + c.rmw() + 2 * c.object_given() // its anon_vma and the link to it
                + c.vm_acct_memory() + c.object_given() + c.first_gather() + c.up_read());
}

TEST_P(OneCore, MunmapDrainsThePagevecThoughNothingIsMapped) {
  constexpr std::int64_t in_pagevec = 6;
  run([&](Task& task) {
    const PageNumber area = mmap_apart(w.system, task, in_pagevec);
    const PageNumber untouched = mmap_apart(w.system, task, 3);
    w.system.lru->lru_add_drain(task.core()); // the lines of lru_lock are at hand now
    for (std::uint64_t i = 0; i < in_pagevec; ++i)
      touch(w.system, task, area + i, AccessKind::write);
    measure(task, [&] { munmap(w.system, task, untouched, 3); });
    exit_task(w.system, task);
  });
  EXPECT_EQ(took, c.entry.syscall + c.down_write() + c.work.munmap + 2 * c.vmacache() +
                      4 * c.work.vma_find_level /* its begin and its end */ + c.work.vma_remove +
                      c.vmacache_invalidate() + c.downgrade_write() + c.lru_drain(in_pagevec) +
                      c.lru_published(in_pagevec, 1) + c.struct_pages(in_pagevec + 1) // and the list's head
                      + c.walk_down() + c.locked_and_unlocked() + 3 * c.work.pte_scan + c.vm_acct_memory() +
                      c.object_given() + c.first_gather() + c.up_read());
}

TEST_P(OneCore, CowFaultThatCopiesCostsTheSumOfItsEntries) {
  run([&](Task& task) {
    const PageNumber area = mmap_apart(w.system, task, 2);
    touch(w.system, task, area, AccessKind::write);
    touch(w.system, task, area + 1, AccessKind::write);
    fork(w.system, task, CoreId(0), [&](Task& child) { exit_task(w.system, child); });
    touch(w.system, task, area, AccessKind::write);
    measure(task, [&] { touch(w.system, task, area + 1, AccessKind::write); });
    exit_task(w.system, task);
  });
  // Since the page was cleared: four tables of the child, and the first copy (of what was nearly all there).
  EXPECT_EQ(took, c.access_that_misses() + c.entry.fault + c.down_read_trylock() + c.vmacache() +
                      c.work.fault_handle + c.pgd() + c.walk_down() + c.locked_and_unlocked() +
                      c.work.page_ref // the reference that keeps the old page
                      + c.work.pcp_alloc + c.copy_of_a_page_touched(4 + 1) + c.locked_and_unlocked() +
                      c.work.pte_clear + c.flush_pages(1) + c.work.page_ref + c.work.pagevec_add +
                      c.work.pte_set + c.work.page_unref + c.up_read() + c.access_that_misses());
}

TEST_P(OneCore, CowFaultThatReusesCostsTheSumOfItsEntries) {
  run([&](Task& task) {
    const PageNumber area = mmap_apart(w.system, task, 2);
    touch(w.system, task, area, AccessKind::write);
    touch(w.system, task, area + 1, AccessKind::write);
    Completion exited("the child's exit");
    fork(w.system, task, CoreId(0), [&](Task& child) {
      exit_task(w.system, child);
      exited.complete(w.system, child.core());
    });
    exited.wait(w.system, task);
    touch(w.system, task, area, AccessKind::write);
    measure(task, [&] { touch(w.system, task, area + 1, AccessKind::write); });
    exit_task(w.system, task);
  });
  EXPECT_EQ(w.count(Counter::pgreuse), 2u);
  EXPECT_EQ(took, c.access_that_misses() + c.entry.fault + c.down_read_trylock() + c.vmacache() +
                      c.work.fault_handle + c.pgd() + c.walk_down() + c.locked_and_unlocked() +
                      c.work.pte_set + c.flush_pages(1) + c.up_read() + c.access_that_misses());
}

TEST_P(OneCore, ForkAndExitOfPagesInAreasCostTheSumsOfTheirEntries) {
  constexpr std::int64_t areas = 3, pages_each = 40, pages = areas * pages_each + 1;
  Duration exit_took{};
  run([&](Task& task) {
    for (int a = 0; a < areas; ++a) {
      const PageNumber area = mmap_apart(w.system, task, pages_each);
      for (std::uint64_t i = 0; i < pages_each; ++i)
        touch(w.system, task, area + i, AccessKind::write);
    }
    measure(task, [&] { fork(w.system, task, CoreId(0), [&](Task& child) { exit_task(w.system, child); }); });
    const Duration fork_took = took;
    measure(task, [&] { exit_task(w.system, task); });
    exit_took = std::exchange(took, fork_took);
  });
  constexpr std::int64_t all_areas =
      areas + 1; // and the one of the warm-up; all of them under one last-level table
  EXPECT_EQ(
      took,
      c.entry.syscall + c.work.task_create + 2 * c.object_taken() // files, mm_struct
          + c.work.mm_create + c.down_write()                     // of the parent
          + c.first_down_write()                                  // of the child
          + all_areas *
                (c.vm_acct_memory() + c.object_taken() + c.work.vma_dup +
                 2 * (c.object_taken() + c.anon_vma_locked() + c.work.avc_link) /* the parent's, its own */
                 + c.object_taken() + c.rmw() /* which names the root */ + c.work.rmap_link +
                 c.work.vma_insert + 2 * c.walk_down()) +
          4 * (c.new_table() + c.work.pte_set)                          // root to leaf
          + c.first_locked_and_unlocked() + 3 * c.locked_and_unlocked() // page_table_lock
          + all_areas * c.locked_and_unlocked()                         // the parent's table's lock
          + c.first_locked_and_unlocked() + (all_areas - 1) * c.locked_and_unlocked() // the child's
          + c.line.dram + (2 * all_areas - 1) * c.line.hit // write_protect_seq, odd and even again
          + all_areas * c.line.hit                         // has_pinned, on the same line
          + c.published() /* the third table */ +
          pages * (c.work.pte_copy + c.work.page_ref + c.work.pte_wrprotect) + c.up_write() // of the child
          + c.flush_all() + c.up_write() + c.locked_and_unlocked() + c.work.enqueue);
  // The last mapping of no page goes: the child has them still.
  // Four tables came after all pages; of each area, and of the page of the warm-up, the first begins a row.
  Duration first_of_rows = c.struct_page(4 + areas * pages_each);
  for (std::int64_t area = 1; area <= areas; ++area)
    first_of_rows += c.struct_page(4 + area * pages_each - 1);
  EXPECT_EQ(exit_took,
            c.entry.syscall + c.work.task_exit + c.down_read() + c.rmw_from_memory() // mm_count
                + c.up_read() + c.rmw_from_memory()                                  // mm_users
                + c.lru_drain(pages % 15) // what is still in the pagevec:
                + c.struct_page(4) + c.struct_page(4 + 1) +
                first_of_rows // one page, before four tables; the list's head
                + all_areas * (c.walk_down() + c.locked_and_unlocked() + c.anon_vma_locked() +
                               c.object_given() /* the link to an anon_vma that the child has too */ +
                               c.work.vma_remove + c.object_given()) +
                pages * (c.work.pte_scan + c.work.pte_clear + c.work.page_unref) +
                levels_above * c.work.pte_clear // tables below the root are unhooked
                + c.flush_all() + levels_above * c.work.pcp_free + c.first_gather() + c.vm_acct_memory() +
                c.rmw()); // mmdrop
}

TEST(Accounts, SumToTheLatencyOfEachOperationOfEachScenarioToThePicosecond) {
  for (const NamedScenario& scenario : scenarios)
    for (const char* cpus : {"run.cpus=1", "run.cpus=4"})
      for (const char* policy : {"broadcast", "eager", "lazy"}) {
        const PointResult result = point(
            scenario.settings + std::vector<std::string>{cpus, std::string("kernel.tlb_flush=") + policy});
        ASSERT_EQ(result.status, PointStatus::done) << result.message;
        for (const OperationResult& operation : result.operations) {
          Duration sum{};
          for (const Duration account : operation.accounts)
            sum += account;
          EXPECT_EQ(sum, operation.latency.sum())
              << scenario.name << ", " << operation.name << ", " << cpus << ", " << policy;
          const bool by_pressure =
              operation.name == "reclaim" || operation.name == "kswapd"; // either frees enough
          if (!by_pressure) {
            EXPECT_GT(operation.latency.count(), 0u) << scenario.name << ", " << operation.name;
          }
        }
      }
}

} // namespace
} // namespace mmsim::tests::operations_test
