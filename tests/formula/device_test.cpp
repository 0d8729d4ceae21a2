// The device path: where the engine's clock and SimGrid's meet, and the queue before a device.

#include "models/reclaim/block_device.hpp"
#include "sim/engine/device.hpp"
#include "sim/engine/simgrid_world.hpp"

#include <deque>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simgrid/s4u.hpp>

#include "tests/support/child.hpp"
#include "tests/support/test_machine.hpp"

namespace mmsim::device_test {
namespace {

using namespace literals;
using testing::ElementsAre;

Instant at(Duration since_start) { return Instant(since_start); }
Device::Speed gigabyte_a_second(Duration latency = {}) {
  return {BytesPerSecond(1e9), BytesPerSecond(1e9), latency};
}

TEST(Device, ALoneRequestTakesItsLatencyAndItsBytesAtFullBandwidth) {
  Engine engine;
  Device disk(engine, "disk", {BytesPerSecond(2e9), BytesPerSecond(5e8), 10_us});
  std::vector<Instant> done;
  engine.spawn("f", [&] {
    engine.wait_until(at(123'457_ps));
    disk.read(Bytes(4096));
    done.push_back(engine.now());
    disk.write(Bytes(4096));
    done.push_back(engine.now());
  });
  engine.run();
  EXPECT_THAT(done,
              ElementsAre(at(123'457_ps + 10_us + 2048_ns), at(123'457_ps + 20_us + 2048_ns + 8192_ns)));
}

// ENGINE.md: stepping SimGrid event by event, this read took 44.1 us beside steps of 0.4 ns and 2.46 us at
// 0.6 ns.
TEST(Device, ALoneReadOf4096NanosecondsTakesExactlyThatBesideFibersThatStepSubNanoseconds) {
  for (const bool run_ahead : {true, false})
    for (const Duration step : {400_ps, 600_ps, 1_ps * 1700}) {
      const auto result = tests::in_child([=] {
        Engine engine({.run_ahead = run_ahead});
        Device disk(engine, "disk", gigabyte_a_second(100_ns));
        Instant done;
        bool reading = true;
        engine.spawn("reader", [&] {
          engine.wait_until(at(77_ns));
          disk.read(Bytes(4096));
          done = engine.now();
          reading = false;
        });
        std::int64_t steps = 0;
        for (int i = 0; i < 3; ++i)
          engine.spawn("stepper", [&] {
            for (; reading; ++steps)
              engine.wait_until(engine.now() + step);
          });
        engine.run();
        return std::vector<std::int64_t>{done.time_since_epoch().count(), steps >= 3 * (4273_ns / step)};
      });
      EXPECT_THAT(result, ElementsAre((77_ns + 100_ns + 4096_ns).count(), 1))
          << run_ahead << " " << step.count();
    }
}

TEST(Device, TwoRequestsShareTheBandwidthAndTheirLatenciesOverlap) {
  Engine engine;
  Device disk(engine, "disk", gigabyte_a_second(1_us));
  std::vector<Instant> done(2);
  // a: 4000 bytes from 1 us; b: 1000 bytes from 2 us. Alone 1 us, then half each until b has its 1000 (2 us),
  // then alone.
  engine.spawn("a", [&] {
    disk.read(Bytes(4000));
    done[0] = engine.now();
  });
  engine.spawn("b", [&] {
    engine.wait_until(at(1_us));
    disk.read(Bytes(1000));
    done[1] = engine.now();
  });
  engine.run();
  EXPECT_THAT(done, ElementsAre(at(6_us), at(4_us)));
}

TEST(Device, ReadsAndWritesShareOneBandwidth) {
  Engine engine;
  Device disk(engine, "disk", gigabyte_a_second());
  std::vector<Instant> done(2);
  engine.spawn("reader", [&] {
    disk.read(Bytes(1000));
    done[0] = engine.now();
  });
  engine.spawn("writer", [&] {
    disk.write(Bytes(3000));
    done[1] = engine.now();
  });
  engine.run();
  EXPECT_THAT(done, ElementsAre(at(2_us), at(4_us)));
}

TEST(Device, TwoDevicesDoNotMeet) {
  Engine engine;
  Device fast(engine, "fast", gigabyte_a_second()), other(engine, "other", gigabyte_a_second());
  std::vector<Instant> done(2);
  engine.spawn("a", [&] {
    fast.read(Bytes(1000));
    done[0] = engine.now();
  });
  engine.spawn("b", [&] {
    other.read(Bytes(1000));
    done[1] = engine.now();
  });
  engine.run();
  EXPECT_THAT(done, ElementsAre(at(1_us), at(1_us)));
}

TEST(Device, ManyRequestsOfOneInstantCompleteTogetherInTheOrderOfAsking) {
  Engine engine;
  Device disk(engine, "disk", gigabyte_a_second());
  std::vector<int> order;
  std::vector<Instant> done;
  for (int i = 0; i < 10; ++i)
    engine.spawn("f", [&, i] {
      disk.read(Bytes(100));
      order.push_back(i);
      done.push_back(engine.now());
    });
  engine.run();
  EXPECT_THAT(order, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
  EXPECT_EQ(done, std::vector<Instant>(10, at(1_us)));
}

TEST(Device, NothingToTransferTakesTheLatency) {
  Engine engine;
  Device disk(engine, "disk", gigabyte_a_second(3_us));
  Instant done;
  engine.spawn("f", [&] {
    disk.read(Bytes(0));
    done = engine.now();
  });
  engine.run();
  EXPECT_EQ(done, at(3_us));
}

TEST(Device, LargeRequestsAreExactTooAndTooLargeOnesAreRefused) {
  Engine engine;
  Device disk(engine, "disk", {BytesPerSecond(1e12), BytesPerSecond(1e12), {}});
  Instant done;
  engine.spawn("f", [&] {
    disk.write(Bytes((std::uint64_t{16} << 30) - 1));
    done = engine.now();
    disk.write(Bytes(std::uint64_t{16} << 30));
  });
  EXPECT_THROW(engine.run(), std::runtime_error);
  EXPECT_EQ(done, at(Duration((std::int64_t{16} << 30) - 1))); // 1 byte a picosecond
}

TEST(Device, RequestsFarOutInTimeAreStillExact) {
  Engine engine;
  Device disk(engine, "disk", gigabyte_a_second());
  std::vector<Instant> done;
  engine.spawn("f", [&] {
    for (const Duration start : {1'000'000_ms, 3'999'000_ms}) {
      engine.wait_until(at(start + 1_ns));
      disk.read(Bytes(4096));
      done.push_back(engine.now());
    }
  });
  engine.run();
  EXPECT_THAT(done, ElementsAre(at(1'000'000_ms + 4097_ns), at(3'999'000_ms + 4097_ns)));
}

TEST(Device, AFailureDuringARequestEndsTheRun) {
  Engine engine;
  Device disk(engine, "disk", gigabyte_a_second());
  engine.spawn("reader", [&] { disk.read(Bytes(4096)); });
  engine.spawn("fails", [&] {
    engine.wait_until(at(1_us));
    throw Violation("broken");
  });
  EXPECT_THROW(engine.run(), Violation);
}

TEST(Device, StoppingDuringARequestEndsTheRun) {
  Engine engine;
  Device disk(engine, "disk", gigabyte_a_second());
  bool completed = false;
  engine.spawn("reader", [&] {
    disk.read(Bytes(4096));
    completed = true;
  });
  engine.at(at(1_us), [&] { engine.stop(); });
  EXPECT_NO_THROW(engine.run());
  EXPECT_FALSE(completed);
  EXPECT_EQ(engine.now(), at(1_us));
}

TEST(Device, AReaderThatThenWaitsForEverIsADeadlock) {
  Engine engine;
  Device disk(engine, "disk", gigabyte_a_second());
  engine.spawn("reader", [&] {
    disk.read(Bytes(4096));
    engine.park(nullptr);
  });
  EXPECT_THROW(engine.run(), Violation);
  EXPECT_EQ(engine.now(), at(4096_ns));
}

// --- SimGrid beside the engine

TEST(SimGridClock, AnActorThatSleepsNeverSeesALaterModelTime) {
  for (const bool run_ahead : {true, false}) {
    const auto result = tests::in_child([=] {
      Engine engine({.run_ahead = run_ahead});
      Device disk(engine, "disk", gigabyte_a_second());
      auto* host = engine.world().root().create_host("host of actors", 1.0);
      host->seal();
      std::vector<std::int64_t> seen;
      simgrid::s4u::Actor::create("actor", host, [&] {
        for (const double sleep : {0.4, 0.6, 1.0, 1999.0, 0.001, 3000.0}) {
          simgrid::s4u::this_actor::sleep_for(sleep);
          const auto clock =
              static_cast<std::int64_t>(std::llround(simgrid::s4u::Engine::get_clock() * 1000));
          seen.push_back(clock);
          seen.push_back(engine.now().time_since_epoch().count());
        }
      });
      for (const Duration step : {300_ps, 700_ps, 1100_ps})
        engine.spawn("stepper", [&, step] {
          while (engine.now() < at(6_us))
            engine.wait_until(engine.now() + step);
        });
      engine.spawn("reader", [&] { disk.read(Bytes(4096)); });
      engine.run();
      return seen;
    });
    ASSERT_EQ(result.size(), 12u);
    // Sleeps below SimGrid's default precision and events closer than a nanosecond are kept apart (its
    // traps).
    const std::vector<std::int64_t> clock{400, 1000, 2000, 2'001'000, 2'001'001, 5'001'001};
    for (std::size_t i = 0; i < clock.size(); ++i) {
      EXPECT_EQ(result[2 * i], clock[i]);
      EXPECT_LE(result[2 * i + 1], clock[i]);
      EXPECT_GE(result[2 * i + 1], clock[i] - 301) << "the model has run as far as it may";
    }
  }
}

TEST(BlockDeviceQueue, ADeviceTakesAsManyRequestsAsItsQueueIsDeepAndTheOthersInTheirOrder) {
  struct Timed final : BlockRequest {
    Timed(tests::TestMachine& machine, std::vector<std::pair<int, Duration>>& back, int number)
        : machine(machine), back(back), number(number) {}
    void end_io(Core&, bool) override { back.emplace_back(number, machine.now()); }
    tests::TestMachine& machine;
    std::vector<std::pair<int, Duration>>& back;
    const int number;
  };
  tests::TestMachine m({{"machine.work.io_submit", "0 ns"},
                        {"machine.work.io_complete", "0 ns"},
                        {"machine.irq.entry", "0 ns"},
                        {"machine.irq.exit", "0 ns"},
                        {"machine.idle.exit", "0 ns"}});
  BlockLayer block(m.machine);
  BlockDevice disk(block, "disk", {BytesPerSecond(4.096e9), BytesPerSecond(4.096e9), 10_us}, 0, 2);
  std::vector<std::pair<int, Duration>> back;
  std::deque<Timed> requests;
  for (int number = 0; number < 5; ++number)
    requests.emplace_back(m, back, number);
  m.on(0, [&](Core& core) {
    for (Timed& request : requests)
      disk.submit(core, request, Transfer::write, Bytes(4096));
    EXPECT_EQ(disk.in_flight(Transfer::write), 5u);
    while (back.size() < 5)
      core.wait_for_interrupt();
    EXPECT_EQ(disk.in_flight(Transfer::write), 0u);
  });
  m.engine.run();
  // Two at a time: each has its latency once it is taken, and half of the bandwidth; the last one has all of it.
  const std::vector<Duration> expected{12_us, 12_us, 24_us, 24_us, 35_us};
  ASSERT_EQ(back.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(back[i].second.count()), static_cast<double>(expected[i].count()),
                1000.0);
    EXPECT_EQ(back[i].first / 2, static_cast<int>(i) / 2); // of two that end together, either may be first
  }
}

} // namespace
} // namespace mmsim::device_test
