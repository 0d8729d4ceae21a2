// The machine's distances are those of SimGrid's routes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/test_machine.hpp"

namespace mmsim::topology_test {
namespace {

using namespace literals;
using testing::HasSubstr;
using tests::small_machine;
using tests::TestMachine;

TEST(Topology, EveryRouteHasTheLatencyOfItsClass) {
  TestMachine m(small_machine());
  const Topology& topology = m.machine.topology();
  ASSERT_EQ(topology.cores(), 16u);
  for (std::uint32_t a = 0; a < 16; ++a)
    for (std::uint32_t b = 0; b < 16; ++b) {
      const Duration expected = a == b           ? 0_ns
                                : a / 2 == b / 2 ? 10_ns
                                : a / 4 == b / 4 ? 15_ns
                                : a / 8 == b / 8 ? 55_ns
                                                 : 151_ns;
      EXPECT_EQ(topology.latency(CoreId(a), CoreId(b)), expected) << a << " to " << b;
      EXPECT_EQ(topology.route_latency(CoreId(a), CoreId(b)), expected) << a << " to " << b;
    }
  EXPECT_EQ(topology.node_of(CoreId(7)), NodeId(0));
  EXPECT_EQ(topology.node_of(CoreId(8)), NodeId(1));
}

TEST(Topology, OddPicosecondsAndEqualLevelsSurviveTheRoutes) {
  TestMachine m(small_machine({{"machine.interconnect.cluster", "10001 ps"},
                               {"machine.interconnect.die", "10001 ps"},
                               {"machine.interconnect.socket", "33333 ps"},
                               {"machine.interconnect.system", "150001 ps"}}));
  for (std::uint32_t b = 1; b < 16; ++b) {
    const Duration expected = b < 4 ? 10001_ps : b < 8 ? 33333_ps : 150001_ps;
    EXPECT_EQ(m.machine.topology().latency(CoreId(0), CoreId(b)), expected);
    EXPECT_EQ(m.machine.topology().route_latency(CoreId(0), CoreId(b)), expected);
  }
}

TEST(Topology, ZonesOfOneMemberAreSkipped) {
  TestMachine m({{"machine.sockets", std::int64_t{2}},
                 {"machine.cores_per_cluster", std::int64_t{1}},
                 {"machine.interconnect.system", "200 ns"}});
  ASSERT_EQ(m.machine.cpus(), 2u);
  EXPECT_EQ(m.machine.topology().distance(CoreId(0), CoreId(1)), Distance::system);
  EXPECT_EQ(m.machine.topology().latency(CoreId(0), CoreId(1)), 200_ns);
}

std::string refusal(const TestMachine::Settings& settings) {
  try {
    TestMachine m(settings);
  } catch (const InputError& error) {
    return error.what();
  }
  return "(accepted)";
}

TEST(Topology, MoreThan1024CoresAreRefused) {
  EXPECT_THAT(
      refusal({{"machine.sockets", std::int64_t{5}}, {"machine.cores_per_cluster", std::int64_t{205}}}),
      HasSubstr("1025 cores"));
}

TEST(Topology, ALargerZoneThatIsNearerIsRefused) {
  EXPECT_THAT(refusal({{"machine.interconnect.die", "60 ns"}}), HasSubstr("machine.interconnect"));
}

TEST(Topology, MoreCpusThanTheMachineHasAreRefusedAtTheirPlace) {
  Engine engine;
  Configuration configuration;
  Counters counters;
  configuration.set("run.cpus", std::int64_t{5}, {"my.toml", 3, 8});
  try {
    Machine machine(engine, configuration, counters, 5);
    FAIL() << "accepted";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("my.toml:3:8"));
  }
}

} // namespace
} // namespace mmsim::topology_test
