// How many areas or mappings does each generation of reverse map visit to unmap a page?
//
// A process and its children, on one core; the children have written all of their pages, or none. Then the pages of one
// process after the other are unmapped.

#include "models/rmap/unmap.hpp"
#include "tests/support/kernel_world.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::rmap_walk_test {
namespace {

constexpr std::uint64_t pages = 10;
const Settings with_swap{{"machine.swap.size", "32 MiB"}};

class Family {
 public:
  /// `then` of the parent, with all its children there and old entries; the machine has run when this returns.
  Family(KernelWorld& w, int children, bool own, const std::function<void(Task&, Family&)>& then,
         std::uint64_t each = pages)
      : w_(w), pages_(each) {
    spawn_process_at_boot(w.system, "parent", CoreId(0), [&, children, own](Task& task) {
      first_ = mmap_apart(w.system, task, pages_);
      write_all(task);
      mms_.push_back(task.mm);
      std::vector<std::shared_ptr<Completion>> ends, exits;
      for (int i = 0; i < children; ++i) {
        const auto written = std::make_shared<Completion>("the writes");
        ends.push_back(std::make_shared<Completion>("the end"));
        exits.push_back(std::make_shared<Completion>("the exit"));
        Task* const child = fork(
            w.system, task, CoreId(0),
            [&, own, written, end = ends.back()](Task& self) {
              if (own) write_all(self);
              written->complete(w.system, self.core());
              end->wait(w.system, self);
              exit_task(w.system, self);
            },
            exits.back());
        mms_.push_back(child->mm);
        written->wait(w.system, task);
      }
      w.system.lru->lru_add_drain(task.core());
      grow_old(task);
      then(task, *this);
      for (const auto& end : ends)
        end->complete(w.system, task.core());
      for (const auto& exit : exits)
        exit->wait(w.system, task);
      exit_task(w.system, task);
    });
    w.engine.run();
    w.system.check_invariants();
  }

  Pte& entry(std::size_t process, std::uint64_t page) { return *mms_[process]->tables.find(first_ + page); }
  std::size_t size() const { return mms_.size(); }
  PageNumber first() const { return first_; }

  /// What try_to_unmap() visits of a page that `process` maps; nothing if it is unmapped already.
  std::uint64_t visits_of(Task& task, std::size_t process, std::uint64_t page) {
    if (!entry(process, page).present()) return 0;
    const FrameNumber frame = entry(process, page).frame();
    EXPECT_TRUE(w_.system.page_cache.waits.trylock_page(task.core(), frame));
    EXPECT_TRUE(w_.system.swap.add_to_swap(task.core(), frame));
    const std::uint64_t before = w_.count(Counter::rmap_visits);
    EXPECT_EQ(try_to_unmap(w_.system, task, frame, nullptr), Unmapped::success);
    const std::uint64_t visits = w_.count(Counter::rmap_visits) - before;
    w_.system.page_cache.waits.unlock_page(task.core(), frame);
    return visits;
  }

 private:
  void write_all(Task& task) {
    for (std::uint64_t i = 0; i < pages_; ++i)
      touch(w_.system, task, first_ + i, AccessKind::write);
  }
  void grow_old(Task& task) {
    task.core().settle();
    for (std::size_t process = 0; process < mms_.size(); ++process)
      for (std::uint64_t i = 0; i < pages_; ++i)
        entry(process, i) = entry(process, i).aged();
  }

  KernelWorld& w_;
  const std::uint64_t pages_; // of each process
  PageNumber first_{};
  std::vector<MmStruct*> mms_;
};

// By process, in the order of their forks, the visits of all its pages.
std::vector<std::int64_t> visits(const std::string& rmap, int children, bool own) {
  return in_child([&] {
    std::vector<std::int64_t> sums;
    KernelWorld w(1, with_swap + Settings{{"kernel.rmap", rmap}});
    Family(w, children, own, [&](Task& task, Family& family) {
      for (std::size_t process = 0; process < family.size(); ++process) {
        std::uint64_t sum = 0;
        for (std::uint64_t page = 0; page < pages; ++page)
          sum += family.visits_of(task, process, page);
        sums.push_back(static_cast<std::int64_t>(sum));
      }
    });
    return sums;
  });
}

class RmapWalk : public testing::TestWithParam<int> {
 protected:
  const int children = GetParam();
};

// page_lock_anon_vma() finds the family's anon_vma, whose list each fork joins at the end.
TEST_P(RmapWalk, ToAChildsOwnPageGoesThroughTheListUpToItsPlaceWithAnonVma) {
  const auto walked = visits("anon_vma", children, true);
  std::int64_t sum = 0;
  for (std::size_t place = 1; place <= walked.size(); ++place) {
    EXPECT_EQ(walked[place - 1], static_cast<std::int64_t>(place * pages)) << place;
    sum += walked[place - 1];
  }
  const std::int64_t n = children + 1;
  EXPECT_EQ(sum, n * (n + 1) / 2 * static_cast<std::int64_t>(pages));
}

TEST_P(RmapWalk, ToAChildsOwnPageIsOneVisitWithAnonVmaChain) {
  const auto walked = visits("anon_vma_chain", children, true);
  for (std::size_t child = 1; child < walked.size(); ++child)
    EXPECT_EQ(walked[child], static_cast<std::int64_t>(pages)) << child;
}

TEST_P(RmapWalk, ToAnOwnPageIsOneVisitWithPteChain) {
  for (const std::int64_t of_a_process : visits("pte_chain", children, true))
    EXPECT_EQ(of_a_process, static_cast<std::int64_t>(pages));
}

TEST_P(RmapWalk, ToAPageThatAllShareVisitsAllOfThem) {
  for (const char* rmap : {"pte_chain", "anon_vma", "anon_vma_chain"}) {
    const auto walked = visits(rmap, children, false);
    EXPECT_EQ(walked[0], (children + 1) * static_cast<std::int64_t>(pages)) << rmap;
    for (std::size_t child = 1; child < walked.size(); ++child)
      EXPECT_EQ(walked[child], 0) << rmap << " " << child;
  }
}

INSTANTIATE_TEST_SUITE_P(Children, RmapWalk, testing::Values(1, 3, 99));

// The case, of which only some processes' pages are unmapped: the first, the second, one in the middle, the last.
std::vector<std::int64_t> visits_among_a_thousand(const std::string& rmap, bool own) {
  return in_child([&] {
    std::vector<std::int64_t> result;
    KernelWorld w(1, with_swap + Settings{{"kernel.rmap", rmap}, {"machine.memory", "128 MiB"}});
    Family(
        w, 999, own,
        [&](Task& task, Family& family) {
          for (const std::size_t process : {999u, 499u, 1u, 0u}) // the lists stay as long as they are
            for (std::uint64_t page = 0; page < 2; ++page)
              result.push_back(static_cast<std::int64_t>(family.visits_of(task, process, page)));
        },
        2);
    return result;
  });
}

TEST(RmapWalkAmongAThousand, GoesThroughTheListUpToAPagesAreaAndStraightToItWithChains) {
  EXPECT_EQ(visits_among_a_thousand("anon_vma", true),
            (std::vector<std::int64_t>{1000, 1000, 500, 500, 2, 2, 1, 1}));
  const auto chains = visits_among_a_thousand("anon_vma_chain", true);
  EXPECT_EQ(std::vector<std::int64_t>(chains.begin(), chains.begin() + 6), std::vector<std::int64_t>(6, 1));
}

TEST(RmapWalkAmongAThousand, VisitsAllOfThemForAPageThatTheyShare) {
  for (const char* rmap : {"anon_vma", "anon_vma_chain"})
    EXPECT_EQ(visits_among_a_thousand(rmap, false), (std::vector<std::int64_t>{1000, 1000, 0, 0, 0, 0, 0, 0}))
        << rmap;
}

// The first page that can be freed is met once all address spaces but the last have been walked to their ends.
TEST(SwapOut, LooksAtAllPagesOfAllAddressSpacesButTheLastBeforeItFindsAPageThatItCanFree) {
  for (const int children : {1, 3, 20}) {
    const auto looked_at = in_child([&] {
      std::vector<std::int64_t> result;
      KernelWorld w(1, with_swap + Settings{{"kernel.rmap", "scan"}, {"kernel.lru_new_anon", "inactive"}});
      Family(w, children, false, [&](Task& task, Family&) {
        for (std::uint64_t page = 0; page < pages; ++page) {
          const std::uint64_t before = w.count(Counter::swapout_scan);
          EXPECT_EQ(w.system.rmap->swap_out(task, 1), 1u);
          result.push_back(static_cast<std::int64_t>(w.count(Counter::swapout_scan) - before));
        }
        EXPECT_EQ(w.system.rmap->swap_out(task, 1), 0u);
      });
      return result;
    });
    EXPECT_EQ(looked_at[0], static_cast<std::int64_t>(pages) * children + 1);
    for (std::uint64_t page = 1; page < pages; ++page)
      EXPECT_EQ(looked_at[page], 1) << page;
  }
}

// What made reverse maps necessary: a page that comes back in time is not freed, whatever was unmapped before.
TEST(SwapOut, FreesAPageOnlyWithItsLastMappingAndNotOneThatHasComeBack) {
  KernelWorld w(1, with_swap + Settings{{"kernel.rmap", "scan"}, {"kernel.lru_new_anon", "inactive"}});
  Family(w, 1, false, [&](Task& task, Family& family) {
    const FrameNumber frame = family.entry(0, 0).frame();
    EXPECT_EQ(w.system.rmap->swap_out(task, 1), 1u); // all of the first, and one page of the other
    const bool parent_first = !family.entry(0, 1).present();
    EXPECT_NE(parent_first, !family.entry(1, 1).present()) << "the other has kept its page";
    ASSERT_TRUE(parent_first) << "the parent cannot touch its child's";
    touch(w.system, task, family.first() + 1, AccessKind::read);
    EXPECT_EQ(w.system.pages[frame].mapcount, 0);
    EXPECT_EQ(family.entry(0, 1).frame(), family.entry(1, 1).frame());
    const std::uint64_t before = w.count(Counter::swapout_scan);
    EXPECT_EQ(w.system.rmap->swap_out(task, 1), 1u) << "the third page: the second has come back";
    EXPECT_EQ(w.count(Counter::swapout_scan) - before, 2u);
    EXPECT_TRUE(family.entry(0, 1).present());
    EXPECT_FALSE(family.entry(1, 1).present());
  });
}

// VM_LOCKED areas are passed over, and a page that was used since it was looked at stays.
TEST(TryToUnmap, FailsAtALockedAreaAndAtAYoungEntry) {
  KernelWorld w(1, with_swap);
  Family(w, 0, true, [&](Task& task, Family& family) {
    const FrameNumber frame = family.entry(0, 0).frame();
    ASSERT_TRUE(w.system.page_cache.waits.trylock_page(task.core(), frame));
    ASSERT_TRUE(w.system.swap.add_to_swap(task.core(), frame));
    family.entry(0, 0) = family.entry(0, 0).noted(pte_young);
    EXPECT_EQ(try_to_unmap(w.system, task, frame, nullptr), Unmapped::fail);
    EXPECT_FALSE(family.entry(0, 0).young()) << "it has had its second chance";
    Vma& area = *task.mm->vmas.find(family.first());
    area.flags |= VM_LOCKED;
    EXPECT_EQ(try_to_unmap(w.system, task, frame, nullptr), Unmapped::fail);
    EXPECT_EQ(page_referenced(w.system, task, frame), 0);
    area.flags &= ~std::uint32_t{VM_LOCKED};
    EXPECT_EQ(try_to_unmap(w.system, task, frame, nullptr), Unmapped::success);
    w.system.page_cache.waits.unlock_page(task.core(), frame);
  });
}

TEST(PageReferenced, CountsYoungEntriesOnceAndNotThoseThatAreReadSequentially) {
  for (const bool ignored : {true, false}) {
    const auto numbers = in_child([&] {
      std::vector<std::int64_t> result;
      KernelWorld w(1, with_swap + Settings{{"kernel.seq_read_unreferenced", ignored}});
      Family(w, 2, false, [&](Task& task, Family& family) {
        const FrameNumber frame = family.entry(0, 0).frame();
        const auto all_young = [&] {
          for (std::size_t process = 0; process < family.size(); ++process)
            family.entry(process, 0) = family.entry(process, 0).noted(pte_young);
        };
        all_young();
        for (int i = 0; i < 2; ++i)
          result.push_back(page_referenced(w.system, task, frame));
        all_young();
        task.mm->vmas.find(family.first())->flags |= VM_SEQ_READ;
        result.push_back(page_referenced(w.system, task, frame));
      });
      return result;
    });
    EXPECT_EQ(numbers, (std::vector<std::int64_t>{3, 0, ignored ? 2 : 3}));
  }
}

} // namespace
} // namespace mmsim::tests::rmap_walk_test
