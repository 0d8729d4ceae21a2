// Does every scenario run on every machine file with every kernel file that fits?

#include "tests/support/points.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mmsim::tests::scenarios_test {
namespace {

struct Place {
  const char *machine, *kernel, *policy;
};

void PrintTo(const Place& place, std::ostream* out) { *out << place.machine << " with " << place.kernel; }

class Scenarios : public testing::TestWithParam<std::tuple<NamedScenario, Place>> {};

TEST_P(Scenarios, RunToTheEndAndReportTheirOperations) {
  const auto& [scenario, place] = GetParam();
  std::vector<std::string> overrides =
      scenario.settings + std::vector<std::string>{std::string("machine.base=") + place.machine,
                                                   std::string("kernel.base=") + place.kernel, "run.cpus=4"};
  if (*place.policy != '\0') overrides.push_back(std::string("kernel.tlb_flush=") + place.policy);
  const std::string machine = place.machine;
  if (machine == "arm11mpcore-4") overrides.push_back("run.duration=20 ms"); // 20 times slower
  if (machine == "arm11mpcore-4" || machine == "cortex-a15-4") overrides.push_back("kernel.asid_bits=8");
  const PointResult result = point(overrides);
  EXPECT_EQ(result.status, PointStatus::done) << result.message;
  std::vector<std::string> names;
  for (const OperationResult& operation : result.operations) {
    names.push_back(operation.name);
    const bool by_pressure =
        operation.name == "reclaim" || operation.name == "kswapd"; // one does the other's work
    if (!by_pressure) {
      EXPECT_GT(operation.latency.count(), 0u) << operation.name;
    }
  }
  EXPECT_EQ(names, scenario.operations);
}

INSTANTIATE_TEST_SUITE_P(
    Everywhere, Scenarios,
    testing::Combine(
        testing::ValuesIn(scenarios),
        testing::Values(Place{"neoverse-n1-80", "5.10", ""}, Place{"neoverse-n1-80", "2.6.24", ""},
                        Place{"kunpeng920-128", "5.10", ""}, Place{"kunpeng920-128", "2.6.24", ""},
                        Place{"cortex-a72-4", "5.10", ""}, Place{"cortex-a72-4", "2.6.24", ""},
                        Place{"neoverse-v1-64", "5.10", ""}, Place{"emag-32", "5.10", ""},
                        Place{"cortex-a15-4", "5.10", "erratum_798181"},
                        Place{"neoverse-v1-64", "5.10", "latr"}, Place{"arm11mpcore-4", "2.6.24", "leave_mm"},
                        Place{"arm11mpcore-4", "2.6.24", ""}, Place{"arm11mpcore-4", "5.10", "eager"},
                        Place{"arm11mpcore-4", "2.6.11", ""}, Place{"arm11mpcore-4", "2.6.0", ""},
                        Place{"arm11mpcore-4", "2.4.18", ""}, Place{"e7-8870-8s", "5.10", ""},
                        Place{"e7-8870-8s", "2.6.24", ""}, Place{"xeon-e7-8895-4s", "5.10", ""},
                        Place{"xeon-8176-8s", "5.10", ""}, Place{"xeon-skylake-4s", "2.6.24", ""},
                        Place{"xeon-skylake-4s", "5.10", "eager"}, Place{"neoverse-v1-64", "6.4", ""},
                        Place{"neoverse-n1-80", "6.1", ""}, Place{"icelake-8336c-2s", "6.1", "eager"})),
    [](const auto& info) {
      const Place& place = std::get<1>(info.param);
      std::string name =
          std::get<0>(info.param).name + "_" + place.machine + "_" + place.kernel + place.policy;
      for (char& c : name)
        c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
      return name;
    });

// What a run with these overrides is refused for.
std::string refusal_of(const std::vector<std::string>& overrides) {
  return text_in_child([&]() -> std::string {
    try {
      run_point(load_configuration({}, overrides + std::vector<std::string>{"run.duration=1 us"}));
    } catch (const InputError& error) {
      return error.what();
    }
    return "it ran";
  });
}
std::string refusal(const std::vector<std::string>& overrides) {
  return refusal_of(overrides + std::vector<std::string>{"scenario.name=munmap"});
}

TEST(Broadcast, IsRefusedWhereTheMachineHasNone) {
  const std::string said = refusal({"machine.base=arm11mpcore-4", "kernel.base=5.10", "kernel.asid_bits=8"});
  EXPECT_THAT(said, testing::AllOf(testing::HasSubstr("kernel.tlb_flush = \"broadcast\""),
                                   testing::HasSubstr("\"eager\""), testing::HasSubstr("5.10.toml")));
  EXPECT_THAT(
      refusal({"machine.base=arm11mpcore-4", "kernel.tlb_flush=erratum_798181", "kernel.asid_bits=8"}),
      testing::HasSubstr("kernel.tlb_flush = \"erratum_798181\""));
}

TEST(Asids, AreRefusedWhereTheMachineHasNotSoMany) {
  for (const char* machine : {"machine.base=arm11mpcore-4", "machine.base=cortex-a15-4"})
    EXPECT_THAT(refusal({machine, "kernel.base=5.10", "kernel.tlb_flush=eager"}),
                testing::AllOf(testing::HasSubstr("kernel.asid_bits = 16"), testing::HasSubstr("TLB has 8"),
                               testing::HasSubstr("5.10.toml")));
}

TEST(Asids, OfArm2_6_24AreWarnedOfWhereSeveralCpusUseThem) {
  for (const int cpus : {1, 2}) {
    const PointResult result =
        point({"machine.base=arm11mpcore-4", "kernel.base=2.6.24", "kernel.asid_allocator=armv6",
               "scenario.name=context_switch", "run.duration=20 ms", "run.cpus=" + std::to_string(cpus)});
    EXPECT_EQ(result.status, PointStatus::done) << result.message;
    const auto warned = testing::Contains(testing::HasSubstr("kernel.asid_allocator is unsafe"));
    if (cpus > 1)
      EXPECT_THAT(result.warnings, warned);
    else
      EXPECT_THAT(result.warnings, testing::Not(warned));
  }
}

TEST(Latr, ThatLeavesNothingToOthersIsWarnedOf) {
  for (const int cpus : {1, 2}) {
    const PointResult result =
        point({"machine.base=neoverse-v1-64", "kernel.base=5.10", "kernel.tlb_flush=latr",
               "scenario.name=munmap", "run.duration=1 ms", "run.cpus=" + std::to_string(cpus)});
    EXPECT_EQ(result.status, PointStatus::done) << result.message;
    const auto warned = testing::Contains(testing::HasSubstr("\"latr\" was never exercised"));
    if (cpus == 1)
      EXPECT_THAT(result.warnings, warned);
    else
      EXPECT_THAT(result.warnings, testing::Not(warned));
  }
}

TEST(Broadcast, IsRefusedWhereItsBarrierCannotBeTrusted) {
  EXPECT_THAT(refusal({"machine.base=cortex-a15-4", "kernel.tlb_flush=broadcast", "kernel.asid_bits=8"}),
              testing::AllOf(testing::HasSubstr("kernel.tlb_flush = \"broadcast\""),
                             testing::HasSubstr("machine.tlb.erratum_798181 = true"),
                             testing::HasSubstr("--set")));
}

TEST(Munmap, RefusesReadersThatAreNotThreadsOfTheProcess) {
  EXPECT_THAT(refusal({"scenario.mode=processes", "scenario.readers=1", "run.cpus=4"}),
              testing::HasSubstr("scenario.readers"));
  EXPECT_THAT(refusal({"scenario.mode=threads", "scenario.readers=4", "run.cpus=4"}),
              testing::HasSubstr("scenario.readers"));
}

TEST(TlbFlush, RefusesMoreFlushersThanCpus) {
  EXPECT_THAT(refusal_of({"scenario.name=tlb_flush", "scenario.flushers=5", "run.cpus=4"}),
              testing::AllOf(testing::HasSubstr("scenario.flushers = 5"), testing::HasSubstr("--set")));
}

TEST(Allocator, RefusesColdBlocksOfMoreThanOnePage) {
  const std::string said = refusal_of({"scenario.name=allocator", "scenario.order=1", "scenario.cold=0.5"});
  EXPECT_THAT(said, testing::AllOf(testing::HasSubstr("scenario.cold = 0.5"), testing::HasSubstr("--set")));
}

TEST(Reclaim, RefusesWhatCannotBe) {
  const auto refused = [](const std::vector<std::string>& settings, const char* path) {
    EXPECT_THAT(refusal_of(settings), testing::AllOf(testing::HasSubstr(path), testing::HasSubstr("--set")));
  };
  refused({"scenario.name=reclaim", "scenario.sharers=0"}, "scenario.sharers");
  refused({"scenario.name=reclaim", "scenario.sharers=3", "scenario.processes=4"}, "scenario.processes = 4");
  refused({"scenario.name=reclaim", "scenario.backing=file", "scenario.private=0.5"}, "scenario.private");
  refused({"scenario.name=reclaim", "scenario.vmas=100000000"}, "scenario.vmas");
  refused({"scenario.name=reclaim", "scenario.pattern=random", "scenario.together=8"}, "scenario.together");
  refused({"scenario.name=snapshot", "scenario.threads=3", "run.cpus=2"}, "scenario.threads = 3");
}

TEST(RmapTree, RefusesToBeWithoutSwapOrChildren) {
  EXPECT_THAT(refusal_of({"scenario.name=rmap_tree"}),
              testing::HasSubstr("machine.swap.size = 0 B (default)"));
  EXPECT_THAT(refusal_of({"scenario.name=rmap_tree", "machine.swap.size=64 KiB"}),
              testing::AllOf(testing::HasSubstr("machine.swap.size"), testing::HasSubstr("--set")));
  EXPECT_THAT(refusal_of({"scenario.name=rmap_tree", "scenario.children=0"}),
              testing::AllOf(testing::HasSubstr("scenario.children"), testing::HasSubstr("--set")));
}

// Sixteen CPUs that fill their lists for the first time stand in a queue for zone->lock, for 10 us and more.
TEST(Munmap, HasFilledTheListsOfEveryCpuBeforeItsWarmUp) {
  const PointResult result =
      point({"scenario.name=munmap", "scenario.mode=processes", "run.cpus=16", "run.warmup=0 ns",
             "run.duration=20 us", "machine.base=kunpeng920-128", "kernel.base=5.10"});
  EXPECT_EQ(result.counters.lock_class("zone_lock").contended, 0u);
}

} // namespace
} // namespace mmsim::tests::scenarios_test
