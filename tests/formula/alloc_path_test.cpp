// The order of attempts of __alloc_pages(), in both kernels: whom it asks, when it gives up.

#include "tests/support/paged_machine.hpp"
#include "tests/support/recording_reclaim.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mmsim::alloc_path_test {
namespace {

using testing::ElementsAre;
using tests::PagedMachine;
using tests::RecordingReclaim;
using tests::Setting;
using Calls = std::vector<std::string>;

// A machine whose memory is used down to its min mark, but for what a test holds back.
struct AllocPathFormula : testing::TestWithParam<const char*> {
  static bool classic() { return GetParam() == std::string("classic"); }
  AllocPathFormula()
      : m(2, {{"machine.memory", "64 MiB"},
              {"kernel.pcp", "none"},
              {"kernel.image", "0 B"},
              {"kernel.alloc_path", GetParam()},
              {"kernel.page_mobility", classic() ? "reserve" : "highatomic"}}) {}

  // Takes all that a GFP_KERNEL allocation can have; what is left is min.
  void exhaust(Core& core) {
    m.pages.vm_stat().fold(core);
    for (FrameNumber frame; (frame = m.pages.alloc_page(core, GFP_HIGHUSER_MOVABLE)) != no_frame;) {
      taken.push_back(frame);
      m.pages.vm_stat().fold(core);
    }
    ASSERT_EQ(m.pages.free_frames(), m.pages.zone_at(0).limits().watermarks.min);
    m.pages.set_reclaim(reclaim);
    woken = m.counters[Counter::kswapd_wake];
    reclaimed = m.counters[Counter::direct_reclaim];
  }
  std::uint64_t give(Core& core, std::size_t frames) {
    for (std::size_t i = 0; i < frames; ++i, taken.pop_back())
      m.release(core, taken.back());
    m.pages.vm_stat().fold(core);
    return frames;
  }
  // 5.10 wakes kswapd on entering the slow path and again at each turn.
  static Calls kswapd_then(const Calls& more, const std::string& order = "") {
    Calls calls{"kswapd 0" + order};
    if (!classic()) calls.push_back("kswapd 0" + order);
    calls.insert(calls.end(), more.begin(), more.end());
    return calls;
  }

  PagedMachine m;
  RecordingReclaim reclaim;
  std::vector<FrameNumber> taken;
  std::uint64_t woken = 0, reclaimed = 0;
};
INSTANTIATE_TEST_SUITE_P(, AllocPathFormula, testing::Values("classic", "slowpath"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(AllocPathFormula, AboveTheLowMarkNobodyIsAsked) {
  m.pages.set_reclaim(reclaim);
  m.run([&](Core& core) {
    const std::uint32_t low = m.pages.zone_at(0).limits().watermarks.low;
    while (m.pages.free_frames() > low) {
      ASSERT_NE(m.pages.alloc_page(core), no_frame);
      m.pages.vm_stat().fold(core);
    }
    EXPECT_TRUE(reclaim.calls.empty());
    EXPECT_NE(m.pages.alloc_page(core), no_frame); // below, kswapd is woken, and that is all
    EXPECT_EQ(reclaim.calls, Calls{"kswapd 0"});
    EXPECT_EQ(m.counters[Counter::kswapd_wake], 1u);
    EXPECT_EQ(m.counters[Counter::direct_reclaim], 0u);
  });
}

TEST_P(AllocPathFormula, WhoMayWaitReclaimsThenAsksForAnOomKillThenFails) {
  m.run([&](Core& core) {
    exhaust(core);
    EXPECT_EQ(m.pages.alloc_page(core), no_frame);
    EXPECT_EQ(reclaim.calls, kswapd_then({"reclaim", "oom"}));
    EXPECT_EQ(m.counters[Counter::direct_reclaim] - reclaimed, 1u);
    EXPECT_EQ(m.counters[Counter::kswapd_wake] - woken, classic() ? 1u : 2u);
  });
}

TEST_P(AllocPathFormula, WhoCannotWaitOnlyWakesKswapd) {
  m.run([&](Core& core) {
    exhaust(core);
    EXPECT_NE(m.pages.alloc_page(core, GFP_ATOMIC), no_frame);
    EXPECT_EQ(reclaim.calls, Calls{"kswapd 0"});
    while (m.pages.alloc_page(core, GFP_ATOMIC) != no_frame)
      m.pages.vm_stat().fold(core);
    reclaim.calls.clear();
    EXPECT_EQ(m.pages.alloc_page(core, GFP_ATOMIC), no_frame);
    EXPECT_EQ(reclaim.calls, kswapd_then({}));
  });
}

TEST_P(AllocPathFormula, WhatReclaimFreesGoesToWhoReclaimed) {
  reclaim.reclaim = [&](Core*& core) { return give(*core, 8); };
  m.run([&](Core& core) {
    exhaust(core);
    EXPECT_NE(m.pages.alloc_page(core), no_frame);
    EXPECT_EQ(reclaim.calls, kswapd_then({"reclaim"}));
  });
}

TEST_P(AllocPathFormula, ProgressThatIsNotEnoughIsRepeatedAndIn5_10ListsAreDrained) {
  int turns = 0;
  reclaim.reclaim = [&](Core*& core) { return ++turns < 3 ? 1 : give(*core, 8); };
  reclaim.reclaimable = 1000; // else 5.10 would not hope for more
  m.run([&](Core& core) {
    exhaust(core);
    EXPECT_NE(m.pages.alloc_page(core), no_frame);
    EXPECT_EQ(reclaim.calls, classic() ? (Calls{"kswapd 0", "reclaim", "reclaim", "reclaim"})
                                       : (Calls{"kswapd 0", "kswapd 0", "reclaim", "drain", "kswapd 0",
                                                "reclaim", "drain", "kswapd 0", "reclaim"}));
  });
}

TEST_P(AllocPathFormula, In5_10SixteenTurnsWithoutProgressAreEnough) {
  if (classic()) GTEST_SKIP() << "2.6.24 asks for an OOM kill after the first";
  reclaim.reclaimable = 1000;
  m.run([&](Core& core) {
    exhaust(core);
    EXPECT_EQ(m.pages.alloc_page(core), no_frame);
    EXPECT_EQ(std::count(reclaim.calls.begin(), reclaim.calls.end(), "reclaim"), 17);
    EXPECT_EQ(reclaim.calls.back(), "oom");
  });
}

TEST_P(AllocPathFormula, CostlyOrdersFailInsteadOfKilling) {
  reclaim.reclaim = [&](Core*&) { return 1; };
  m.run([&](Core& core) {
    exhaust(core);
    EXPECT_EQ(m.pages.alloc_pages(core, 4), no_frame);
    EXPECT_EQ(reclaim.calls, kswapd_then({"reclaim order 4", "drain"}, " order 4"));
    reclaim.calls.clear();
    reclaim.reclaim = [&](Core*&) { return 0; };
    EXPECT_EQ(m.pages.alloc_pages(core, 4), no_frame);
    EXPECT_EQ(
        reclaim.calls,
        kswapd_then(classic() ? Calls{"reclaim order 4", "drain"} : Calls{"reclaim order 4"}, " order 4"));
  });
}

TEST_P(AllocPathFormula, AfterAKillTheAllocationStartsAnew) {
  reclaim.oom = [&](Core*& core) { return give(*core, 1000) != 0; };
  m.run([&](Core& core) {
    exhaust(core);
    EXPECT_NE(m.pages.alloc_page(core), no_frame);
    EXPECT_EQ(reclaim.calls, kswapd_then({"reclaim", "oom"}));
  });
}

TEST_P(AllocPathFormula, TheVictimHasTheReservesAndThenFails) {
  reclaim.oom = [&](Core*&) { return reclaim.victim = true; };
  m.run([&](Core& core) {
    exhaust(core);
    EXPECT_NE(m.pages.alloc_page(core), no_frame);
    EXPECT_TRUE(reclaim.victim);
    m.pages.vm_stat().fold(core);
    std::uint64_t more = 0;
    for (; m.pages.alloc_page(core) != no_frame; ++more)
      m.pages.vm_stat().fold(core);
    const std::uint64_t min = m.pages.zone_at(0).limits().watermarks.min;
    EXPECT_EQ(more + 1, classic() ? min : min / 2);
  });
}

TEST_P(AllocPathFormula, ReclaimItselfNeitherReclaimsNorKills) {
  m.run([&](Core& core) {
    exhaust(core);
    EXPECT_NE(m.pages.alloc_page(core, GFP_KERNEL | gfp_memalloc), no_frame);
    while (m.pages.alloc_page(core, GFP_KERNEL | gfp_memalloc) != no_frame) {
    }
    EXPECT_EQ(m.pages.free_frames(), 0u);
    EXPECT_EQ(std::count(reclaim.calls.begin(), reclaim.calls.end(), "reclaim"), 0);
    EXPECT_EQ(std::count(reclaim.calls.begin(), reclaim.calls.end(), "oom"), 0);
  });
}

TEST_P(AllocPathFormula, ATaskThatReclaimHasMovedGoesOnWhereItIs) {
  reclaim.reclaim = [&](Core*& core) {
    core->settle();
    core = &m.machine.core(CoreId(1));
    return give(*core, 8);
  };
  m.run([&](Core& core) {
    exhaust(core);
    const std::uint64_t locked = m.counters.snapshot().lock_class("zone_lock").acquired;
    EXPECT_NE(m.pages.alloc_page(core), no_frame);
    EXPECT_GT(m.counters.snapshot().lock_class("zone_lock").acquired, locked);
    m.machine.core(CoreId(1)).settle();
  });
}

} // namespace
} // namespace mmsim::alloc_path_test
