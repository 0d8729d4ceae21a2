// The page allocator's costs: sums of cost-book entries, to the picosecond.
//
// Beside the zone's lock and free lists there are the counters of free pages: each allocation looks at the zone's, which
// is free as long as the core holds it, and what changes by more than stat_threshold is added to the zone's and to the
// machine's.

#include "models/pages/struct_page_miss.hpp"
#include "tests/support/paged_machine.hpp"

#include <gtest/gtest.h>

namespace mmsim::pages_test {
namespace {

using tests::PagedMachine;
using tests::Setting;

struct Spent {
  Duration alloc, work, coherence, rest;
  bool operator==(const Spent&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Spent& spent) {
  return out << "alloc " << spent.alloc.count() << " ps, work " << spent.work.count() << " ps, coherence "
             << spent.coherence.count() << " ps, rest " << spent.rest.count() << " ps";
}

// Where the time of `step` went.
template <class Step>
Spent spent_on(Core& core, Step&& step) {
  core.settle();
  const AccountTotals before = core.ledger().totals();
  const Instant start = core.now();
  step();
  core.settle();
  const auto in = [&](Account account) { return core.ledger().total(account) - before[index(account)]; };
  Spent spent{in(Account::alloc), in(Account::work), in(Account::coherence), {}};
  spent.rest = core.now() - start - spent.alloc - spent.work - spent.coherence;
  return spent;
}

struct PagesFormula : testing::Test {
  // Lock of the zone and free lists of so many orders, all at hand: spin_lock, two lines an order, spin_unlock.
  static Duration zone_at_hand(const CostBook& costs, int orders) {
    return costs.line.hit * (2 + 2 * orders) + costs.line.atomic;
  }
  // As the first core that ever takes them, of all orders: 104 bytes each with a list at 16 and nr_free at 96, so that
  // 7 of the 22 lines have been fetched with the order before.
  static constexpr int all_lines = 15, shared_lines = 7;
  static Duration zone_from_memory(const CostBook& costs, int lines = all_lines) {
    return costs.line.dram * (1 + lines) + costs.line.atomic;
  }
  // The struct page of a frame that no core has touched.
  static Duration fresh(Core& core) { return struct_page_miss(core, Frame{}); }
  // The first look at a watermark.
  static Duration watermark_from_memory(const CostBook& costs) { return costs.line.dram; }
  // An atomic operation on the zone's counters and one on the machine's.
  static Duration published_at_hand(const CostBook& costs) { return 2 * published_once(costs); }
  static Duration published_once(const CostBook& costs) { return costs.line.hit + costs.line.atomic; }
  // With 64 GiB and one CPU a CPU keeps back up to 2 * 1 * (1 + 10) pages: less than any batch here.
  static constexpr int threshold = 22;
};

struct PagesFormulaOfLists : PagesFormula, testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(, PagesFormulaOfLists, testing::Values("hot_cold", "merged"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(PagesFormulaOfLists, AnAllocationFromAFilledListCostsItsEntryAndNothingElse) {
  PagedMachine m(1, {{"kernel.pcp", GetParam()}, {"kernel.pcp_batch", std::int64_t{31}}});
  m.run([&](Core& core) {
    const WorkCosts& work = core.costs().work;
    std::vector<FrameNumber> frames{m.pages.alloc_page(core, GFP_HIGHUSER_MOVABLE)}; // fills the list
    for (int i = 1; i < 31; ++i)
      EXPECT_EQ(spent_on(core, [&] { frames.push_back(m.pages.alloc_page(core, GFP_HIGHUSER_MOVABLE)); }),
                (Spent{work.pcp_alloc, {}, {}, {}}));
    for (const FrameNumber frame : frames)
      EXPECT_EQ(spent_on(core, [&] { m.release(core, frame); }), (Spent{work.pcp_free, {}, {}, {}}));
  });
  EXPECT_EQ(m.counters[Counter::pgalloc], 31u);
  EXPECT_EQ(m.counters[Counter::pgfree], 31u);
  EXPECT_EQ(m.counters[Counter::pcp_refill], 1u);
  EXPECT_EQ(m.counters[Counter::pcp_drain], 0u);
}

TEST_F(PagesFormula, ARefillCostsItsBlocksItsSplitsAndTheZone) {
  PagedMachine m(1, {{"kernel.pcp", "merged"}, {"kernel.pcp_batch", std::int64_t{32}}});
  m.run([&](Core& core) {
    const CostBook& costs = core.costs();
    const WorkCosts& work = costs.work;
    std::vector<FrameNumber> frames;
    const auto take = [&] { frames.push_back(m.pages.alloc_page(core, GFP_HIGHUSER_MOVABLE)); };
    // A block of 1024 splits ten times for its first frame, and 32 frames are its lower end: 31 splits make
    // 32 frames out of one block of 32, five more lead to that from 1024.
    EXPECT_EQ(spent_on(core, take),
              (Spent{32 * work.buddy_alloc + 36 * work.buddy_step + work.pcp_alloc +
                         (1 + 10) * fresh(core), // the row of frames, and the block that each split leaves
                     (1 + shared_lines) * costs.line.hit + published_once(costs),
                     watermark_from_memory(costs) + zone_from_memory(costs) + costs.line.dram +
                         costs.line.atomic, // the machine's counters
                     {}}));
    for (int i = 1; i < 32; ++i)
      take();
    // The next 32 frames were left over as one block.
    EXPECT_EQ(spent_on(core, take),
              (Spent{32 * work.buddy_alloc + 31 * work.buddy_step + work.pcp_alloc + (1 + 5) * fresh(core),
                     zone_at_hand(costs, 6) + published_at_hand(costs),
                     {},
                     {}}));
    EXPECT_EQ(m.pages.vm_stat().stat_threshold(0), threshold);
  });
  EXPECT_EQ(m.counters[Counter::pcp_refill], 2u);
  EXPECT_EQ(m.counters.snapshot().lock_class("zone_lock").acquired, 2u);
}

TEST_F(PagesFormula, ADrainOfAMergedListHappensAtHighAndCostsItsMerges) {
  PagedMachine m(1, {{"kernel.pcp", "merged"}, {"kernel.pcp_batch", std::int64_t{32}}});
  m.run([&](Core& core) {
    const CostBook& costs = core.costs();
    const WorkCosts& work = costs.work;
    std::vector<FrameNumber> frames;
    for (int i = 0; i < 6 * 32; ++i)
      frames.push_back(m.pages.alloc_page(core, GFP_HIGHUSER_MOVABLE));
    for (int i = 0; i < 6 * 32 - 1; ++i)
      EXPECT_EQ(spent_on(core, [&] { m.release(core, frames[i]); }), (Spent{work.pcp_free, {}, {}, {}}));
    // The list is as long as `high` now: the first 32 freed, its tail, go back, and they were the block's
    // lowest 32.
    EXPECT_EQ(spent_on(core, [&] { m.release(core, frames.back()); }),
              (Spent{work.pcp_free + 32 * work.buddy_free + 31 * work.buddy_step +
                         fresh(core), // of the buddies the only one outside the row: the whole's
                     zone_at_hand(costs, 6) +
                         published_at_hand(costs), // each page for itself: once, after 23 of the 32
                     {},
                     {}}));
    EXPECT_EQ(m.pages[frames[0]].state, FrameState::free);
    EXPECT_EQ(m.pages[frames[0]].order, 5);
    EXPECT_EQ(m.pages.alloc_page(core, GFP_HIGHUSER_MOVABLE),
              frames.back()); // the hottest one is still there
  });
  EXPECT_EQ(m.counters[Counter::pcp_drain], 1u);
  EXPECT_EQ(m.pages.zone_at(0).buddy().free_blocks(5), 1u);
}

TEST_F(PagesFormula, TheColdListIsAThirdAsLongAndMovesHalfAsMuch) {
  PagedMachine m(1, {{"kernel.pcp", "hot_cold"}, {"kernel.pcp_batch", std::int64_t{31}}});
  m.run([&](Core& core) {
    const WorkCosts& work = core.costs().work;
    std::vector<FrameNumber> frames;
    for (int i = 0; i < 62; ++i)
      frames.push_back(m.pages.alloc_page(core, GFP_HIGHUSER_MOVABLE));
    EXPECT_EQ(m.counters[Counter::pcp_refill], 2u); // 31 at a time
    for (int i = 0; i < 61; ++i)
      EXPECT_EQ(spent_on(core, [&] { m.release(core, frames[i], Temperature::cold); }),
                (Spent{work.pcp_free, {}, {}, {}}));
    const std::uint64_t before = m.pages.free_frames();
    m.release(core, frames[61], Temperature::cold);
    EXPECT_EQ(m.pages.free_frames() - before, 15u);
    // 47 are left on the cold list, none of them for those who want hot pages.
    (void)m.pages.alloc_page(core, GFP_HIGHUSER_MOVABLE);
    EXPECT_EQ(m.counters[Counter::pcp_refill], 3u);
    EXPECT_EQ(spent_on(core, [&] { (void)m.pages.alloc_page(core, GFP_HIGHUSER_MOVABLE | gfp_cold); }),
              (Spent{work.pcp_alloc, {}, {}, {}}));
  });
  EXPECT_EQ(m.counters[Counter::pcp_drain], 1u);
}

TEST_F(PagesFormula, WithoutListsEveryPageCostsABuddyOperationUnderTheLock) {
  PagedMachine m(1, {{"kernel.pcp", "none"}});
  m.run([&](Core& core) {
    const CostBook& costs = core.costs();
    const WorkCosts& work = costs.work;
    FrameNumber first, second;
    EXPECT_EQ(spent_on(core, [&] { first = m.pages.alloc_page(core, GFP_HIGHUSER_MOVABLE); }),
              (Spent{work.buddy_alloc + fresh(core) + 10 * (work.buddy_step + fresh(core)),
                     (1 + shared_lines) * costs.line.hit,
                     watermark_from_memory(costs) + zone_from_memory(costs),
                     {}}));
    EXPECT_EQ(spent_on(core, [&] { second = m.pages.alloc_page(core, GFP_HIGHUSER_MOVABLE); }),
              (Spent{work.buddy_alloc + fresh(core), zone_at_hand(costs, 1), {}, {}}));
    EXPECT_EQ(spent_on(core, [&] { m.release(core, first); }),
              (Spent{work.buddy_free + fresh(core), zone_at_hand(costs, 1), {}, {}}));
    EXPECT_EQ(
        spent_on(core, [&] { m.release(core, second); }),
        (Spent{work.buddy_free + 10 * (work.buddy_step + fresh(core)), zone_at_hand(costs, 11), {}, {}}));
  });
  EXPECT_EQ(m.counters[Counter::pcp_refill] + m.counters[Counter::pcp_drain], 0u);
}

TEST_F(PagesFormula, TheFirstUnmovablePageMovesAWholeBlockToItsTypesLists) {
  PagedMachine m(1, {{"kernel.pcp", "none"}});
  m.run([&](Core& core) {
    const WorkCosts& work = core.costs().work;
    const auto alloc_of = [&](Gfp gfp) {
      return spent_on(core, [&] { (void)m.pages.alloc_page(core, gfp); }).alloc;
    };
    EXPECT_EQ(alloc_of(GFP_KERNEL), work.buddy_alloc + fresh(core) + (1 + 10) * work.buddy_step);
    EXPECT_EQ(alloc_of(GFP_KERNEL), work.buddy_alloc + fresh(core));
    EXPECT_EQ(alloc_of(GFP_HIGHUSER_MOVABLE),
              work.buddy_alloc + fresh(core) + 10 * (work.buddy_step + fresh(core)));
  });
}

TEST_F(PagesFormula, ASearchForATypePassesOverFramesOfOthersAndRefillsOnTopOfThem) {
  PagedMachine m(1, {{"kernel.pcp", "hot_cold"}, {"kernel.pcp_batch", std::int64_t{8}}});
  m.run([&](Core& core) {
    const CostBook& costs = core.costs();
    const auto alloc_of = [&](Gfp gfp) {
      return spent_on(core, [&] { (void)m.pages.alloc_page(core, gfp); }).alloc;
    };
    (void)alloc_of(GFP_KERNEL); // leaves seven
    EXPECT_EQ(m.counters[Counter::pcp_refill], 1u);
    EXPECT_EQ(alloc_of(GFP_HIGHUSER_MOVABLE), costs.work.pcp_alloc + 7 * costs.line.hit +
                                                  8 * costs.work.buddy_alloc + (1 + 10) * fresh(core) +
                                                  (10 - 3 + 7) * costs.work.buddy_step);
    EXPECT_EQ(m.counters[Counter::pcp_refill], 2u);
    EXPECT_EQ(alloc_of(GFP_KERNEL), costs.work.pcp_alloc + 7 * costs.line.hit); // below seven movable ones
    EXPECT_EQ(alloc_of(GFP_HIGHUSER_MOVABLE), costs.work.pcp_alloc);
    EXPECT_EQ(m.counters[Counter::pcp_refill], 2u);
  });
}

TEST_F(PagesFormula, AHigherOrderPassesTheListsBy) {
  PagedMachine m(1, {{"kernel.pcp", "merged"}});
  m.run([&](Core& core) {
    const CostBook& costs = core.costs();
    const WorkCosts& work = costs.work;
    FrameNumber block;
    EXPECT_EQ(
        spent_on(core, [&] { block = m.pages.alloc_pages(core, 3, GFP_HIGHUSER_MOVABLE); }),
        (Spent{work.buddy_alloc + fresh(core) + 7 * (work.buddy_step + fresh(core)),
               (1 + 13) * costs.line.hit, // eight lines were looked at for a block before the lock was taken
               watermark_from_memory(costs) + zone_from_memory(costs, 8 + 3),
               {}}));
    EXPECT_EQ(m.counters[Counter::pgalloc], 8u);
    EXPECT_EQ(spent_on(core, [&] { m.release(core, block, 3u); }),
              (Spent{work.buddy_free + 7 * (work.buddy_step + fresh(core)), zone_at_hand(costs, 8), {}, {}}));
    EXPECT_EQ(m.counters[Counter::pgfree], 8u);
  });
}

} // namespace
} // namespace mmsim::pages_test
