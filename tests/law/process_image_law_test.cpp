// Does what a flush is depend on what is flushed, and not on who else happens to have memory next to it?

#include "tests/support/points.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::process_image_law_test {
namespace {

std::vector<std::string> unmapping(const std::string& mode, const std::string& placement, int cpus) {
  return {"scenario.name=munmap", "scenario.pages=16", "scenario.mode=" + mode,
          "scenario.placement=" + placement, "run.cpus=" + std::to_string(cpus)};
}

std::uint64_t munmaps(const PointResult& result) {
  for (const OperationResult& operation : result.operations)
    if (operation.name == "munmap") return operation.latency.count();
  return 0;
}

// A process with a stack and a loader keeps the upper tables, so that no flush of 16 pages has to cover where
// they began: none is of the whole address space.
TEST(Munmap, OfSixteenPagesIsARangeWhateverElseThereIs) {
  for (const std::string policy : {"broadcast", "eager", "lazy"})
    for (const std::string layout : {"top_down", "bottom_up"})
      for (const std::string mode : {"threads", "processes"})
        for (const std::string placement : {"apart", "packed"})
          for (const int cpus : {1, 2, 4}) {
            SCOPED_TRACE(policy + " " + layout + " " + mode + " " + placement + " " + std::to_string(cpus));
            const PointResult result =
                point(unmapping(mode, placement, cpus) +
                      std::vector<std::string>{"kernel.tlb_flush=" + policy, "kernel.mmap_layout=" + layout});
            if (policy != "lazy") { // under which who comes back drops all
              EXPECT_EQ(result.counters[Counter::tlb_flush_mm], 0u);
            }
            EXPECT_GE(result.counters[Counter::tlb_flush_range] + result.counters[Counter::tlb_flush_page],
                      munmaps(result));
            EXPECT_GT(munmaps(result), 20u);
          }
}

TEST(PageFault, ThatDropsItsAreaFlushesARangeWhateverElseThereIs) {
  for (const std::string mode : {"threads", "processes"})
    for (const int cpus : {1, 2, 4}) {
      const PointResult result = point({"scenario.name=page_fault", "scenario.pages=16",
                                        "scenario.mode=" + mode, "run.cpus=" + std::to_string(cpus)});
      EXPECT_EQ(result.counters[Counter::tlb_flush_mm], 0u) << mode << cpus;
      EXPECT_GT(result.counters[Counter::tlb_flush_range], 20u) << mode << cpus;
    }
}

// Reads map the zero page, so that all pages that are allocated are page tables: one for each munmap that has
// freed one, and none where the table stays, but for a page of slab objects now and then.
TEST(Placement, PackedKeepsTheTablesThatApartFrees) {
  for (const std::string mode : {"threads", "processes"})
    for (const int cpus : {1, 2, 4}) {
      SCOPED_TRACE(mode + " " + std::to_string(cpus));
      const auto tables = [&](const std::string& placement) {
        const PointResult result =
            point(unmapping(mode, placement, cpus) + std::vector<std::string>{"scenario.touch=read"});
        EXPECT_GT(munmaps(result), 20u);
        return static_cast<double>(result.counters[Counter::pgalloc]) / static_cast<double>(munmaps(result));
      };
      EXPECT_LT(tables("packed"), 0.05);
      EXPECT_NEAR(tables("apart"), 1, 0.1);
    }
}

// Threads that sleep on mmap_lock leave their cores lazy, and those may be skipped unless a table is freed.
TEST(Placement, PackedLetsThePolicyLazySkipCoresAndApartDoesNot) {
  const auto skipped = [](const std::string& placement) {
    const PointResult result =
        point(unmapping("threads", placement, 16) +
              std::vector<std::string>{"kernel.tlb_flush=lazy", "machine.base=kunpeng920-128"});
    EXPECT_GT(munmaps(result), 20u);
    return result.counters[Counter::tlb_flush_skipped];
  };
  EXPECT_GT(skipped("packed"), 0u);
  EXPECT_EQ(skipped("apart"), 0u);
}

} // namespace
} // namespace mmsim::tests::process_image_law_test
