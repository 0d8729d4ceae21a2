// What does it cost to load an address space, which id does it get, and what happens when there are none
// left?

#include "models/operations/affinity.hpp"
#include "tests/support/kernel_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mmsim::tests::asid_test {
namespace {

using namespace literals;

std::string refusal(const Settings& settings, std::uint32_t cpus = 2) {
  try {
    KernelWorld w(cpus, settings);
  } catch (const InputError& error) {
    return error.what();
  }
  return {};
}
Settings ids(std::int64_t bits, const char* allocator = "arm64") {
  return {{"kernel.asid_bits", bits}, {"kernel.asid_allocator", std::string(allocator)}};
}

TEST(Asids, MoreBitsThanTheMachineHasAreRefusedWhereTheyWereAskedFor) {
  EXPECT_EQ(refusal(ids(16) + Settings{{"machine.tlb.asid_bits", std::int64_t{8}}}),
            "kernel.asid_bits = 16, but this machine's TLB has 8 (machine.tlb.asid_bits)");
}
TEST(Asids, ArmsAllocatorOf2_6_24RefusesMoreThanEightBits) {
  EXPECT_EQ(refusal(ids(16, "armv6")),
            "kernel.asid_bits = 16, but Arm's allocator of 2.6.24 has 8 (kernel.asid_allocator = \"armv6\")");
}
TEST(Asids, FewerIdsThanCpusAreRefused) {
  EXPECT_THAT(refusal(ids(8), 255), testing::HasSubstr("255 CPUs need more ids than 255"));
}

// Runs `body` with irqs off in a task of a machine with one core.
struct Loading {
  explicit Loading(const Settings& settings) : w(1, settings), c(w.costs()) {}
  void run(const std::function<void(Core&)>& body) {
    spawn_process_at_boot(w.system, "process", CoreId(0), [&](Task& task) {
      Core& core = task.core();
      MmStruct& own = *task.mm;
      core.irq_disable();
      body(core);
      w.system.ids.check_and_switch(core, own);
      core.irq_enable();
      exit_task(w.system, task);
    });
    w.engine.run();
  }
  Duration load(Core& core, MmStruct& mm) {
    core.settle();
    const Instant begin = core.now();
    w.system.ids.check_and_switch(core, mm);
    core.settle();
    return core.now() - begin;
  }
  Duration rmw() const { return c.line.hit + c.line.atomic; }
  KernelWorld w;
  const CostBook& c;
};

TEST(Asids, LoadingAnAddressSpaceWithoutIdsFlushesTheTlb) {
  Loading l(ids(0));
  l.run([&](Core& core) {
    EXPECT_EQ(l.load(core, l.w.system.new_mm()),
              l.c.tlb.invalidate_all + l.c.tlb.dsb + l.c.entry.switch_ttbr);
  });
}

TEST(Asids, LoadingAnAddressSpaceThatHasAnIdTakesNoLock) {
  Loading l(ids(16));
  l.run([&](Core& core) {
    MmStruct &one = l.w.system.new_mm(), &two = l.w.system.new_mm();
    l.load(core, one);
    l.load(core, two);
    const auto flushes = l.w.count(Counter::tlb_flush_all);
    // active_asids, asid_generation, the cmpxchg
    EXPECT_EQ(l.load(core, one), 2 * l.c.line.hit + l.rmw() + l.c.entry.switch_mm);
    EXPECT_EQ(l.w.count(Counter::tlb_flush_all), flushes);
  });
}

TEST(Asids, TheFirstLoadOfAnAddressSpaceTakesCpuAsidLock) {
  Loading l(ids(16));
  l.run([&](Core& core) {
    l.load(core, l.w.system.new_mm());
    const Duration locked_and_unlocked = l.rmw() + l.c.line.hit;
    // active_asids and asid_generation; under the lock asid_generation, tlb_flush_pending, active_asids
    EXPECT_EQ(l.load(core, l.w.system.new_mm()),
              2 * l.c.line.hit + locked_and_unlocked + 3 * l.c.line.hit + l.c.entry.switch_mm);
  });
}

TEST(Asids, OfArm2_6_24AreLookedAtWithoutALock) {
  Loading l(ids(8, "armv6"));
  l.run([&](Core& core) {
    MmStruct &one = l.w.system.new_mm(), &two = l.w.system.new_mm();
    l.load(core, one);
    const Duration locked_and_unlocked = l.rmw() + l.c.line.hit;
    EXPECT_EQ(l.load(core, two), l.c.line.hit + locked_and_unlocked + l.c.line.hit // cpu_last_asid, and again
                                     + l.c.line.dram                               // cpu_vm_mask
                                     + l.c.entry.switch_mm);
    EXPECT_EQ(l.load(core, one), l.c.line.hit + l.c.entry.switch_mm);
  });
}

TEST(Asids, LeavingForInitMmWritesTtbr0Alone) {
  Loading l(ids(16));
  l.run([&](Core& core) {
    core.settle();
    const Instant begin = core.now();
    l.w.system.ids.use_reserved(core);
    core.settle();
    EXPECT_EQ(core.now() - begin, l.c.entry.switch_ttbr);
  });
}

// With 8 bits 255 address spaces have ids; what the next one gets, and who has to flush.
class RollOver : public testing::TestWithParam<const char*> {};

TEST_P(RollOver, ComesWithTheTwoHundredAndFiftySixthAddressSpace) {
  Loading l(ids(8, GetParam()));
  l.run([&](Core& core) {
    std::vector<MmStruct*> all; // the task's own has the first id
    const auto flushes = l.w.count(Counter::tlb_flush_all);
    for (int i = 2; i <= 255; ++i) {
      l.load(core, *all.emplace_back(&l.w.system.new_mm()));
      ASSERT_EQ(l.w.system.ids.id_of(*all.back()), Asid(static_cast<std::uint32_t>(i)));
    }
    EXPECT_EQ(l.w.count(Counter::tlb_flush_all), flushes);
    MmStruct& next = l.w.system.new_mm();
    l.load(core, next);
    EXPECT_EQ(l.w.count(Counter::tlb_flush_all), flushes + 1);
    EXPECT_EQ(l.w.system.ids.id_of(next), Asid(1));
    // One of the old generation is given an id again: arm64 the same, if it is free; 2.6.24 the next one.
    l.load(core, *all[7]);
    EXPECT_EQ(l.w.system.ids.id_of(*all[7]), std::string(GetParam()) == "arm64" ? Asid(9) : Asid(2));
    EXPECT_EQ(l.w.count(Counter::tlb_flush_all), flushes + 1);
  });
}
INSTANTIATE_TEST_SUITE_P(Allocators, RollOver, testing::Values("arm64", "armv6"),
                         [](const auto& info) { return std::string(info.param); });

TEST(RollOver, OnAnotherCpuLeavesAnAddressSpaceThatRunsItsIdAndFlushesAtTheNextSwitch) {
  KernelWorld w(2, ids(8));
  bool rolled_over = false, away = false;
  Task& runs = spawn_process_at_boot(w.system, "runs on", CoreId(1), [&](Task& task) {
    const PageNumber page = mmap(w.system, task, 1);
    touch(w.system, task, page, AccessKind::write);
    const Asid before = w.system.ids.id_of(*task.mm);
    w.spin_in_user_mode(task, rolled_over);
    const std::uint64_t misses = w.count(Counter::tlb_miss);
    touch(w.system, task, page, AccessKind::write);
    EXPECT_EQ(w.count(Counter::tlb_miss), misses) << "its entries are there";
    w.system.scheduler.yield(task); // to the other process and back
    EXPECT_TRUE(away);
    EXPECT_EQ(w.system.ids.id_of(*task.mm), before);
    touch(w.system, task, page, AccessKind::write);
    EXPECT_EQ(w.count(Counter::tlb_miss), misses + 1) << "its core has flushed";
    exit_task(w.system, task);
  });
  runs.bound = true;
  spawn_process_at_boot(w.system, "other process", CoreId(1), [&](Task& task) {
    away = true;
    exit_task(w.system, task);
  }).bound = true;
  spawn_process_at_boot(w.system, "eater of ids", CoreId(0), [&](Task& task) {
    run_user(w.system, task, 100_us);
    Core& core = task.core();
    core.irq_disable();
    for (int i = 0; i < 255; ++i)
      w.system.ids.check_and_switch(core, w.system.new_mm());
    w.system.ids.check_and_switch(core, *task.mm);
    core.irq_enable();
    rolled_over = true;
    exit_task(w.system, task);
  }).bound = true;
  w.engine.run();
  EXPECT_TRUE(rolled_over);
}

} // namespace
} // namespace mmsim::tests::asid_test
