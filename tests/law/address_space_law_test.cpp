// Do the keys of vmalloc, mremap, stacks and kmap change what users of the machine feel?

#include "tests/support/points.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::address_space_law_test {
namespace {

PointResult runs(const std::string& operation, const std::vector<std::string>& settings) {
  const PointResult result =
      point(std::vector<std::string>{"scenario.name=address_space", "scenario.operation=" + operation,
                                     "kernel.tlb_flush=eager", "run.cpus=4"} +
            settings);
  EXPECT_EQ(result.status, PointStatus::done) << result.message;
  return result;
}
const OperationResult& operation(const PointResult& result, const std::string& name) {
  for (const OperationResult& one : result.operations)
    if (one.name == name) return one;
  throw std::logic_error("no operation " + name);
}
double mean_ns(const PointResult& result, const std::string& name) {
  const Histogram& latency = operation(result, name).latency;
  return nanoseconds(latency.sum()) / static_cast<double>(latency.count());
}

TEST(Vmalloc, OfOneProcessIsFeltByAllOthersUnlessItsFlushIsLazy) {
  const PointResult lazy = runs("vmalloc", {"scenario.mode=processes", "kernel.vmalloc_lazy=8192"}),
                    each = runs("vmalloc", {"scenario.mode=processes", "kernel.vmalloc_lazy=0"});
  EXPECT_EQ(lazy.whole_run[Counter::nr_tlb_remote_flush_received], 0u);
  // One flush a vfree, on three other CPUs; one of either may be under way at an edge of the window.
  const auto frees = static_cast<std::int64_t>(operation(each, "vfree").latency.count());
  const auto received = static_cast<std::int64_t>(each.counters[Counter::nr_tlb_remote_flush_received]);
  EXPECT_GT(frees, 10);
  EXPECT_NEAR(static_cast<double>(received), static_cast<double>(3 * frees), 6);
  EXPECT_GT(mean_ns(each, "vfree"), mean_ns(lazy, "vfree"));
  EXPECT_GT(mean_ns(each, "bystander"), mean_ns(lazy, "bystander"));
}

TEST(Mremap, FlushesEachPageOrATableAtOnce) {
  const PointResult page = runs("mremap", {"kernel.mremap_flush=page"}), range = runs("mremap", {});
  EXPECT_GT(mean_ns(page, "mremap"), 3 * mean_ns(range, "mremap"));
  EXPECT_GT(page.counters[Counter::tlb_flush_page], 15 * operation(page, "mremap").latency.count());
}

TEST(Stack, GrowsToItsLimitAndNotFurther) {
  EXPECT_EQ(runs("stack", {"scenario.pages=15", "kernel.stack_limit=64 KiB"}).whole_run[Counter::segfault],
            0u);
  EXPECT_GT(runs("stack", {"scenario.pages=16", "kernel.stack_limit=64 KiB"}).whole_run[Counter::segfault],
            0u);
}

TEST(Kmap, IsFeltOnceARoundByAllOthers) {
  const PointResult result =
      runs("kmap", {"machine.base=arm11mpcore-4", "kernel.base=2.6.24", "scenario.mode=processes",
                    "kernel.last_pkmap=16", "scenario.pages=64", "run.duration=50 ms"});
  const double mappings = static_cast<double>(operation(result, "kmap").latency.count());
  EXPECT_GT(mappings, 100);
  EXPECT_NEAR(static_cast<double>(result.counters[Counter::nr_tlb_remote_flush_received]), 3 * mappings / 16,
              6);
}

TEST(Vfork, CostsTheSameWhateverTheParentHas) {
  const double small = mean_ns(runs("vfork", {"scenario.pages=1"}), "vfork"),
               large = mean_ns(runs("vfork", {"scenario.pages=1024"}), "vfork");
  EXPECT_LT(large, 1.1 * small);
}

} // namespace
} // namespace mmsim::tests::address_space_law_test
