// What a CPU keeps back of the counters of pages, and what publishing costs.

#include "tests/support/paged_machine.hpp"

#include <gtest/gtest.h>

namespace mmsim::vm_stat_test {
namespace {

using tests::PagedMachine;

struct Threshold {
  std::uint32_t cpus;
  const char* memory;
  std::int32_t expected; // 2 * fls(cpus) * (1 + fls(memory / 128 MiB)), at most 125
};

struct VmStatThreshold : testing::TestWithParam<Threshold> {};
INSTANTIATE_TEST_SUITE_P(, VmStatThreshold,
                         testing::Values(Threshold{1, "64 MiB", 2}, Threshold{2, "1 GiB", 20},
                                         Threshold{4, "4 GiB", 42}, Threshold{64, "64 GiB", 125},
                                         Threshold{16, "16 GiB", 90}, Threshold{32, "8 GiB", 96}),
                         [](const auto& info) { return "cpus" + std::to_string(info.param.cpus); });

TEST_P(VmStatThreshold, IsWhatTheKernelsTableSays) {
  PagedMachine m(GetParam().cpus, {{"machine.cores_per_cluster", std::int64_t{GetParam().cpus}},
                                   {"machine.memory", GetParam().memory},
                                   {"kernel.zone_pages", "present"},
                                   {"kernel.image", "0 B"},
                                   {"kernel.page_struct", std::int64_t{1}},
                                   {"kernel.vm_stat", "zone"}});
  // 2.6.24 counts without mem_map, so that a zone of a round size is just below a step.
  const std::uint64_t units = m.pages.zone_at(0).span().pages / 32768;
  std::int32_t fls_memory = 0, fls_cpus = 0;
  for (std::uint64_t n = units; n != 0; n /= 2)
    ++fls_memory;
  for (std::uint32_t n = GetParam().cpus; n != 0; n /= 2)
    ++fls_cpus;
  EXPECT_EQ(m.pages.vm_stat().stat_threshold(0), std::min(125, 2 * fls_cpus * (1 + fls_memory)));
  EXPECT_LE(std::abs(m.pages.vm_stat().stat_threshold(0) - GetParam().expected), 2 * fls_cpus);
}

struct VmStatFormula : testing::TestWithParam<const char*> {
  static bool by_node() { return GetParam() == std::string("node"); }
};
INSTANTIATE_TEST_SUITE_P(, VmStatFormula, testing::Values("zone", "node"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(VmStatFormula, ADifferenceIsPublishedOnceItIsOverTheThreshold) {
  PagedMachine m(2, {{"kernel.vm_stat", GetParam()}, {"machine.memory", "1 GiB"}});
  m.run([&](Core& core) {
    VmStat& vm_stat = m.pages.vm_stat();
    const std::int32_t threshold = vm_stat.stat_threshold(0);
    core.irq_disable();
    for (std::int32_t i = 0; i < threshold; ++i)
      vm_stat.mod(core, 0, NR_PAGETABLE, 1);
    EXPECT_EQ(core.now(), Instant{}); // nothing that others see
    EXPECT_EQ(vm_stat.published(0, NR_PAGETABLE), 0);
    EXPECT_EQ(vm_stat.exact_now(0, NR_PAGETABLE), threshold);
    vm_stat.mod(core, 0, NR_PAGETABLE, 1);
    const LineCosts& line = core.costs().line;
    EXPECT_EQ(core.now() - Instant{}, 2 * (line.dram + line.atomic)); // the zone's line, the machine's
    EXPECT_EQ(vm_stat.published(0, NR_PAGETABLE), threshold + 1);
    for (std::int32_t i = 0; i < threshold; ++i)
      vm_stat.mod(core, 0, NR_PAGETABLE, -1);
    EXPECT_EQ(vm_stat.published(0, NR_PAGETABLE), threshold + 1);
    EXPECT_EQ(vm_stat.exact_now(0, NR_PAGETABLE), 1);
    core.irq_enable();
    vm_stat.fold(core);
    EXPECT_EQ(vm_stat.published(0, NR_PAGETABLE), 1);
    EXPECT_EQ(vm_stat.exact_now(0, NR_PAGETABLE), 1);
  });
}

TEST_P(VmStatFormula, StepsOfOnePublishHalfAThresholdMoreSoThatTheNextOnesAreFar) {
  PagedMachine m(2, {{"kernel.vm_stat", GetParam()}, {"machine.memory", "1 GiB"}});
  m.run([&](Core& core) {
    VmStat& vm_stat = m.pages.vm_stat();
    const std::int32_t threshold = vm_stat.stat_threshold(0), overstep = threshold / 2;
    core.irq_disable();
    for (std::int32_t i = 0; i <= threshold; ++i)
      vm_stat.inc(core, 0, NR_PAGETABLE);
    EXPECT_EQ(vm_stat.published(0, NR_PAGETABLE), threshold + 1 + overstep);
    EXPECT_EQ(vm_stat.exact_now(0, NR_PAGETABLE), threshold + 1);
    // From -overstep it is a threshold and a half to the next one up, and half a one to the next one down.
    for (std::int32_t i = 0; i < threshold + overstep; ++i)
      vm_stat.inc(core, 0, NR_PAGETABLE);
    EXPECT_EQ(vm_stat.published(0, NR_PAGETABLE), threshold + 1 + overstep);
    vm_stat.inc(core, 0, NR_PAGETABLE);
    EXPECT_EQ(vm_stat.published(0, NR_PAGETABLE), 2 * (threshold + 1 + overstep));
    for (std::int32_t i = 0; i <= threshold - overstep; ++i)
      vm_stat.dec(core, 0, NR_PAGETABLE);
    EXPECT_EQ(vm_stat.published(0, NR_PAGETABLE), threshold + 1 + overstep);
    core.irq_enable();
  });
}

TEST_P(VmStatFormula, WhoseACounterIsIsTheVersionsChoice) {
  PagedMachine m(
      1, {{"kernel.vm_stat", GetParam()}, {"machine.memory", "512 MiB"}, {"machine.zones.dma32", "256 MiB"}});
  m.run([&](Core& core) {
    VmStat& vm_stat = m.pages.vm_stat();
    for (const std::uint32_t zone : {0u, 1u})
      for (const VmStatItem item : {NR_PAGETABLE, NR_ACTIVE_ANON, NR_SLAB_UNRECLAIMABLE})
        vm_stat.mod_irqsafe(core, zone, item, 1);
    for (const VmStatItem item : {NR_PAGETABLE, NR_ACTIVE_ANON, NR_SLAB_UNRECLAIMABLE})
      EXPECT_EQ(vm_stat.exact_of_node(NodeId(0), item), 2) << int{item};
    EXPECT_EQ(vm_stat.has_nodes(), by_node());
    EXPECT_EQ(vm_stat.exact_now(0, NR_SLAB_UNRECLAIMABLE), by_node() ? 0 : 1);
    EXPECT_EQ(vm_stat.exact_now(1, NR_ACTIVE_ANON), 1); // NR_ZONE_ACTIVE_ANON too
    EXPECT_EQ(vm_stat.exact_now(1, NR_PAGETABLE), 1);
  });
}

// inc_zone_page_state() of both versions steps over; anonymous pages of 5.10 are counted by mod.
TEST_P(VmStatFormula, APageTableIsCountedWithOverstep) {
  PagedMachine m(1, {{"kernel.vm_stat", GetParam()}});
  m.run([&](Core& core) {
    VmStat& vm_stat = m.pages.vm_stat();
    const std::int32_t threshold = vm_stat.stat_threshold(0);
    core.irq_disable();
    for (int i = 0; i <= threshold; ++i)
      vm_stat.count_page(core, 0, NR_PAGETABLE, 1);
    core.irq_enable();
    EXPECT_EQ(vm_stat.published(0, NR_PAGETABLE), threshold + 1 + threshold / 2);
    EXPECT_EQ(vm_stat.exact_now(0, NR_PAGETABLE), threshold + 1);
  });
}

TEST_P(VmStatFormula, TheGlobalCountIsWhatHasBeenAndIsReadFromItsLine) {
  PagedMachine m(1, {{"kernel.vm_stat", GetParam()}});
  m.run([&](Core& core) {
    VmStat& vm_stat = m.pages.vm_stat();
    const auto all = static_cast<std::int64_t>(m.pages.managed_frames());
    EXPECT_EQ(vm_stat.read_global(core, NR_FREE_PAGES), all);
    vm_stat.mod_irqsafe(core, 0, NR_FREE_PAGES, -1);
    const Instant start = core.now();
    EXPECT_EQ(vm_stat.read_global(core, NR_FREE_PAGES), all) << "the CPU keeps it back";
    core.settle();
    EXPECT_GT(core.now(), start);
    vm_stat.fold(core);
    EXPECT_EQ(vm_stat.read_global(core, NR_FREE_PAGES), all - 1);
    vm_stat.mod_irqsafe(core, 0, NR_FREE_PAGES, -vm_stat.stat_threshold(0) - 1);
    EXPECT_EQ(vm_stat.read_global(core, NR_FREE_PAGES), all - 2 - vm_stat.stat_threshold(0));
  });
}

} // namespace
} // namespace mmsim::vm_stat_test
