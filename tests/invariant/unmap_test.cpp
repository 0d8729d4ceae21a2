// Is what reclaim unmaps used by nobody any more once it has been flushed, whatever else happens to the address space
// meanwhile? And does the oracle see when it is not?

#include "models/operations/madvise.hpp"
#include "models/operations/mprotect.hpp"
#include "models/rmap/unmap.hpp"
#include "sim/engine/random.hpp"
#include "tests/support/barrier.hpp"

#include <array>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mmsim::tests::unmap_test {
namespace {

using namespace literals;
using testing::HasSubstr;

constexpr std::uint32_t cpus = 4;
constexpr std::uint64_t heap_pages = 16, own_pages = 8;

// Threads of a process on all cores but the last, where a kernel thread pages out what it finds.
class Thrashing {
 public:
  Thrashing(KernelWorld& w, std::uint64_t seed, int steps)
      : w_(w), steps_(steps), barrier_(w, cpus - 1), reclaim_(seed, "reclaim") {
    Task& first = spawn_process_at_boot(w.system, "thread 0", CoreId(0), [this, seed](Task& task) {
      heap_ = mmap_apart(w_.system, task, heap_pages);
      user(task, 0, RandomStream(seed, "thread 0"));
    });
    mm_ = first.mm;
    for (std::uint32_t i = 1; i + 1 < cpus; ++i)
      spawn_thread_at_boot(w.system, "thread", *mm_, CoreId(i), [this, seed, i](Task& task) {
        while (heap_ == PageNumber(0))
          run_user(w_.system, task, 1_us);
        user(task, i, RandomStream(seed, "thread " + std::to_string(i)));
      });
    reclaimer_ =
        &spawn_kthread_at_boot(w.system, "kswapd", CoreId(cpus - 1), [this](Task& task) { reclaim(task); });
    reclaimer_->bound = true;
    w.engine.run();
    w.system.check_invariants();
  }
  std::uint64_t freed() const { return freed_; }
  /// Address spaces with pages whose books were compared.
  std::uint64_t populated() const { return barrier_.populated(); }

 private:
  void user(Task& task, std::uint32_t i, RandomStream random) {
    System& system = w_.system;
    PageNumber& own = own_[i];
    own = mmap(system, task, own_pages);
    for (int step = 0; step < steps_; ++step) {
      const auto page = [&](PageNumber first, std::uint64_t pages) { return first + random.below(pages); };
      const auto kind = random.below(2) ? AccessKind::write : AccessKind::read;
      switch (random.below(8)) {
      case 0:
        ASSERT_EQ(madvise(system, task, page(heap_, heap_pages - 4), 1 + random.below(4), Advice::dontneed),
                  Errno::ok);
        break;
      case 1: // read-only for a while
        ASSERT_EQ(mprotect(system, task, own, own_pages, PROT_READ), Errno::ok);
        touch(system, task, page(own, own_pages), AccessKind::read);
        ASSERT_EQ(mprotect(system, task, own, own_pages, PROT_READ | PROT_WRITE), Errno::ok);
        break;
      case 2: { // and somewhere else
        const PageNumber old = own;
        own = mmap(system, task, own_pages);
        ASSERT_EQ(munmap(system, task, old, own_pages), Errno::ok);
        break;
      }
      case 3:
        fork(system, task, CoreId(static_cast<std::uint32_t>(random.below(cpus))), [this](Task& child) {
          for (std::uint64_t p = 0; p < heap_pages; p += 3)
            touch(w_.system, child, heap_ + p, p % 2 == 0 ? AccessKind::write : AccessKind::read);
          exit_task(w_.system, child);
        });
        break;
      case 4: {
        WorkingSet set{heap_, heap_pages, 40_ns, kind};
        run_user(system, task, random.exponential(8_us), &set);
        break;
      }
      default:
        touch(system, task, page(heap_, heap_pages), kind);
        touch(system, task, page(own, own_pages), kind);
      }
      if (step % 50 == 49) barrier_.meet(task);
    }
    over_ = ++ended_ == cpus - 1;
    while (over_ && !reclaimed_)
      run_user(system, task, 1_us);
    exit_task(system, task);
  }

  void reclaim(Task& task) {
    UnmapBatch batch;
    while (!over_) {
      if (barrier_.complete()) {
        try_to_unmap_flush(w_.system, task, batch);
        barrier_.stand_by(task);
      }
      task.core().charge(1_us, Account::work);
      task.core().settle();
      const std::uint64_t of = reclaim_.below(cpus);
      const PageNumber first = of + 1 < cpus ? own_[of] : heap_;
      const Pte* const entry = over_ ? nullptr : mm_->tables.find(first + reclaim_.below(own_pages));
      if (entry != nullptr && entry->present() && !entry->special()) pageout(task, entry->frame(), batch);
      if (reclaim_.below(32) == 0) try_to_unmap_flush(w_.system, task, batch);
      w_.system.scheduler.resched_point(task);
    }
    try_to_unmap_flush(w_.system, task, batch);
    reclaimed_ = true;
    for (;;)
      w_.system.scheduler.block(task, Account::schedule, nullptr);
  }

  // shrink_page_list() in short: some pages are only unmapped, and fall back from the swap cache.
  void pageout(Task& task, FrameNumber frame, UnmapBatch& batch) {
    System& system = w_.system;
    PageWaitTable& waits = system.page_cache.waits;
    Frame& page = system.pages[frame];
    ++page.refcount;
    if (waits.trylock_page(task.core(), frame)) {
      const bool has_slot = (page.flags & PG_swapcache) != 0 || system.swap.add_to_swap(task.core(), frame);
      if (has_slot && (reclaim_.below(2) || page_referenced(system, task, frame) == 0) &&
          try_to_unmap(system, task, frame, reclaim_.below(4) ? &batch : nullptr) == Unmapped::success &&
          reclaim_.below(2))
        write_and_free(task, frame, batch);
      waits.unlock_page(task.core(), frame);
    }
    task.core().settle();
    put_page(system, task.core(), frame);
  }
  void write_and_free(Task& task, FrameNumber frame, UnmapBatch& batch) {
    System& system = w_.system;
    Frame& page = system.pages[frame];
    try_to_unmap_flush(system, task, batch);
    if ((page.flags & PG_dirty) != 0) {
      system.swap.writepage(task, frame);
      system.page_cache.waits.wait_on_page_writeback(task, frame);
      system.page_cache.waits.lock_page(task, frame);
    }
    if (page.mapcount == 0 && (page.flags & (PG_swapcache | PG_dirty)) == PG_swapcache)
      freed_ += system.swap.remove_mapping(task.core(), frame);
  }

  KernelWorld& w_;
  const int steps_;
  Barrier barrier_;
  RandomStream reclaim_;
  MmStruct* mm_ = nullptr;
  Task* reclaimer_ = nullptr;
  PageNumber heap_{};
  std::array<PageNumber, cpus> own_{};
  std::uint32_t ended_ = 0;
  bool over_ = false, reclaimed_ = false;
  std::uint64_t freed_ = 0;
};

using Kernel = std::tuple<std::string, std::string, std::string>;
class UnmapAtRandom : public testing::TestWithParam<Kernel> {};

TEST_P(UnmapAtRandom, LeavesNoTranslationBehind) {
  const auto& [policy, flush, rmap] = GetParam();
  std::uint64_t freed = 0;
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    const auto numbers = in_child([&] {
      KernelWorld w(cpus,
                    {{"kernel.tlb_flush", policy},
                     {"kernel.reclaim_flush", flush},
                     {"kernel.rmap", rmap},
                     {"kernel.asid_bits", std::int64_t{seed == 2 ? 0 : 16}},
                     {"kernel.hz", std::int64_t{10'000}},
                     {"kernel.time_slice", "50 us"},
                     {"machine.swap.size", "8 MiB"},
                     {"machine.swap.latency", "2 us"}},
                    Engine::Options{true, seed}, seed);
      const Thrashing run(w, seed, 150);
      return std::vector<std::int64_t>{static_cast<std::int64_t>(run.freed()),
                                       static_cast<std::int64_t>(run.populated())};
    });
    freed += static_cast<std::uint64_t>(numbers[0]);
    EXPECT_GE(numbers[1], 3) << "books were compared when there was nothing in them";
  }
  EXPECT_GT(freed, 0u);
}

std::vector<Kernel> kernels() {
  std::vector<Kernel> all;
  for (const char* policy : {"eager_all", "eager", "lazy", "leave_mm", "broadcast", "latr"})
    for (const char* flush : {"immediate", "batched"})
      all.emplace_back(policy, flush, "anon_vma_chain");
  all.emplace_back("lazy", "batched", "anon_vma");
  all.emplace_back("broadcast", "batched", "pte_chain");
  return all;
}
INSTANTIATE_TEST_SUITE_P(Kernels, UnmapAtRandom, testing::ValuesIn(kernels()), [](const auto& info) {
  return std::get<0>(info.param) + "_" + std::get<1>(info.param) + "_" + std::get<2>(info.param);
});

// Core 0 unmaps a page that core 1 goes on reading; `then` comes before the flush of the batch.
struct Read {
  std::string violation;
  std::uint64_t stale_hits;
};
Read read_while_unmapped(const std::function<void(KernelWorld&, Task&, FrameNumber)>& then) {
  KernelWorld w(
      2,
      {{"kernel.tlb_flush", "eager"}, {"kernel.reclaim_flush", "batched"}, {"machine.swap.size", "8 MiB"}});
  System& system = w.system;
  PageNumber page{};
  bool mapped = false, seen = false, over = false;
  Task& first = spawn_process_at_boot(system, "unmaps", CoreId(0), [&](Task& task) {
    page = mmap_apart(system, task, 1);
    touch(system, task, page, AccessKind::write);
    mapped = true;
    w.spin_in_user_mode(task, seen);
    const FrameNumber frame = task.mm->tables.find(page)->frame();
    *task.mm->tables.find(page) = task.mm->tables.find(page)->aged();
    UnmapBatch batch;
    EXPECT_TRUE(system.page_cache.waits.trylock_page(task.core(), frame));
    EXPECT_TRUE(system.swap.add_to_swap(task.core(), frame));
    EXPECT_EQ(try_to_unmap(system, task, frame, &batch), Unmapped::success);
    EXPECT_TRUE(batch.flush_required);
    EXPECT_TRUE(batch.writable);
    task.core().charge(2_us, Account::work);
    task.core().settle();
    then(w, task, frame);
    try_to_unmap_flush(system, task, batch);
    EXPECT_FALSE(batch.flush_required);
    EXPECT_TRUE(task.mm->open_changes.empty());
    over = true;
    system.page_cache.waits.unlock_page(task.core(), frame);
    exit_task(system, task);
  });
  first.bound = true;
  spawn_thread_at_boot(system, "reads", *first.mm, CoreId(1), [&](Task& task) {
    w.spin_in_user_mode(task, mapped);
    touch(system, task, page, AccessKind::read);
    seen = true;
    WorkingSet set{page, 1, 20_ns, AccessKind::read};
    while (!over)
      run_user(system, task, 1_us, &set);
    exit_task(system, task);
  }).bound = true;
  const std::string violation = violation_of([&] { w.engine.run(); });
  return {violation, w.count(Counter::stale_hit)};
}

TEST(Unmapped, PagesAreUsedUntilTheFlushOfTheirBatch) {
  const auto said = text_in_child([] {
    const Read read = read_while_unmapped([](KernelWorld&, Task&, FrameNumber) {});
    return read.violation + (read.stale_hits > 0 ? "stale hits" : "none");
  });
  EXPECT_EQ(said, "stale hits");
}

TEST(Unmapped, PagesThatAreFreedBeforeTheFlushEndTheRun) {
  const auto said = text_in_child([] {
    return read_while_unmapped([](KernelWorld& w, Task& task, FrameNumber frame) {
             ++w.system.pages[frame].epoch; // as if it had been
             task.core().charge(2_us, Account::work);
             task.core().settle();
           })
        .violation;
  });
  EXPECT_THAT(said, HasSubstr("its frame has been freed since"));
}

// flush_tlb_batched_pending(): else munmap would return with the old translation still in use.
TEST(Unmapped, PagesAreFlushedByWhoChangesTheTableMeanwhile) {
  for (const bool zaps : {true, false}) {
    const auto said = text_in_child([&] {
      std::size_t open_before = 0, open_after = 0;
      const Read read = read_while_unmapped([&](KernelWorld& w, Task& task, FrameNumber) {
        const PageNumber page = std::prev(task.mm->vmas.end())->begin;
        open_before = task.mm->open_changes.size();
        if (zaps)
          w.dont_need(task, page, 1);
        else
          EXPECT_EQ(mprotect(w.system, task, page, 1, PROT_READ), Errno::ok);
        open_after = task.mm->open_changes.size();
      });
      return read.violation + std::to_string(open_before) + " " + std::to_string(open_after);
    });
    EXPECT_EQ(said, "1 0") << zaps;
  }
}

} // namespace
} // namespace mmsim::tests::unmap_test
