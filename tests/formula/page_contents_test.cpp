// What clearing and copying a page costs: closed forms of machine.page.* and of what the core's cache still has.
#include "models/pages/page_contents.hpp"
#include "tests/support/paged_machine.hpp"

#include <gtest/gtest.h>

namespace mmsim::page_contents_test {
namespace {

using namespace std::chrono_literals;
using tests::PagedMachine;
using tests::Setting;

// Two cores, each with memory of its own; a cache of 16 pages: one page pushes 256 bytes of another out.
std::vector<Setting> two_nodes(const char* bandwidth = "150 GiB/s") {
  return {{"machine.sockets", std::int64_t{2}},
          {"machine.clusters_per_die", std::int64_t{1}},
          {"machine.cores_per_cluster", std::int64_t{1}},
          {"machine.cache.size", "64 KiB"},
          {"machine.page.zero", "4096 ns"},
          {"machine.page.zero_hot", "512 ns"},
          {"machine.page.copy", "8192 ns"},
          {"machine.page.copy_hot", "1024 ns"},
          {"machine.dram.bandwidth", bandwidth}};
}

class PageContentsFormula : public testing::Test {
 protected:
  explicit PageContentsFormula(const char* bandwidth = "150 GiB/s") : m(2, two_nodes(bandwidth)) {}

  Duration clear(Core& core, FrameNumber frame) {
    return took(core, [&] { contents.clear_page(core, frame); });
  }
  Duration copy(Core& core, FrameNumber from, FrameNumber to) {
    return took(core, [&] { contents.copy_page(core, from, to); });
  }
  template <class Step>
  static Duration took(Core& core, Step&& step) {
    core.settle();
    const Instant start = core.now();
    step();
    core.settle();
    return core.now() - start;
  }
  std::vector<FrameNumber> frames(Core& core, int count) {
    std::vector<FrameNumber> got;
    for (int i = 0; i < count; ++i)
      got.push_back(m.pages.alloc_page(core));
    return got;
  }

  PagedMachine m;
  PageContents contents{m.machine, m.pages};
};

TEST_F(PageContentsFormula, TheFirstClearingOfAFrameCostsAllOfPageZero) {
  m.run([&](Core& core) {
    for (const FrameNumber frame : frames(core, 40))
      EXPECT_EQ(clear(core, frame), 4096ns);
  });
}

TEST_F(PageContentsFormula, AFrameThatTheCoreClearedAFewPagesAgoCostsPageZeroOnlyForWhatHasGone) {
  m.run([&](Core& core) {
    const auto f = frames(core, 20);
    clear(core, f[0]);
    EXPECT_EQ(clear(core, f[0]), 512ns);
    for (int i = 1; i <= 4; ++i)
      clear(core, f[i]);
    EXPECT_EQ(clear(core, f[0]), 1024ns + 512ns * 3 / 4);
  });
}

TEST_F(PageContentsFormula, AFrameIsHotAgainAfterItWasFreedAndAllocated) {
  m.run([&](Core& core) {
    const FrameNumber frame = m.pages.alloc_page(core);
    clear(core, frame);
    m.release(core, frame);
    ASSERT_EQ(m.pages.alloc_page(core), frame);
    EXPECT_EQ(clear(core, frame), 512ns);
  });
}

TEST_F(PageContentsFormula, WhatAnotherCoreHasClearedComesFromMemory) {
  std::vector<FrameNumber> f;
  m.run_on(2, [&](Core& core) {
    if (core.id() == CoreId(0)) {
      f = frames(core, 1);
      clear(core, f[0]);
    } else {
      core.charge(100us, Account::work); // after it
      core.settle();
      EXPECT_EQ(clear(core, f[0]), 4096ns);
      EXPECT_EQ(clear(core, f[0]), 512ns);
    }
  });
}

TEST_F(PageContentsFormula, ACopyPaysForWhatIsMissingOfBothPages) {
  m.run([&](Core& core) {
    const auto f = frames(core, 8);
    EXPECT_EQ(copy(core, f[0], f[1]), 8192ns) << "neither there";
    // The source is one page older, so that 256 bytes of it are gone; and nothing of the target is there.
    EXPECT_EQ(copy(core, f[0], f[2]), 8192ns * (256 + 4096) / 8192 + 1024ns * (8192 - 256 - 4096) / 8192);
    EXPECT_EQ(copy(core, f[2], f[2]), 1024ns) << "both there";
  });
}

TEST_F(PageContentsFormula, AllOfItIsBookedAsPageZeroAndPageCopy) {
  m.run([&](Core& core) {
    const auto f = frames(core, 2);
    core.settle();
    const Instant start = core.now();
    clear(core, f[0]);
    clear(core, f[0]);
    copy(core, f[0], f[1]);
    EXPECT_EQ(core.ledger().total(Account::page_zero), 4096ns + 512ns);
    EXPECT_EQ(core.ledger().total(Account::page_copy), core.now() - start - 4096ns - 512ns);
  });
}

class PageContentsOnSlowMemory : public PageContentsFormula {
 protected:
  PageContentsOnSlowMemory() : PageContentsFormula("409600 kB/s") {}
  static constexpr Duration page_at_node = 10us; // slower than a core alone
};

TEST_F(PageContentsOnSlowMemory, AHotPageLeavesTheNodeAlone) {
  m.run([&](Core& core) {
    const auto f = frames(core, 2);
    EXPECT_EQ(clear(core, f[0]), page_at_node);
    EXPECT_EQ(clear(core, f[0]), 512ns);
    EXPECT_EQ(clear(core, f[1]), page_at_node);
  });
}

TEST_F(PageContentsOnSlowMemory, APartlyHotPageAsksTheNodeForTheRest) {
  m.run([&](Core& core) {
    const auto f = frames(core, 5);
    for (const FrameNumber frame : f)
      clear(core, frame);
    EXPECT_EQ(clear(core, f[0]), page_at_node / 4 + 512ns * 3 / 4);
  });
}

TEST_F(PageContentsOnSlowMemory, ACopyReadsAtTheSourcesNodeAndWritesAtTheTargets) {
  std::array<FrameNumber, 2> on_node{};
  m.run_on(2, [&](Core& core) {
    const std::uint32_t cpu = core.id().value();
    on_node[cpu] = m.pages.alloc_page(core);
    const FrameNumber other = m.pages.alloc_page(core);
    core.charge(100us - core.now().time_since_epoch(), Account::work);
    core.settle();
    if (cpu != 0) return;
    ASSERT_NE(m.pages.node_of(on_node[0]), m.pages.node_of(on_node[1]));
    EXPECT_EQ(copy(core, on_node[0], on_node[1]), page_at_node) << "two nodes, at the same time";
    core.charge(100us, Account::work);
    const FrameNumber third = m.pages.alloc_page(core);
    EXPECT_EQ(copy(core, other, third), 2 * page_at_node) << "one node, for both directions";
  });
}

} // namespace
} // namespace mmsim::page_contents_test
