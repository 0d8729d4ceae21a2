// Does contention on list_lock fall with what a slab cache's CPUs move at once?
//
// Eight cores of a cluster allocate 300 objects each and free them, again and again: more than an array holds, so
// that batches travel both ways. No page is needed once the first round is over.

#include "models/pages/slab.hpp"
#include "sim/engine/random.hpp"
#include "tests/support/child.hpp"
#include "tests/support/paged_machine.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::slab_law_test {
namespace {

struct Churn {
  std::int64_t acquired, contended, wait, hold, took; ///< of list_lock; picoseconds
};

Churn churn(const char* version, std::int64_t batchcount, std::int64_t shared, std::uint32_t cpus = 8) {
  const auto numbers = in_child([&]() -> std::vector<std::int64_t> {
    PagedMachine m(cpus, {{"machine.clusters_per_die", std::int64_t{1}},
                          {"machine.cores_per_cluster", std::int64_t{8}},
                          {"machine.memory", "64 MiB"},
                          {"kernel.slab", std::string(version)},
                          {"kernel.slab_limit", std::int64_t{120}},
                          {"kernel.slab_batchcount", batchcount},
                          {"kernel.slab_shared", shared}});
    KmemCache cache({m.machine, m.locks, m.pages, m.configuration}, {.name = "objects", .size = 200});
    m.run_on(cpus, [&](Core& core) {
      RandomStream random(1, "cpu " + std::to_string(core.id().value()));
      std::vector<SlabObject> mine;
      for (int round = 0; round < 40; ++round) {
        for (int i = 0; i < 300; ++i) {
          mine.push_back(cache.alloc(core));
          core.charge(random.below(Duration(40'000)), Account::work);
        }
        for (; !mine.empty(); mine.pop_back()) {
          cache.free(core, mine.back());
          core.charge(random.below(Duration(40'000)), Account::work);
        }
      }
    });
    const LockClassStats lock = m.counters.snapshot().lock_class("list_lock");
    return {static_cast<std::int64_t>(lock.acquired), static_cast<std::int64_t>(lock.contended),
            lock.wait.count(), lock.hold.count(), m.engine.now().time_since_epoch().count()};
  });
  return {numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]};
}

struct SlabLaw : testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(, SlabLaw, testing::Values("bufctl", "freelist"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(SlabLaw, ContentionOnListLockFallsWithTheBatch) {
  std::vector<Churn> by_batch;
  for (const std::int64_t batch : {2, 8, 30, 60})
    by_batch.push_back(churn(GetParam(), batch, 64));
  for (std::size_t i = 1; i < by_batch.size(); ++i) {
    EXPECT_LT(by_batch[i].acquired, by_batch[i - 1].acquired) << i;
    EXPECT_LT(by_batch[i].wait, by_batch[i - 1].wait) << i;
    EXPECT_LT(by_batch[i].took, by_batch[i - 1].took) << i;
  }
  // Every object is moved twice a round in the end: four times the batch, a quarter of the acquisitions or so.
  const double ratio = static_cast<double>(by_batch[0].acquired) / static_cast<double>(by_batch[1].acquired);
  EXPECT_GT(ratio, 3.0);
  EXPECT_LT(ratio, 5.0);
  EXPECT_GT(by_batch.front().wait, 10 * by_batch.back().wait);
}

TEST_P(SlabLaw, TheSharedArrayShortensTheHoldAndTheWait) {
  const Churn with = churn(GetParam(), 60, 32), without = churn(GetParam(), 60, 0);
  EXPECT_LT(2 * with.hold, without.hold);
  EXPECT_LT(2 * with.wait, without.wait);
  EXPECT_LT(with.took, without.took);
}

TEST_P(SlabLaw, AloneNobodyWaits) { EXPECT_EQ(churn(GetParam(), 60, 8, 1).contended, 0); }

} // namespace
} // namespace mmsim::tests::slab_law_test
