// Does every operation of the scenario address_space run where it can, and say why where it cannot?

#include "scenarios/address_space/address_space_operation.hpp"
#include "tests/support/points.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mmsim::tests::address_space_test {
namespace {

std::vector<std::string> operations() { return Registry<AddressSpaceOperation>::instance().names(); }

class AddressSpaceOperations : public testing::TestWithParam<std::string> {};

TEST_P(AddressSpaceOperations, RunEverywhere) {
  struct Place {
    const char *machine, *kernel, *policy;
  };
  const bool small = GetParam() == "kmap";
  for (const Place& place :
       {Place{"neoverse-n1-80", "5.10", "broadcast"}, Place{"neoverse-n1-80", "6.4", "lazy"},
        Place{"neoverse-v1-64", "5.10", "latr"}, Place{"arm11mpcore-4", "2.6.24", "eager"},
        Place{"arm11mpcore-4", "2.4.18", "leave_mm"}})
    for (const char* mode : {"threads", "processes"})
      for (const char* workers : {"1", "3"}) {
        if (small && *place.machine != 'a') continue;
        if (GetParam() == "brk" && *workers == '3' && *mode == 't') continue;
        const bool slow = *place.machine == 'a';
        const PointResult result =
            point({std::string("machine.base=") + place.machine, std::string("kernel.base=") + place.kernel,
                   std::string("kernel.tlb_flush=") + place.policy, "scenario.name=address_space",
                   "scenario.operation=" + GetParam(), std::string("scenario.mode=") + mode,
                   std::string("scenario.workers=") + workers, "run.cpus=4",
                   slow                   ? "run.duration=10 ms"
                   : GetParam() == "exec" ? "run.duration=3 ms" // forks: readers copy their pages
                                          : "run.duration=500 us"});
        const std::string where =
            std::string(place.machine) + " " + place.kernel + " " + mode + " " + workers;
        ASSERT_EQ(result.status, PointStatus::done) << where << ": " << result.message;
        for (const OperationResult& operation : result.operations)
          EXPECT_GT(operation.latency.count(), 0u) << where << " " << operation.name;
        EXPECT_EQ(result.operations.back().name, "bystander");
        EXPECT_EQ(result.whole_run[Counter::segfault], 0u) << where;
      }
}

INSTANTIATE_TEST_SUITE_P(All, AddressSpaceOperations, testing::ValuesIn(operations()),
                         [](const auto& info) { return info.param; });

TEST(AddressSpace, HasTheOperationsThatItsReadersKnow) {
  EXPECT_THAT(operations(), testing::IsSupersetOf({"vmalloc", "mremap", "brk", "stack", "vfork", "exec",
                                                   "clone", "madvise", "kmap"}));
}

// What a run with these overrides is refused for.
std::string refusal_of(std::vector<std::string> overrides) {
  overrides.insert(overrides.end(), {"scenario.name=address_space", "run.duration=1 us", "run.cpus=4"});
  return text_in_child([&]() -> std::string {
    try {
      run_point(load_configuration({}, overrides));
    } catch (const InputError& error) {
      return error.what();
    }
    return "it ran";
  });
}

TEST(AddressSpace, RefusesWhatCannotBe) {
  EXPECT_THAT(refusal_of({"scenario.workers=5"}), testing::HasSubstr("scenario.workers = 5"));
  EXPECT_THAT(refusal_of({"scenario.operation=brk", "scenario.workers=2"}), testing::HasSubstr("heap"));
  EXPECT_THAT(refusal_of({"scenario.operation=kmap"}),
              testing::AllOf(testing::HasSubstr("kernel.page_table"), testing::HasSubstr("--set")));
  EXPECT_THAT(refusal_of({"scenario.operation=mremaps"}), testing::HasSubstr("mremap"));
}

} // namespace
} // namespace mmsim::tests::address_space_test
