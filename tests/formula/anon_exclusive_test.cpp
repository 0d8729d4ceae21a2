// Which writes fault, and which of those copy, where a page knows whether it is its process's own (PageAnonExclusive,
// since 5.19), and what does an mprotect flush that gathers?

#include "models/operations/gup.hpp"
#include "models/operations/mprotect.hpp"
#include "models/operations/mremap.hpp"
#include "tests/support/swap_out.hpp"
#include "tests/support/versions.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::anon_exclusive_test {
namespace {

constexpr std::uint64_t n = 40;
const Settings linux_6_1 = exclusive_versions.at(0).settings, linux_6_4 = exclusive_versions.at(1).settings;
const Settings with_swap{{"machine.swap.size", "1 MiB"}, {"kernel.page_cluster", std::int64_t{0}}};

/// A process on two cores: `body` on the first.
struct Exclusive : testing::Test {
  struct Outcome {
    std::uint64_t copied, reused;
    std::vector<std::int64_t> said;
  };
  /// In a process of its own, whose failures are this one's.
  Outcome run(const Settings& settings, const std::function<void(KernelWorld&, Task&)>& body) {
    const std::vector<std::int64_t> counts = in_child([&] {
      world = std::make_unique<KernelWorld>(2, settings);
      KernelWorld& w = *world;
      spawn_process_at_boot(w.system, "process", CoreId(0), [&](Task& task) {
        body(w, task);
        exit_task(w.system, task);
      }).bound = true;
      w.engine.run();
      w.system.check_invariants();
      std::fflush(stdout);
      if (HasFailure()) throw std::runtime_error("see above");
      std::vector<std::int64_t> all{static_cast<std::int64_t>(w.count(Counter::pgcow)),
                                    static_cast<std::int64_t>(w.count(Counter::pgreuse))};
      all.insert(all.end(), said.begin(), said.end());
      return all;
    });
    return {static_cast<std::uint64_t>(counts.at(0)),
            static_cast<std::uint64_t>(counts.at(1)),
            {counts.begin() + 2, counts.end()}};
  }
  /// A number for Outcome::said.
  template <class Number>
  void say(Number number) {
    said.push_back(static_cast<std::int64_t>(number));
  }
  /// An area of `pages`, all written.
  PageNumber written(Task& task, std::uint64_t pages) {
    const PageNumber area = mmap_apart(world->system, task, pages);
    write(task, area, pages);
    return area;
  }
  void write(Task& task, PageNumber area, std::uint64_t pages = 1) {
    for (std::uint64_t i = 0; i < pages; ++i)
      touch(world->system, task, area + i, AccessKind::write);
  }
  void protect_and_back(Task& task, PageNumber area, std::uint64_t pages) {
    EXPECT_EQ(mprotect(world->system, task, area, pages, PROT_READ), Errno::ok);
    EXPECT_EQ(mprotect(world->system, task, area, pages, PROT_READ | PROT_WRITE), Errno::ok);
  }
  /// While a child on the other core has what the task has; `in_child` runs there before `body` does here.
  void with_child(Task& task, const std::function<void(Task&)>& in_child, const std::function<void()>& body) {
    KernelWorld& w = *world;
    bool done = false;
    Completion began("the child's part"), exited("the child's exit");
    fork(w.system, task, CoreId(1), [&](Task& child) {
      in_child(child);
      began.complete(w.system, child.core());
      w.spin_in_user_mode(child, done);
      exit_task(w.system, child);
      exited.complete(w.system, child.core());
    })->bound = true;
    began.wait(w.system, task);
    body();
    done = true;
    exited.wait(w.system, task);
  }
  FrameNumber frame_of(const Task& task, PageNumber page) { return task.mm->tables.find(page)->frame(); }
  bool exclusive(const Task& task, PageNumber page) {
    return (world->system.pages[frame_of(task, page)].flags & PG_anon_exclusive) != 0;
  }
  std::uint64_t count(Counter counter) const { return world->count(counter); }

  std::unique_ptr<KernelWorld> world;
  std::vector<std::int64_t> said;
};

/// Faults, and pages taken over, of writes after an mprotect to read-only and back.
struct Faulted {
  std::uint64_t faults, reused, copied;
  bool operator==(const Faulted&) const = default;
};
void PrintTo(const Faulted& f, std::ostream* out) {
  *out << f.faults << " faults, " << f.reused << " taken over, " << f.copied << " copied";
}

class MprotectThatMakesWritable : public Exclusive {
 protected:
  Faulted after(const std::function<void()>& writes) {
    const std::uint64_t faults = count(Counter::pgfault), reused = count(Counter::pgreuse),
                        copied = count(Counter::pgcow);
    writes();
    return {count(Counter::pgfault) - faults, count(Counter::pgreuse) - reused,
            count(Counter::pgcow) - copied};
  }
  Faulted written_again(const Settings& settings) {
    const Outcome outcome = run(settings, [&](KernelWorld&, Task& task) {
      const PageNumber area = written(task, n);
      protect_and_back(task, area, n);
      const Faulted result = after([&] { write(task, area, n); });
      for (const std::uint64_t count : {result.faults, result.reused, result.copied})
        say(count);
    });
    const auto at = [&](std::size_t i) { return static_cast<std::uint64_t>(outcome.said.at(i)); };
    return {at(0), at(1), at(2)};
  }
};

TEST_F(MprotectThatMakesWritable, SparesTheWriteFaultsOfExclusivePages) {
  EXPECT_EQ(written_again(linux_6_1), (Faulted{0, 0, 0}));
  EXPECT_EQ(written_again(linux_6_4), (Faulted{0, 0, 0}));
  EXPECT_EQ(written_again(linux_6_1 + Settings{{"kernel.mprotect_upgrade", "never"}}), (Faulted{n, n, 0}));
}

TEST_F(MprotectThatMakesWritable, LeavesPagesThatAChildHasToTheWriteFault) {
  run(linux_6_1, [&](KernelWorld&, Task& task) {
    const PageNumber area = written(task, n);
    with_child(
        task, [](Task&) {},
        [&] {
          protect_and_back(task, area, n);
          EXPECT_EQ(after([&] { write(task, area, n); }), (Faulted{n, 0, n}));
          protect_and_back(task, area, n); // the copies are the parent's
          EXPECT_EQ(after([&] { write(task, area, n); }), (Faulted{0, 0, 0}));
        });
  });
}

TEST_F(MprotectThatMakesWritable, LeavesThoseAloneThatMayNotBeReadOrWritten) {
  run(linux_6_4, [&](KernelWorld& w, Task& task) {
    const PageNumber area = written(task, n);
    EXPECT_EQ(mprotect(w.system, task, area, n, PROT_NONE), Errno::ok);
    EXPECT_FALSE(task.mm->tables.find(area)->writable());
    EXPECT_EQ(mprotect(w.system, task, area, n, PROT_READ), Errno::ok);
    EXPECT_FALSE(task.mm->tables.find(area)->writable());
    EXPECT_EQ(mprotect(w.system, task, area, n, PROT_READ | PROT_WRITE), Errno::ok);
    EXPECT_TRUE(task.mm->tables.find(area)->writable());
  });
}

// A page that was swapped in by a read is clean.
TEST_F(MprotectThatMakesWritable, TakesCleanPagesSince62) {
  const auto writable = [&](const Settings& settings) {
    return run(settings + with_swap, [&](KernelWorld& w, Task& task) {
             const PageNumber page = written(task, 1);
             swap_out(w, task, page);
             touch(w.system, task, page, AccessKind::read);
             EXPECT_TRUE(exclusive(task, page));
             EXPECT_FALSE(task.mm->tables.find(page)->dirty());
             protect_and_back(task, page, 1);
             say(task.mm->tables.find(page)->writable());
           }).said.at(0) != 0;
  };
  EXPECT_FALSE(writable(linux_6_1));
  EXPECT_TRUE(writable(linux_6_4));
}

class MprotectThatGathers : public Exclusive {
 protected:
  /// mprotect of an area of `pages` of which `present` have been written.
  struct Flushed {
    Duration took;
    std::int64_t whole, ranges;
  };
  Flushed flushed(const Settings& settings, const std::vector<std::uint64_t>& present, std::uint64_t pages) {
    const Outcome outcome = run(settings, [&](KernelWorld& w, Task& task) {
      const PageNumber area = mmap_apart(w.system, task, pages);
      for (const std::uint64_t page : present)
        write(task, area + page);
      const std::uint64_t mm = count(Counter::tlb_flush_mm), range = count(Counter::tlb_flush_range);
      say(time_of(task, [&] { mprotect(w.system, task, area, pages, PROT_READ); }).count());
      EXPECT_TRUE(task.mm->open_changes.empty()) << "something was not flushed";
      say(count(Counter::tlb_flush_mm) - mm);
      say(count(Counter::tlb_flush_range) - range);
    });
    return {Duration(outcome.said.at(0)), outcome.said.at(1), outcome.said.at(2)};
  }
  /// How much longer it takes where all is flushed that was asked for.
  Duration saved(const std::vector<std::uint64_t>& present, std::uint64_t pages) {
    return flushed(changed, present, pages).took - flushed(linux_6_1, present, pages).took;
  }
  const Settings changed = linux_6_1 + Settings{{"kernel.mprotect_flush", "changed"}};
};

TEST_F(MprotectThatGathers, FlushesFromTheFirstToTheLastPresentPage) {
  const Duration page = read_parameters<CostBook>(configuration_with(linux_6_1)).tlb.invalidate_page;
  EXPECT_EQ(saved({250}, 500), 499 * page);
  EXPECT_EQ(saved({100, 199}, 500), 400 * page);
  EXPECT_EQ(saved({0, 499}, 500), Duration{});
}

TEST_F(MprotectThatGathers, FlushesOnePageOf512AndNotTheAddressSpace) {
  const Flushed gathered = flushed(linux_6_1, {77}, 512), all = flushed(changed, {77}, 512);
  EXPECT_EQ(gathered.whole, 0);
  EXPECT_EQ(gathered.ranges, 1);
  EXPECT_EQ(all.whole, 1);
  EXPECT_EQ(all.ranges, 0);
}

TEST_F(MprotectThatGathers, FlushesNothingWhereNothingIs) {
  const Flushed nothing = flushed(linux_6_1, {}, 512);
  EXPECT_EQ(nothing.whole + nothing.ranges, 0);
}

// From one table to the next: one flush.
TEST_F(MprotectThatGathers, FlushesOnceForSeveralTables) {
  const Flushed once = flushed(linux_6_1, {511, 512, 600}, 1024);
  EXPECT_EQ(once.whole, 0);
  EXPECT_EQ(once.ranges, 1);
}

TEST_F(Exclusive, PagesAreSoFromTheirFirstWriteOn) {
  run(linux_6_1, [&](KernelWorld& w, Task& task) {
    const PageNumber area = written(task, 2);
    EXPECT_TRUE(exclusive(task, area));
    const MmapResult moved = mremap(w.system, task, area, 2, 5, MREMAP_MAYMOVE);
    EXPECT_EQ(moved.error, Errno::ok);
    EXPECT_TRUE(exclusive(task, moved.first));
  });
}

TEST_F(Exclusive, ForkSharesThemAndTheFirstWriterCopiesAndTheLastOwnerTakesOver) {
  const Outcome outcome = run(linux_6_1, [&](KernelWorld& w, Task& task) {
    const PageNumber page = written(task, 1);
    w.system.lru->lru_add_drain(task.core());
    with_child(
        task, [&](Task& child) { EXPECT_FALSE(exclusive(child, page)); },
        [&] {
          EXPECT_FALSE(exclusive(task, page));
          const FrameNumber shared = frame_of(task, page);
          write(task, page);
          EXPECT_NE(frame_of(task, page), shared);
          EXPECT_TRUE(exclusive(task, page));
          EXPECT_EQ(w.system.pages[shared].flags & PG_anon_exclusive, 0u); // the child does not know yet
        });
  });
  EXPECT_EQ(outcome.copied, 1u);
  EXPECT_EQ(outcome.reused, 0u);
}

TEST_F(Exclusive, TheChildTakesOverWhatItsParentHasCopied) {
  const Outcome outcome = run(linux_6_1, [&](KernelWorld& w, Task& task) {
    const PageNumber page = written(task, 1);
    w.system.lru->lru_add_drain(task.core());
    bool copied = false;
    Completion exited("the child's exit");
    fork(w.system, task, CoreId(1), [&](Task& child) {
      w.spin_in_user_mode(child, copied);
      const FrameNumber shared = frame_of(child, page);
      write(child, page);
      EXPECT_EQ(frame_of(child, page), shared);
      EXPECT_TRUE(exclusive(child, page));
      EXPECT_TRUE(exclusive(task, page));
      exit_task(w.system, child);
      exited.complete(w.system, child.core());
    })->bound = true;
    write(task, page);
    copied = true;
    exited.wait(w.system, task);
  });
  EXPECT_EQ(outcome.copied, 1u);
  EXPECT_EQ(outcome.reused, 1u);
}

// The page is still in the parent's pagevec: reuse drains it. In that of another CPU it stays: a copy.
TEST_F(Exclusive, TheParentTakesOverWhatAChildHadThatIsGone) {
  for (const bool elsewhere : {false, true}) {
    const Outcome outcome = run(linux_6_1, [&](KernelWorld& w, Task& task) {
      const PageNumber page = written(task, 1);
      const FrameNumber frame = frame_of(task, page);
      with_child(
          task, [](Task&) {}, [] {});
      EXPECT_FALSE(exclusive(task, page));
      EXPECT_EQ(w.system.pages[frame].refcount, 2);
      if (elsewhere) { // as if the task had moved
        w.system.lru->lru_add_drain(task.core());
        ++w.system.pages[frame].refcount;
      }
      write(task, page);
      EXPECT_EQ(frame_of(task, page) == frame, !elsewhere);
      EXPECT_TRUE(exclusive(task, page));
      if (elsewhere) put_page(w.system, task.core(), frame);
    });
    EXPECT_EQ(outcome.reused, elsewhere ? 0u : 1u);
    EXPECT_EQ(outcome.copied, elsewhere ? 1u : 0u);
  }
}

TEST_F(Exclusive, ASwapEntryKeepsItAndAWriteAfterAReadTakesThePageOverWithItsSlot) {
  const Outcome outcome = run(linux_6_1 + with_swap, [&](KernelWorld& w, Task& task) {
    const PageNumber page = written(task, 1);
    swap_out(w, task, page);
    EXPECT_TRUE(task.mm->tables.find(page)->swp_exclusive());
    const MmapResult moved = mremap(w.system, task, page, 1, 3, MREMAP_MAYMOVE);
    EXPECT_TRUE(task.mm->tables.find(moved.first)->swp_exclusive());
    touch(w.system, task, moved.first, AccessKind::read);
    EXPECT_TRUE(exclusive(task, moved.first));
    EXPECT_FALSE(task.mm->tables.find(moved.first)->writable());
    write(task, moved.first);
    EXPECT_NE(w.system.pages[frame_of(task, moved.first)].flags & PG_swapcache, 0u);
  });
  EXPECT_EQ(outcome.reused, 1u);
  EXPECT_EQ(outcome.copied, 0u);
}

TEST_F(Exclusive, ForkSharesASwapEntryToo) {
  const Outcome outcome = run(linux_6_1 + with_swap, [&](KernelWorld& w, Task& task) {
    const PageNumber page = written(task, 1);
    swap_out(w, task, page);
    with_child(
        task, [&](Task& child) { EXPECT_FALSE(child.mm->tables.find(page)->swp_exclusive()); },
        [&] {
          EXPECT_FALSE(task.mm->tables.find(page)->swp_exclusive());
          touch(w.system, task, page, AccessKind::read);
          EXPECT_FALSE(exclusive(task, page)); // the child's entry names the slot
          write(task, page);
          EXPECT_TRUE(exclusive(task, page));
        });
  });
  EXPECT_EQ(outcome.copied, 1u);
}

// Swapped in by a write: the fault gives up the slot, and has the only reference.
TEST_F(Exclusive, AWriteThatSwapsInWhatAChildHadHasItForItself) {
  const Outcome outcome = run(linux_6_1 + with_swap, [&](KernelWorld& w, Task& task) {
    const PageNumber page = written(task, 1);
    swap_out(w, task, page);
    with_child(
        task, [](Task&) {}, [] {});
    EXPECT_FALSE(task.mm->tables.find(page)->swp_exclusive());
    write(task, page);
    EXPECT_TRUE(exclusive(task, page));
    EXPECT_EQ(w.system.pages[frame_of(task, page)].flags & PG_swapcache, 0u);
  });
  EXPECT_EQ(outcome.copied + outcome.reused, 0u);
}

TEST_F(Exclusive, APinnedPageStaysItsOwnersThroughForkAndReclaim) {
  run(linux_6_1 + with_swap, [&](KernelWorld& w, Task& task) {
    const PageNumber page = written(task, 1);
    const FrameNumber frame = frame_of(task, page);
    std::vector<FrameNumber> pinned;
    pin_user_pages_fast(w.system, task, page, 1, AccessKind::write, pinned);
    with_child(
        task,
        [&](Task& child) {
          EXPECT_NE(frame_of(child, page), frame);
          EXPECT_TRUE(exclusive(child, page));
        },
        [&] {
          EXPECT_EQ(frame_of(task, page), frame);
          EXPECT_TRUE(exclusive(task, page));
        });
    w.system.page_cache.waits.lock_page(task, frame);
    EXPECT_TRUE(w.system.swap.add_to_swap(task.core(), frame));
    EXPECT_EQ(try_to_unmap(w.system, task, frame, nullptr), Unmapped::fail);
    w.system.swap.try_to_free_swap(task.core(), frame);
    w.system.page_cache.waits.unlock_page(task.core(), frame);
    EXPECT_TRUE(exclusive(task, page));
    unpin_user_pages(w.system, task.core(), pinned);
  });
}

TEST(ExclusivePages, ThatTwoHaveAreNoticed) {
  const std::string violation = text_in_child([] {
    return violation_of([] {
      KernelWorld w(1, linux_6_1);
      spawn_process_at_boot(w.system, "process", CoreId(0), [&](Task& task) {
        const PageNumber page = mmap_apart(w.system, task, 1);
        touch(w.system, task, page, AccessKind::write);
        w.system.check_invariants(); // one has it
        fork(w.system, task, CoreId(0), [&](Task& child) { exit_task(w.system, child); });
        task.core().settle();
        w.system.check_invariants(); // two share it
        w.system.pages[task.mm->tables.find(page)->frame()].flags |= PG_anon_exclusive;
        w.system.check_invariants();
      });
      w.engine.run();
    });
  });
  EXPECT_NE(violation.find("is exclusive, but 2 entries map it"), std::string::npos) << violation;
}

} // namespace
} // namespace mmsim::tests::anon_exclusive_test
