// Running ahead is invisible: random programs leave the same trace when SimGrid is stepped through every
// instant.

#include "sim/engine/device.hpp"
#include "sim/engine/engine.hpp"

#include <gtest/gtest.h>
#include <memory>
#include <random>

#include "tests/support/child.hpp"

namespace mmsim::running_ahead_test {
namespace {

// (time, who) of every step of a random program of fibers that sleep, yield, wake each other, post callbacks,
// spawn fibers and read from a device.
std::vector<std::int64_t> trace(std::uint64_t seed, bool run_ahead, bool with_device) {
  return tests::in_child([=] {
    Engine engine({.run_ahead = run_ahead, .permute_ties = seed % 3 == 0 ? seed + 1 : 0});
    std::unique_ptr<Device> disk;
    if (with_device)
      disk = std::make_unique<Device>(
          engine, "disk", Device::Speed{BytesPerSecond(1e9), BytesPerSecond(2e9), Duration(seed % 5 * 700)});
    std::vector<std::int64_t> out;
    const auto note = [&](std::int64_t who) {
      out.push_back(engine.now().time_since_epoch().count());
      out.push_back(who);
    };
    std::vector<Fiber*> sleepers; // parked, to be woken by others
    int spawned = 0;
    std::function<void(int, int)> program = [&](int who, int steps) {
      std::mt19937_64 bits(seed * 7919 + static_cast<std::uint64_t>(who));
      const std::uint64_t spread = std::uint64_t{1} << bits() % 14;
      for (int i = 0; i < steps; ++i) {
        note(who);
        const Duration delay(static_cast<std::int64_t>(bits() % spread));
        switch (bits() % 12) {
        case 0:
          engine.wait_until(engine.now());
          break;
        case 1:
          if (!sleepers.empty()) {
            engine.wake_at(*sleepers.back(), engine.now() + delay);
            sleepers.pop_back();
          }
          break;
        case 2: {
          // Never more parked than there is somebody to wake: the wake-up is there before the wait.
          sleepers.push_back(&engine.current());
          engine.wait_until(engine.now() + delay * 3);
          std::erase(sleepers, &engine.current());
          break;
        }
        case 3:
          engine.at(engine.now() + delay, [&, who] { note(1000 + who); });
          break;
        case 4:
          if (spawned < 40) {
            ++spawned;
            engine.spawn("child", [&, child = 100 + spawned, steps] { program(child, steps / 2); });
          }
          break;
        case 5:
          if (disk != nullptr) disk->read(Bytes(1 + bits() % 64));
          break;
        default:
          engine.wait_until(engine.now() + delay);
        }
      }
      note(who);
    };
    const int fibers = 1 + static_cast<int>(seed % 12);
    for (int who = 0; who < fibers; ++who)
      engine.spawn("f", [&, who] { program(who, 60); });
    engine.run();
    note(-1);
    return out;
  });
}

TEST(RunningAhead, LeavesTheSameTraceInRandomPrograms) {
  std::size_t steps = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const auto ahead = trace(seed, true, false);
    ASSERT_EQ(ahead, trace(seed, false, false)) << "seed " << seed;
    steps += ahead.size() / 2;
  }
  EXPECT_GT(steps, 10'000u);
}

TEST(RunningAhead, LeavesTheSameTraceInRandomProgramsWithADevice) {
  for (std::uint64_t seed = 0; seed < 60; ++seed)
    ASSERT_EQ(trace(seed, true, true), trace(seed, false, true)) << "seed " << seed;
}

TEST(RunningAhead, TheSameProgramTwiceLeavesTheSameTrace) {
  for (std::uint64_t seed = 0; seed < 10; ++seed)
    ASSERT_EQ(trace(seed, true, true), trace(seed, true, true)) << "seed " << seed;
}

} // namespace
} // namespace mmsim::running_ahead_test
