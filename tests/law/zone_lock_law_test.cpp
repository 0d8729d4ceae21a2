// How zone->lock scales: a batch is one acquisition, so that waiting for the lock shrinks as batches grow.
//
// Sixteen cores of one node allocate more pages than their lists hold and free them again, with a little work in
// between: every page goes through the zone.

#include "sim/engine/random.hpp"
#include "tests/support/child.hpp"
#include "tests/support/paged_machine.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::zone_lock_law_test {
namespace {

struct PerPage {
  double acquired, contended; // of zone_lock
  double wait;                // ps
};

PerPage zone_lock_with(std::int64_t batch, const char* lists, std::uint32_t cpus = 16) {
  const auto numbers = in_child([&] {
    PagedMachine m(cpus, {{"machine.cores_per_cluster", std::int64_t{cpus}},
                          {"machine.memory", "4 GiB"},
                          {"kernel.pcp", lists},
                          {"kernel.pcp_batch", batch}});
    const std::size_t pages = static_cast<std::size_t>(8 * batch);
    const int rounds = static_cast<int>(8'000 / pages) + 1;
    m.run_on(cpus, [&](Core& core) {
      RandomStream random(1, "cpu " + std::to_string(core.id().value()));
      std::vector<FrameNumber> held(pages);
      for (int round = 0; round < rounds; ++round) {
        for (FrameNumber& frame : held) {
          core.charge(random.below(Duration(2'000'000)), Account::user);
          frame = m.pages.alloc_page(core, GFP_HIGHUSER_MOVABLE);
        }
        for (const FrameNumber frame : held) {
          core.charge(random.below(Duration(2'000'000)), Account::user);
          m.release(core, frame);
        }
      }
    });
    m.pages.check_invariants();
    const LockClassStats zone_lock = m.counters.snapshot().lock_class("zone_lock");
    return std::vector<std::int64_t>{static_cast<std::int64_t>(m.counters[Counter::pgalloc]),
                                     static_cast<std::int64_t>(zone_lock.acquired),
                                     static_cast<std::int64_t>(zone_lock.contended), zone_lock.wait.count()};
  });
  const double each = 1.0 / static_cast<double>(numbers[0]);
  return {each * static_cast<double>(numbers[1]), each * static_cast<double>(numbers[2]),
          each * static_cast<double>(numbers[3])};
}

struct ZoneLockLawOfLists : testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(, ZoneLockLawOfLists, testing::Values("hot_cold", "merged"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(ZoneLockLawOfLists, ContentionAndWaitingPerPageFallAsBatchesGrow) {
  const PerPage single = zone_lock_with(1, GetParam());
  EXPECT_GT(single.contended, 0.5); // the lock is what everybody waits for
  PerPage before = single;
  for (const std::int64_t batch : {4, 16, 63}) {
    const PerPage now = zone_lock_with(batch, GetParam());
    EXPECT_LT(now.acquired, before.acquired / 3) << "batch " << batch;
    EXPECT_LT(now.contended, before.contended / 2) << "batch " << batch;
    // Hand-overs are shared by a batch, but the work under the lock is not: a larger batch is met less often, and
    // waited for longer.
    EXPECT_LT(now.wait, single.wait / 4) << "batch " << batch;
    before = now;
  }
}

TEST(ZoneLockLaw, ListsThatDrainAndRefillInBatchesTakeTheLockOnceABatch) {
  const PerPage lone = zone_lock_with(31, "merged", 1);
  // Of 248 pages freed, three batches go back: at 186, and twice after another 31. So in each of the 33 rounds three
  // come again, but eight in the first.
  EXPECT_DOUBLE_EQ(lone.acquired, (33 * 6 + 5) / (33.0 * 248));
  EXPECT_EQ(lone.contended, 0);
}

TEST(ZoneLockLaw, WithoutListsEveryPageTakesTheLockTwice) {
  EXPECT_DOUBLE_EQ(zone_lock_with(31, "none", 4).acquired, 2);
}

} // namespace
} // namespace mmsim::tests::zone_lock_law_test
