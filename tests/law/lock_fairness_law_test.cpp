// Who is served how often, where the line prefers those near its holder?
//
// Arbitration `nearest` grants requests of the die that holds the line before older ones of other dies, at most
// machine.line.overtakes times in a row. What a lock makes of that: test-and-set hands the lock to whoever reads
// the line first and then stores first, so the other socket loses both races; ticket and queued decide by
// order of arrival, and only the arrival is a race.

#include "tests/support/points.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::lock_fairness_law_test {
namespace {

struct Service {
  double most, least, mean;
  double ratio() const { return most / std::max(least, 1.0); }
  /// What the most served core gets, in fair shares.
  double advantage() const { return most / mean; }
};

/// Cores that do little but contend, in equal parts on `sockets` of one die each.
Service service(const std::string& kind, int cpus, int sockets, const std::string& arbitration,
                int overtakes = 32) {
  const PointResult result =
      point({"machine.base=kunpeng920-128", "machine.sockets=" + std::to_string(sockets),
             "machine.dies_per_socket=1", "machine.clusters_per_die=1",
             "machine.cores_per_cluster=" + std::to_string(cpus / sockets), "kernel.hz=1",
             "scenario.name=lock", "scenario.kind=" + kind, "scenario.think=100 ns", "scenario.hold=100 ns",
             "machine.line.arbitration=" + arbitration, "machine.line.overtakes=" + std::to_string(overtakes),
             "run.cpus=" + std::to_string(cpus), "run.warmup=200 us", "run.duration=4 ms"});
  EXPECT_EQ(result.status, PointStatus::done) << result.message;
  return {static_cast<double>(result.counters[Counter::served_max]),
          static_cast<double>(result.counters[Counter::served_min]),
          static_cast<double>(result.operations.at(0).completed) / cpus};
}

TEST(TestAndSet, StarvesTheOtherSocketWhereTheNearestIsServedFirst) {
  double last = 1.5; // of two cores in each socket more than that
  for (const int cpus : {4, 8}) {
    const double ratio = service("tas", cpus, 2, "nearest").ratio();
    EXPECT_GT(ratio, last) << cpus;
    last = 20 * ratio;
  }
  for (const int cpus : {8, 16, 32}) {
    const Service unfair = service("tas", cpus, 2, "nearest");
    EXPECT_EQ(unfair.least, 0) << cpus;
    EXPECT_GT(unfair.advantage(), 1.5) << cpus; // a socket gets all there is, so the mean of it has 2
  }
}

// The more may overtake, the longer a socket keeps the lock among its own: fewer crossings, more for the winner.
TEST(TestAndSet, ServesTheWinnersMoreTheMoreMayOvertake) {
  for (const int cpus : {8, 16, 32}) {
    double last = 0;
    for (const int overtakes : {2, 32, 128}) {
      const double most = service("tas", cpus, 2, "nearest", overtakes).most;
      EXPECT_GT(most, last) << cpus << " cores, " << overtakes;
      last = most;
    }
  }
}

// Also among equals: a die has no near and no far.
TEST(TestAndSet, IsFairInADieUpToItsRacesUnderBothArbitrations) {
  for (const int cpus : {4, 8, 16, 32}) {
    const Service fifo = service("tas", cpus, 1, "fifo"), nearest = service("tas", cpus, 1, "nearest");
    EXPECT_EQ(fifo.most, nearest.most) << cpus;
    EXPECT_EQ(fifo.least, nearest.least) << cpus;
    EXPECT_LT(fifo.ratio(), cpus <= 8 ? 1.2 : 1.5) << cpus;
  }
}

// First come, first served at the line is not yet so at the lock: who is far needs longer from look to store.
// But nobody starves.
TEST(TestAndSet, FavoursASocketUnderFifoTooAndStarvesNobody) {
  for (const int cpus : {8, 16, 32}) {
    const double ratio = service("tas", cpus, 2, "fifo").ratio();
    EXPECT_GT(ratio, 1.5) << cpus;
    EXPECT_LT(ratio, 5) << cpus;
  }
}

TEST(TicketAndQueued, AreFairUnderBothArbitrations) {
  for (const char* kind : {"ticket", "queued"})
    for (const char* arbitration : {"fifo", "nearest"})
      for (const int cpus : {4, 8, 16, 32})
        EXPECT_LT(service(kind, cpus, 2, arbitration).ratio(), 1.05) << kind << arbitration << cpus;
}

} // namespace
} // namespace mmsim::tests::lock_fairness_law_test
