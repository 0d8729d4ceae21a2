// Where contention goes: what no longer waits for zone->lock waits for lru_lock.
//
// Processes on 48 CPUs fault pages in and drop them. Per-CPU lists that move more pages at a time take zone->lock less
// often; lru_lock is taken as before, by CPUs that come to it faster.
#include "tests/support/points.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::lock_contention_moves_law_test {
namespace {

struct Waits {
  double zone_lock, lru_lock; // parts of all CPUs' time
};

Waits waits_with(int batch) {
  const PointResult result =
      point({"machine.base=xeon-skylake-4s", "machine.sockets=1", "machine.memory=4 GiB", "kernel.base=5.10",
             "kernel.tlb_flush=eager", "kernel.pcp_batch=" + std::to_string(batch),
             "kernel.pcp_high=" + std::to_string(6 * batch), "scenario.name=page_fault",
             "scenario.pages=2048", "run.cpus=48", "run.warmup=20 ms", "run.duration=20 ms"});
  EXPECT_EQ(result.status, PointStatus::done) << result.message;
  const double all = 48 * static_cast<double>(result.measured.count());
  const auto part = [&](const char* lock_class) {
    return static_cast<double>(result.counters.lock_class(lock_class).wait.count()) / all;
  };
  return {part("zone_lock"), part("lru_lock")};
}

TEST(ContentionLaw, MovesFromZoneLockToLruLockAsBatchesGrow) {
  Waits before = waits_with(15);
  EXPECT_GT(before.zone_lock, before.lru_lock);
  for (const int batch : {63, 252}) {
    const Waits now = waits_with(batch);
    EXPECT_LT(now.zone_lock, before.zone_lock) << "batch " << batch;
    EXPECT_GT(now.lru_lock, before.lru_lock) << "batch " << batch;
    before = now;
  }
  EXPECT_LT(before.zone_lock, before.lru_lock);
}

} // namespace
} // namespace mmsim::tests::lock_contention_moves_law_test
