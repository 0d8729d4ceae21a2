// Which allocation fails at how many free pages: zone_watermark_ok() of both kernels, page by page.
//
// Nobody reclaims here and there are no per-CPU lists, so that an allocation changes the free pages by itself alone.

#include "tests/support/paged_machine.hpp"

#include <gtest/gtest.h>

namespace mmsim::watermark_test {
namespace {

using tests::PagedMachine;
using tests::Setting;

std::vector<Setting> settings_of(const std::string& path, const std::vector<Setting>& more) {
  std::vector<Setting> settings{{"kernel.pcp", "none"},
                                {"kernel.alloc_path", path},
                                {"kernel.page_mobility", path == "classic" ? "reserve" : "highatomic"},
                                {"kernel.image", "0 B"}};
  settings.insert(settings.end(), more.begin(), more.end());
  return settings;
}

struct WatermarkFormula : testing::TestWithParam<const char*> {
  static bool classic() { return GetParam() == std::string("classic"); }
  static PagedMachine machine(const std::vector<Setting>& more = {{"machine.memory", "64 MiB"}}) {
    return PagedMachine(1, settings_of(GetParam(), more));
  }
  // As if every CPU's counters had just been folded.
  static FrameNumber alloc(PagedMachine& m, Core& core, Gfp gfp, unsigned order = 0) {
    m.pages.vm_stat().fold(core);
    return m.pages.alloc_pages(core, order, gfp);
  }
  // The largest number of free pages at which a page with `gfp` is refused.
  static std::uint64_t fails_at(PagedMachine& m, Core& core, Gfp gfp) {
    std::vector<FrameNumber> taken;
    while (m.pages.free_frames() > 0) {
      const FrameNumber frame = alloc(m, core, gfp);
      if (frame == no_frame) break;
      taken.push_back(frame);
    }
    const std::uint64_t free = m.pages.free_frames();
    for (const FrameNumber frame : taken)
      m.release(core, frame);
    return free;
  }
};
INSTANTIATE_TEST_SUITE_P(, WatermarkFormula, testing::Values("classic", "slowpath"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(WatermarkFormula, EachKindOfAllocationStopsAtItsShareOfTheMinMark) {
  PagedMachine m(1, settings_of(GetParam(), {{"machine.memory", "64 MiB"}}));
  m.run([&](Core& core) {
    const std::uint64_t min = m.pages.zone_at(0).limits().watermarks.min;
    ASSERT_GT(min, 100u);
    const std::uint64_t high = min - min / 2;
    EXPECT_EQ(fails_at(m, core, GFP_KERNEL), min);
    EXPECT_EQ(fails_at(m, core, GFP_HIGHUSER_MOVABLE), min);
    EXPECT_EQ(fails_at(m, core, GFP_KERNEL | gfp_high), high);
    EXPECT_EQ(fails_at(m, core, GFP_ATOMIC), high - high / 4);
    // GFP_NOWAIT: 2.6.24 takes everybody who cannot wait for in need, 5.10 only the atomic ones.
    EXPECT_EQ(fails_at(m, core, Gfp{}), classic() ? min - min / 4 : min);
    EXPECT_EQ(fails_at(m, core, GFP_KERNEL | gfp_memalloc), 0u);
    EXPECT_EQ(fails_at(m, core, gfp_memalloc), 0u);
  });
  m.pages.check_invariants();
}

struct Dying final : ReclaimHooks {
  void wake_kswapd(Core&, Zone&, unsigned) override {}
  std::uint64_t try_to_free_pages(Core*&, unsigned, Gfp) override { return 0; }
  bool out_of_memory(Core*&, unsigned, Gfp) override { return false; }
  bool dying(Core&) override { return true; }
};

TEST_P(WatermarkFormula, ATaskThatDiesMayHaveItAllIn2_6_24AndHalfTheMarkIn5_10) {
  Dying dying;
  PagedMachine m(1, settings_of(GetParam(), {{"machine.memory", "64 MiB"}}));
  m.pages.set_reclaim(dying);
  m.run([&](Core& core) {
    const std::uint64_t min = m.pages.zone_at(0).limits().watermarks.min;
    EXPECT_EQ(fails_at(m, core, GFP_KERNEL), classic() ? 0 : min - min / 2);
  });
}

TEST_P(WatermarkFormula, WithFreePagesInCrumbsOneLargerBlockWillDoIn5_10Only) {
  PagedMachine m(1, settings_of(GetParam(), {{"machine.memory", "64 MiB"}}));
  m.run([&](Core& core) {
    std::vector<FrameNumber> all(m.pages.managed_frames());
    for (FrameNumber& frame : all)
      frame = alloc(m, core, gfp_memalloc | gfp_movable);
    ASSERT_EQ(m.pages.free_frames(), 0u);
    const auto free_one = [&](std::uint32_t number) { m.release(core, all[0] + number); };
    all[0] = m.pages.layout().zones()[0].first;
    const std::uint32_t min = m.pages.zone_at(0).limits().watermarks.min;
    for (std::uint32_t i = 0; i < 20 * min; i += 2)
      free_one(i); // 10 * min pages, no two of them together
    EXPECT_NE(alloc(m, core, GFP_KERNEL), no_frame);
    EXPECT_EQ(alloc(m, core, GFP_HIGHUSER_MOVABLE, 1), no_frame);
    free_one(20 * min);
    free_one(20 * min + 1);
    const FrameNumber pair = alloc(m, core, GFP_HIGHUSER_MOVABLE, 1);
    if (!classic()) {
      EXPECT_EQ(pair, all[0] + 20 * min);
      return;
    }
    // Pages of order 0 do not count: what is in larger blocks must be over half the mark.
    EXPECT_EQ(pair, no_frame);
    std::uint32_t paired = 2;
    for (std::uint32_t i = 20 * min + 4; alloc(m, core, GFP_HIGHUSER_MOVABLE, 1) == no_frame; i += 4) {
      free_one(i);
      free_one(i + 1);
      paired += 2;
    }
    EXPECT_EQ(paired, (min / 2 + 1) / 2 * 2 + 2); // paired - 1 > min / 2
  });
}

TEST_P(WatermarkFormula, ALowerZoneKeepsItsReserveFromThoseWhoCouldUseTheUpperOne) {
  PagedMachine m(
      1, settings_of(GetParam(), {{"machine.memory", "512 MiB"}, {"machine.zones.dma32", "128 MiB"}}));
  ASSERT_EQ(m.pages.zones(), 2u);
  m.run([&](Core& core) {
    const Zone &lower = m.pages.zone_at(0), &upper = m.pages.zone_at(1);
    ASSERT_EQ(lower.type(), ZoneType::dma32);
    const std::uint32_t reserve = lower.limits().lowmem_reserve[std::size_t(ZoneType::normal)];
    ASSERT_GT(reserve, 300u);
    bool below = false; // the upper zone is used before the lower one is touched below its own low mark
    for (FrameNumber frame; (frame = alloc(m, core, GFP_KERNEL)) != no_frame;) {
      if (lower.contains(frame)) {
        if (!below) {
          EXPECT_EQ(upper.buddy().free_frames(), upper.limits().watermarks.low);
        }
        below = true;
      }
    }
    EXPECT_EQ(upper.buddy().free_frames(), upper.limits().watermarks.min);
    EXPECT_EQ(lower.buddy().free_frames(), lower.limits().watermarks.min + reserve);
    while (alloc(m, core, GFP_KERNEL | gfp_dma32) != no_frame) {
    }
    EXPECT_EQ(upper.buddy().free_frames(), upper.limits().watermarks.min);
    EXPECT_EQ(lower.buddy().free_frames(), lower.limits().watermarks.min);
    EXPECT_EQ(alloc(m, core, GFP_KERNEL | gfp_dma), no_frame); // there is no such zone
  });
}

TEST_P(WatermarkFormula, TheOtherNodeIsUsedDownToItsMarksInTheOrderOfAttempts) {
  PagedMachine m(
      1, settings_of(GetParam(), {{"machine.memory", "128 MiB"}, {"machine.sockets", std::int64_t{2}}}));
  m.run([&](Core& core) {
    const Zone &near = m.pages.zone_at(0), &far = m.pages.zone_at(1);
    std::uint64_t from_near = 0, from_far = 0;
    for (FrameNumber frame; (frame = alloc(m, core, GFP_KERNEL)) != no_frame;)
      ++(near.contains(frame) ? from_near : from_far);
    EXPECT_EQ(near.buddy().free_frames(), near.limits().watermarks.min);
    EXPECT_EQ(far.buddy().free_frames(), far.limits().watermarks.min);
    EXPECT_EQ(near.events.numa_hit, from_near);
    EXPECT_EQ(near.events.numa_foreign, from_far);
    EXPECT_EQ(far.events.numa_miss, from_far);
    EXPECT_EQ(near.events.numa_local, from_near);
    EXPECT_EQ(far.events.numa_other, from_far);
    EXPECT_EQ(near.events.pgalloc + far.events.pgalloc, m.counters[Counter::pgalloc]);
  });
}

} // namespace
} // namespace mmsim::watermark_test
