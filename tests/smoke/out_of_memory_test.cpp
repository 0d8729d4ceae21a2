// Does every scenario that maps memory survive a machine that has too little of it?

#include "tests/support/points.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mmsim::tests::out_of_memory_test {
namespace {

using testing::AnyOf;
using testing::Contains;
using testing::HasSubstr;

struct Hungry {
  const char* name;
  std::vector<std::string> settings;
};
void PrintTo(const Hungry& hungry, std::ostream* out) { *out << hungry.name; }

/// More pages than the machine has.
const std::vector<Hungry> hungry{
    {"fork", {"scenario.name=fork", "scenario.pages=6000", "scenario.vmas=4"}},
    {"cow", {"scenario.name=cow", "scenario.pages=3500"}},
    {"munmap_threads", {"scenario.name=munmap", "scenario.pages=6000"}},
    {"munmap_processes", {"scenario.name=munmap", "scenario.pages=6000", "scenario.mode=processes"}},
    {"lazy_tlb", {"scenario.name=lazy_tlb", "scenario.working_set=100", "scenario.pages=20000"}},
    {"lazy_tlb_at_once", {"scenario.name=lazy_tlb", "scenario.working_set=6000"}},
    {"page_fault_processes", {"scenario.name=page_fault", "scenario.pages=12000"}},
    {"page_fault_threads", {"scenario.name=page_fault", "scenario.pages=20000", "scenario.mode=threads"}},
    {"gup_fork", {"scenario.name=gup_fork", "scenario.pages=20000"}}};

class TooLittleMemory : public testing::TestWithParam<std::tuple<Hungry, const char*, int>> {};

TEST_P(TooLittleMemory, IsAnEventAndAWarning) {
  const auto& [scenario, kernel, policy] = GetParam();
  for (const char* end : {"run.duration=5 ms", "run.operations=20000"}) {
    const PointResult result =
        point(scenario.settings +
              std::vector<std::string>{"machine.base=neoverse-n1-80", std::string("kernel.base=") + kernel,
                                       "kernel.overcommit_memory=" + std::to_string(policy), "run.cpus=4",
                                       "machine.memory=64 MiB", "run.warmup=1 ms", end});
    EXPECT_EQ(result.status, PointStatus::done) << result.message;
    EXPECT_THAT(result.warnings, Contains(AnyOf(HasSubstr("out of memory"), HasSubstr("ENOMEM")))) << end;
    if (policy == 1) {
      EXPECT_GT(result.whole_run[Counter::oom_kill], 0u);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Everywhere, TooLittleMemory,
                         testing::Combine(testing::ValuesIn(hungry), testing::Values("5.10", "2.6.24"),
                                          testing::Values(0, 1, 2)),
                         [](const auto& info) {
                           std::string name = std::get<0>(info.param).name + std::string("_") +
                                              std::get<1>(info.param) + "_policy_" +
                                              std::to_string(std::get<2>(info.param));
                           std::ranges::replace(name, '.', '_');
                           return name;
                         });

// No swap and no files: nothing can be reclaimed, so that somebody has to go until the others fit.
TEST(NoSwap, LeavesTheChoiceOfAVictimToTheOomKiller) {
  for (const char* kernel : {"5.10", "2.6.24"}) {
    const PointResult result = point({"machine.base=neoverse-n1-80", std::string("kernel.base=") + kernel,
                                      "kernel.overcommit_memory=1", "scenario.name=reclaim", "run.cpus=4",
                                      "machine.memory=64 MiB", "run.warmup=1 ms", "run.duration=5 ms"});
    EXPECT_EQ(result.status, PointStatus::done) << result.message;
    EXPECT_THAT(result.warnings, Contains(HasSubstr("the OOM killer took")));
    EXPECT_THAT(result.warnings, Contains(HasSubstr("set machine.swap.size")));
    EXPECT_GT(result.whole_run[Counter::oom_kill], 0u);
    EXPECT_LT(result.whole_run[Counter::oom_kill], 4u) << "two of four fit";
    EXPECT_EQ(result.whole_run[Counter::pswpout], 0u);
  }
}

// A page that cannot be read kills who needs it, which is no OOM kill, and the run says why it has no figures.
TEST(FailedReads, AreAWarning) {
  const PointResult result =
      point({"machine.base=kunpeng920-128", "kernel.base=5.10", "scenario.name=snapshot", "run.cpus=5",
             "machine.memory=64 MiB", "machine.swap.size=64 MiB", "scenario.pages=9000",
             "machine.swap.fail_every=30", "run.warmup=1 ms", "run.duration=2 ms"});
  EXPECT_EQ(result.status, PointStatus::done) << result.message;
  EXPECT_GT(result.whole_run[Counter::sigbus], 0u);
  EXPECT_THAT(result.warnings,
              Contains(testing::AllOf(HasSubstr("SIGBUS"), HasSubstr("machine.swap.fail_every"))));
}

// Watermarks may keep nearly all of the memory, and then who dies has next to none of it.
TEST(Watermarks, ThatKeepTheMemoryAreNamed) {
  const PointResult result =
      point({"machine.base=neoverse-n1-80", "kernel.base=5.10", "kernel.overcommit_memory=1",
             "kernel.image=0 B", "kernel.min_free_kbytes=15000", "machine.memory=16 MiB",
             "scenario.name=reclaim", "run.cpus=4", "run.duration=5 ms"});
  EXPECT_EQ(result.status, PointStatus::done) << result.message;
  EXPECT_EQ(result.whole_run[Counter::oom_kill], 4u);
  EXPECT_THAT(result.warnings, Contains(HasSubstr("the OOM killer took 1 more")));
  EXPECT_THAT(result.warnings, Contains(HasSubstr("kernel.min_free_kbytes = 15000")));
}

struct Tiny {
  const char *kernel, *memory;
};
void PrintTo(const Tiny& tiny, std::ostream* out) { *out << tiny.kernel << " in " << tiny.memory; }

class TinyMemory : public testing::TestWithParam<std::tuple<NamedScenario, Tiny>> {};

// About the least that the kernel fits in.
TEST_P(TinyMemory, IsEnoughForASmallScenario) {
  const auto& [scenario, tiny] = GetParam();
  for (const int cpus : {1, 4}) {
    if (cpus == 1 && scenario.name == "gup_fork") continue; // no CPU for who pins
    std::vector<std::string> settings = scenario.settings;
    settings.insert(settings.end(),
                    {"machine.base=neoverse-n1-80", std::string("kernel.base=") + tiny.kernel,
                     std::string("machine.memory=") + tiny.memory, "run.cpus=" + std::to_string(cpus)});
    if (cpus == 1 && scenario.name == "lock") settings.push_back("scenario.readers=0");
    const PointResult result = point(settings);
    EXPECT_EQ(result.status, PointStatus::done) << result.message;
    EXPECT_EQ(result.whole_run[Counter::oom_kill], 0u) << cpus << " CPUs";
  }
}

INSTANTIATE_TEST_SUITE_P(Everywhere, TinyMemory,
                         testing::Combine(testing::ValuesIn(scenarios),
                                          testing::Values(Tiny{"2.6.24", "16 MiB"}, Tiny{"5.10", "44 MiB"})),
                         [](const auto& info) {
                           std::string name = std::get<0>(info.param).name + std::string("_") +
                                              std::get<1>(info.param).kernel;
                           std::ranges::replace(name, '.', '_');
                           return name;
                         });

class BurstsBeyondTheMemory : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Everywhere, BurstsBeyondTheMemory, testing::Values("5.10", "2.6.24"),
                         [](const auto& info) { return std::string(info.param).substr(0, 1); });

// The allocator's tasks do not sleep for memory, so nobody is killed.
TEST_P(BurstsBeyondTheMemory, FailAndAreToldOf) {
  for (const char* order : {"scenario.order=0", "scenario.order=10"}) {
    const PointResult result =
        point({"scenario.name=allocator", "scenario.burst=20000", order, "machine.base=neoverse-n1-80",
               std::string("kernel.base=") + GetParam(), "run.cpus=4", "machine.memory=64 MiB"});
    EXPECT_EQ(result.status, PointStatus::done) << result.message;
    EXPECT_THAT(result.warnings, Contains(HasSubstr("found no memory"))) << order;
    EXPECT_EQ(result.whole_run[Counter::oom_kill], 0u);
  }
}

} // namespace
} // namespace mmsim::tests::out_of_memory_test
