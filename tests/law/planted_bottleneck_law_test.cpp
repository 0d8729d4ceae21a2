// Is a bottleneck that was put in found again in whom operations wait for?
//
// Each run is made twice, without and with the plant. What an operation takes longer then must mostly be waiting for
// whom the plant concerns.

#include "tests/support/waits.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::planted_bottleneck_law_test {
namespace {

struct Change {
  double latency, named, part; ///< ns, ns, and how much of the first is the second
};

Change change(const std::vector<std::string>& settings, const std::vector<std::string>& without,
              const std::vector<std::string>& with, const std::string& operation,
              const std::function<bool(const WaitTotal&)>& named) {
  const Waited before = waited(settings + without, operation, named);
  const Waited after = waited(settings + with, operation, named);
  const double latency = after.latency - before.latency, wait = after.named - before.named;
  return {latency, wait, wait / latency};
}

auto kind(WaitKind kind) {
  return [kind](const WaitTotal& wait) { return wait.kind == kind; };
}
auto whom(WaitKind kind, std::string name) {
  return [kind, name = std::move(name)](const WaitTotal& wait) {
    return wait.kind == kind && wait.whom == name;
  };
}

TEST(PlantedBottleneck, ASlowInterruptIsOnItsWay) {
  const Change slow =
      change({"scenario.name=munmap", "run.cpus=4", "scenario.readers=3", "scenario.pages=2",
              "kernel.tlb_flush=eager"},
             {"machine.ipi.deliver=300 ns"}, {"machine.ipi.deliver=5 us"}, "munmap", kind(WaitKind::ipi));
  EXPECT_GT(slow.latency, 4000);
  EXPECT_GT(slow.part, 0.8);
}

TEST(PlantedBottleneck, ASlowHandlerIsTheOtherCores) {
  const Change slow =
      change({"scenario.name=munmap", "run.cpus=4", "scenario.readers=3", "scenario.pages=2",
              "kernel.tlb_flush=eager"},
             {"machine.irq.entry=250 ns"}, {"machine.irq.entry=5 us"}, "munmap", kind(WaitKind::handler));
  EXPECT_GT(slow.latency, 4000);
  EXPECT_GT(slow.part, 0.8);
}

struct LongHold : testing::TestWithParam<std::pair<const char*, const char*>> {};
INSTANTIATE_TEST_SUITE_P(, LongHold,
                         testing::Values(std::pair("queued", "test_lock"), std::pair("mutex", "test_mutex"),
                                         std::pair("rw_semaphore", "test_rwsem")),
                         [](const auto& info) { return std::string(info.param.first); });

TEST_P(LongHold, OfALockIsItsClass) {
  const Change held = change({"scenario.name=lock", std::string("scenario.kind=") + GetParam().first,
                              "run.cpus=4", "run.duration=1 ms"},
                             {"scenario.hold=100 ns"}, {"scenario.hold=2 us"}, "acquire",
                             whom(WaitKind::lock, GetParam().second));
  // The own hold, 1.9 us longer, is work; the others' holds are waiting.
  EXPECT_GT(held.named, 4000);
  EXPECT_GT(held.part, 0.6);
}

const std::vector<std::string> reclaiming{"scenario.name=reclaim",          "run.cpus=4",
                                          "scenario.processes=4",           "scenario.think=0 ns",
                                          "machine.memory=40 MiB",          "kernel.image=4 MiB",
                                          "kernel.min_free_kbytes=256",     "machine.swap.size=256 MiB",
                                          "machine.swap.bandwidth=20 GB/s", "run.duration=5 ms"};

TEST(PlantedBottleneck, ASlowSwapDeviceIsThatDevice) {
  const Change slow = change(reclaiming, {"machine.swap.latency=2 us"}, {"machine.swap.latency=200 us"},
                             "swap_in", whom(WaitKind::device, "swap"));
  EXPECT_GT(slow.latency, 10'000);
  EXPECT_GT(slow.part, 0.6);
}

// Memory that does not suffice: who faults reclaims himself, on the lists and the free pages of one zone that all want.
TEST(PlantedBottleneck, AStarvedZoneIsItsLocks) {
  const auto of_the_zone = [](const WaitTotal& wait) {
    return wait.kind == WaitKind::lock && (wait.whom == "zone_lock" || wait.whom == "lru_lock");
  };
  const std::vector<std::string> settings =
      reclaiming + std::vector<std::string>{"scenario.fresh=0.5", "machine.swap.latency=2 us"};
  const Change starved = change(settings, {"scenario.oversubscribe=0.5"}, {"scenario.oversubscribe=1.5"},
                                "demand_fault", of_the_zone);
  const Change all_locks = change(settings, {"scenario.oversubscribe=0.5"}, {"scenario.oversubscribe=1.5"},
                                  "demand_fault", kind(WaitKind::lock));
  EXPECT_GT(starved.latency, 500);
  EXPECT_GT(starved.part, 0.25);
  EXPECT_GT(starved.named, 0.6 * all_locks.named); // the rest: of swap slots and the swap cache
}

TEST(PlantedBottleneck, ShortPerCpuListsAreTheZonesLock) {
  const Change small =
      change({"scenario.name=allocator", "run.cpus=4", "scenario.burst=200", "scenario.think=2 us",
              "run.duration=1 ms"},
             {}, {"kernel.pcp_batch=1", "kernel.pcp_high=6"}, "alloc", whom(WaitKind::lock, "zone_lock"));
  EXPECT_GT(small.latency, 1000);
  EXPECT_GT(small.part, 0.7);
}

} // namespace
} // namespace mmsim::tests::planted_bottleneck_law_test
