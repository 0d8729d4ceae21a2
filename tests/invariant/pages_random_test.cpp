// Millions of random operations: orders, types, GFPs, temperatures, lists and drains on several
// CPUs, in both versions, with several zones.

#include "sim/engine/random.hpp"
#include "tests/support/pages_world.hpp"

#include <gtest/gtest.h>

namespace mmsim::pages_random_test {
namespace {

using namespace tests;

struct Held {
  FrameNumber frame;
  unsigned order;
};

class Sequence {
 public:
  Sequence(const ListsAndVersion& kind, const std::vector<Setting>& more)
      : m(4, machine(kind, more)), initially(free_blocks(m.pages)) {}

  void apply(Core& core, std::uint32_t bits) {
    const std::uint32_t what = bits % 64, which = bits >> 6;
    if (what < 32)
      take(core, what % 16 == 0 ? which % 7 : 0, gfp_of(which));
    else if (what < 60)
      put(core, which);
    else if (what < 62)
      put_list(core, which % 50);
    else
      m.pages.drain_local_pages(core);
  }

  void put_all(Core& core) {
    while (!held.empty())
      put(core, static_cast<std::uint32_t>(held.size()) / 2);
  }

  PagedMachine m;
  const std::vector<FreeBlocks> initially;
  std::vector<Held> held;

 private:
  static void require(bool holds) {
    if (!holds) throw Violation("an allocation is not what was asked for");
  }
  static std::vector<Setting> machine(const ListsAndVersion& kind, const std::vector<Setting>& more) {
    return std::vector<Setting>{
               {"machine.memory", "64 MiB"}, {"kernel.image", "0 B"}, {"kernel.pcp_batch", std::int64_t{5}}} +
           kind.settings() + more;
  }
  static Gfp gfp_of(std::uint32_t bits) {
    Gfp gfp = bits & 8 ? GFP_HIGHUSER_MOVABLE : bits & 16 ? GFP_ATOMIC : GFP_KERNEL;
    if (bits & 32) gfp = gfp | gfp_cold;
    if (!gfp.has(gfp_movable) && (bits & 64)) gfp = gfp | gfp_reclaimable;
    if (!gfp.has(gfp_movable) && (bits & 0x380) == 0) gfp = gfp | gfp_dma32;
    if ((bits & 0x7c00) == 0) gfp = gfp | gfp_memalloc;
    return gfp;
  }
  void take(Core& core, unsigned order, Gfp gfp) {
    const FrameNumber frame = m.pages.alloc_pages(core, order, gfp);
    if (frame == no_frame) return;
    require(frame.value() % (1u << order) == 0u);
    require(m.pages[frame].refcount == 1);
    require(m.pages[frame].flags == 0u);
    if (gfp.has(gfp_dma32)) require(m.pages.zone_of(frame).type() <= ZoneType::dma32);
    held.push_back({frame, order});
  }
  void put(Core& core, std::uint32_t which) {
    if (held.empty()) return;
    std::swap(held[which % held.size()], held.back());
    const Held block = held.back();
    held.pop_back();
    if (block.order == 0)
      m.release(core, block.frame, which & 1 ? Temperature::cold : Temperature::hot);
    else
      m.release(core, block.frame, block.order);
  }
  void put_list(Core& core, std::uint32_t most) {
    std::vector<FrameNumber> list;
    while (list.size() < most && !held.empty() && held.back().order == 0) {
      list.push_back(held.back().frame);
      --m.pages[list.back()].refcount;
      held.pop_back();
    }
    m.pages.free_page_list(core, list, Temperature::hot);
  }
};

struct PagesRandom : testing::TestWithParam<ListsAndVersion> {
  static void run(const std::vector<Setting>& more, std::size_t steps) {
    Sequence sequence(GetParam(), more);
    sequence.m.run_on(4, [&](Core& core) {
      RandomStream random(42, "cpu " + std::to_string(core.id().value()));
      for (std::size_t i = 0; i < steps / 4; ++i) {
        core.charge(Duration(1'000'000), Account::user);
        core.settle();
        sequence.apply(core, static_cast<std::uint32_t>(random.below(std::uint64_t{1} << 32)));
        if (core.id() == CoreId(0) && i % 20'000 == 0) sequence.m.pages.vm_stat().fold(core);
      }
      if (core.id() == CoreId(0)) sequence.put_all(core);
      core.charge(Duration(1'000'000'000'000), Account::user); // until the others are through
      core.settle();
      if (core.id() == CoreId(0)) sequence.put_all(core);
      sequence.m.pages.drain_local_pages(core);
    });
    sequence.m.pages.check_invariants();
    EXPECT_EQ(sequence.m.pages.allocated_frames(), 0u);
    EXPECT_EQ(free_blocks(sequence.m.pages), sequence.initially);
    EXPECT_GT(sequence.m.counters[Counter::pgalloc], steps / 4);
  }
};
INSTANTIATE_TEST_SUITE_P(, PagesRandom, all_lists_and_versions, test_name);

TEST_P(PagesRandom, AMillionOperationsOnOneZoneLoseNothing) { run({}, 1'000'000); }
TEST_P(PagesRandom, HalfAMillionOperationsOnThreeZonesLoseNothing) {
  run({{"machine.zones.dma32", "32 MiB"}, {"kernel.movablecore", "16 MiB"}}, 500'000);
}

} // namespace
} // namespace mmsim::pages_random_test
