// The page allocator, with locks, cores and time: nothing is lost, nothing is handed out twice, and what was split is
// whole again in the end.

#include "sim/engine/random.hpp"
#include "tests/support/pages_world.hpp"

#include <algorithm>
#include <fstream>
#include <gtest/gtest.h>

namespace mmsim::pages_test {
namespace {

using namespace tests;

struct PagesInvariant : testing::TestWithParam<ListsAndVersion> {};
INSTANTIATE_TEST_SUITE_P(, PagesInvariant, all_lists_and_versions, test_name);

std::vector<Setting> machine_of(const ListsAndVersion& kind) {
  return two_small_sockets + kind.settings() + std::vector<Setting>{{"kernel.pcp_batch", std::int64_t{7}}};
}

// What kernels ask for, rarely the reserves.
Gfp any_gfp(RandomStream& random) {
  Gfp gfp = random.below(2) == 0 ? GFP_HIGHUSER_MOVABLE : random.below(8) == 0 ? GFP_ATOMIC : GFP_KERNEL;
  if (random.below(4) == 0) gfp = gfp | gfp_cold;
  if (!gfp.has(gfp_movable) && random.below(3) == 0) gfp = gfp | gfp_reclaimable;
  if (random.below(50) == 0) gfp = gfp | gfp_memalloc;
  return gfp;
}

TEST_P(PagesInvariant, ManyCoresThatAllocateAndFreeAtRandomLeaveMemoryAsItWas) {
  PagedMachine m(8, machine_of(GetParam()));
  const auto initially = free_blocks(m.pages);
  ASSERT_GE(m.pages.managed_frames(), 38u * 256 - 4);

  constexpr int operations = 40'000;                                   // a core
  std::vector<std::uint8_t> owners(m.pages.frames().end().value(), 0); // who holds which frame
  std::uint64_t out_of_memory = 0, expected_epochs = 0;
  m.run_on(8, [&](Core& core) {
    RandomStream random(7, "cpu " + std::to_string(core.id().value()));
    const auto me = static_cast<std::uint8_t>(core.id().value() + 1);
    struct Block {
      FrameNumber frame;
      unsigned order;
    };
    std::vector<Block> mine;
    const auto release = [&](std::size_t i) {
      const Block block = mine[i];
      mine[i] = mine.back();
      mine.pop_back();
      for (std::uint32_t k = 0; k < 1u << block.order; ++k, ++expected_epochs)
        ASSERT_EQ(std::exchange(owners[block.frame.value() + k], 0), me);
      if (block.order == 0)
        m.release(core, block.frame, random.below(4) == 0 ? Temperature::cold : Temperature::hot);
      else
        m.release(core, block.frame, block.order);
    };
    for (int i = 0; i < operations; ++i) {
      core.charge(random.below(Duration(200'000)), Account::user);
      // Waves: memory fills up, then empties.
      const bool growing = i % 10'000 < 6'000;
      if (random.below(100) < (growing ? 60u : 35u)) {
        const unsigned order = random.below(8) == 0 ? static_cast<unsigned>(random.below(6)) : 0;
        const FrameNumber frame = m.pages.alloc_pages(core, order, any_gfp(random));
        if (frame == no_frame) {
          ++out_of_memory;
          continue;
        }
        for (std::uint32_t k = 0; k < 1u << order; ++k)
          ASSERT_EQ(std::exchange(owners[frame.value() + k], me), 0) << "given to two cores";
        ASSERT_EQ(m.pages[frame].refcount, 1);
        mine.push_back({frame, order});
      } else if (!mine.empty()) {
        release(random.below(mine.size()));
      }
    }
    while (!mine.empty())
      release(mine.size() - 1);
    m.pages.drain_local_pages(core);
  });

  EXPECT_GT(out_of_memory, 0u);
  EXPECT_GT(m.counters.snapshot().lock_class("zone_lock").contended, 100u);
  m.pages.check_invariants();
  EXPECT_EQ(m.pages.allocated_frames(), 0u);
  EXPECT_EQ(m.pages.free_frames(), m.pages.managed_frames());
  EXPECT_EQ(free_blocks(m.pages), initially);
  EXPECT_EQ(m.counters[Counter::pgalloc], m.counters[Counter::pgfree]);
  std::uint64_t epochs = 0;
  for (std::uint32_t i = 0; i < m.pages.frames().end().value(); ++i)
    epochs += m.pages[FrameNumber(i)].epoch;
  EXPECT_EQ(epochs, expected_epochs);
  EXPECT_EQ(epochs, m.counters[Counter::pgfree]);
}

TEST_P(PagesInvariant, TheSumHoldsAfterEveryOperation) {
  PagedMachine m(1, machine_of(GetParam()));
  m.run([&](Core& core) {
    RandomStream random(5, "operations");
    std::vector<FrameNumber> mine;
    for (int i = 0; i < 2'000; ++i) {
      if (mine.empty() || random.below(5) < 3) {
        mine.push_back(m.pages.alloc_page(core, any_gfp(random)));
        ASSERT_NE(mine.back(), no_frame);
      } else {
        m.release(core, mine.back());
        mine.pop_back();
      }
      m.pages.check_invariants();
    }
  });
}

TEST_P(PagesInvariant, MemoryIsGivenToTheLastFrameAndNotAFrameMore) {
  PagedMachine m(8, machine_of(GetParam()));
  m.run([&](Core& core) {
    std::vector<FrameNumber> frames;
    for (FrameNumber frame; (frame = m.pages.alloc_page(core, gfp_memalloc)) != no_frame;)
      frames.push_back(frame);
    EXPECT_EQ(frames.size(), m.pages.managed_frames());
    EXPECT_EQ(m.pages.free_frames(), 0u);
    // As long as both are above their marks, the own node first.
    const auto far = std::find_if(frames.begin(), frames.end(),
                                  [&](FrameNumber f) { return m.pages.node_of(f) == NodeId(1); });
    EXPECT_GT(far - frames.begin(),
              std::ptrdiff_t(frames.size() / 2 - m.pages.limits().zones[0].watermarks.high - 100));
    m.pages.check_invariants();
    // Out of memory is an answer, not an end: whom a watermark stops asks for no lock, and a freed frame is there again.
    m.pages.vm_stat().fold(core);
    const std::uint64_t locked = m.counters.snapshot().lock_class("zone_lock").acquired;
    EXPECT_EQ(m.pages.alloc_page(core), no_frame);
    EXPECT_EQ(m.pages.alloc_pages(core, 4), no_frame);
    EXPECT_EQ(m.counters.snapshot().lock_class("zone_lock").acquired, locked);
    m.release(core, frames.back());
    m.pages.drain_local_pages(core); // of whatever type it was
    EXPECT_EQ(m.pages.alloc_page(core, gfp_memalloc), frames.back());
    EXPECT_EQ(m.pages[frames.back()].epoch, 1u);
  });
}

TEST(Pages, ACoreGetsMemoryOfItsOwnNode) {
  PagedMachine m(8, {{"machine.sockets", std::int64_t{2}}, {"machine.memory", "1 GiB"}});
  m.run_on(8, [&](Core& core) {
    for (int i = 0; i < 100; ++i)
      ASSERT_EQ(m.pages.node_of(m.pages.alloc_page(core)), m.machine.topology().node_of(core.id()));
  });
}

TEST(Pages, HotPagesComeBackFirstAndColdOnesLast) {
  PagedMachine m(1, {{"kernel.pcp", "merged"}, {"kernel.pcp_batch", std::int64_t{4}}});
  m.run([&](Core& core) {
    const FrameNumber a = m.pages.alloc_page(core), b = m.pages.alloc_page(core),
                      c = m.pages.alloc_page(core);
    EXPECT_EQ(b, a + 1); // a batch comes in the order of frames
    EXPECT_EQ(c, a + 2);
    m.release(core, a, Temperature::cold);
    m.release(core, b);
    m.release(core, c);
    EXPECT_EQ(m.pages.alloc_page(core, gfp_cold), a);
    EXPECT_EQ(m.pages.alloc_page(core), c);
    EXPECT_EQ(m.pages.alloc_page(core), b);
  });
}

// Interrupt handlers may use the lists: they find them whole.
struct AllocatingHandler : InterruptHandler {
  PagedMachine* m = nullptr;
  std::vector<FrameNumber> held;
  std::uint64_t taken = 0;
  void handle(Core& core) override {
    ++taken;
    if (taken % 3 != 0) {
      if (const FrameNumber frame = m->pages.alloc_page(core, GFP_ATOMIC); frame != no_frame)
        held.push_back(frame);
    } else if (!held.empty()) {
      m->release(core, held.back());
      held.pop_back();
    }
  }
};

TEST_P(PagesInvariant, InterruptsThatAllocateAndFreeFindTheListsWhole) {
  PagedMachine m(2, GetParam().settings() + std::vector<Setting>{{"kernel.pcp_batch", std::int64_t{2}},
                                                                 {"machine.memory", "32 MiB"},
                                                                 {"kernel.image", "0 B"}});
  AllocatingHandler handler;
  handler.m = &m;
  m.machine.set_handler(Irq::tick, handler);
  m.run_on(1, [&](Core& core) {
    RandomStream random(3, "ticks");
    std::vector<FrameNumber> mine;
    for (int i = 0; i < 100'000; ++i) {
      if (i % 2 == 0)
        m.engine.at(m.engine.now() + random.below(Duration(400'000)), [&] { core.raise(Irq::tick); });
      if (random.below(2) == 0) {
        mine.push_back(m.pages.alloc_page(core));
        ASSERT_NE(mine.back(), no_frame);
      } else if (!mine.empty()) {
        m.release(core, mine.back());
        mine.pop_back();
      }
      while (mine.size() > 1000) {
        m.release(core, mine.back());
        mine.pop_back();
      }
      while (handler.held.size() > 1000) {
        const FrameNumber frame = handler.held.back();
        handler.held.pop_back();
        m.release(core, frame);
      }
    }
  });
  EXPECT_GT(handler.taken, 10'000u);
  m.pages.check_invariants();
}

// What it costs the host.
TEST(Pages, ATebibyteCostsOnlyWhatIsTouched) {
  const auto resident = [] { // KiB
    std::ifstream status("/proc/self/statm");
    long size = 0, pages = 0;
    status >> size >> pages;
    return pages * 4;
  };
  const long before = resident();
  PagedMachine m(4, {{"machine.sockets", std::int64_t{2}}, {"machine.memory", "1 TiB"}});
  EXPECT_EQ(m.pages.free_frames(), m.pages.managed_frames());
  EXPECT_GT(m.pages.managed_frames(), (std::uint64_t{1} << 28) / 100 * 98); // mem_map is 1.6 %
  EXPECT_LT(resident() - before, 10'000);
  m.run([&](Core& core) {
    for (int i = 0; i < 1 << 20; ++i)
      (void)m.pages.alloc_page(core);
  });
  EXPECT_LT(resident() - before, 24 * 1024 + 10'000); // 24 bytes a frame
  m.pages.check_invariants();
  EXPECT_LT(resident() - before, 24 * 1024 + 10'000);
}

} // namespace
} // namespace mmsim::pages_test
