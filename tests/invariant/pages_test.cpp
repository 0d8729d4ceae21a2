// Physical memory: nothing is lost, nothing is handed out twice, and what was split is whole again in the
// end.

#include "sim/engine/random.hpp"
#include "tests/support/paged_machine.hpp"

#include <algorithm>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <rapidcheck/gtest.h>

namespace mmsim {
namespace {

using testing::HasSubstr;
using tests::PagedMachine;
using tests::Setting;

constexpr unsigned orders = Buddy::max_order + 1;

std::array<std::uint32_t, orders> free_blocks(const Buddy& buddy) {
  std::array<std::uint32_t, orders> blocks;
  for (unsigned order = 0; order < orders; ++order)
    blocks[order] = buddy.free_blocks(order);
  return blocks;
}

// --- the buddy system alone

// A buddy system beside the plainest model of one: which blocks are allocated.
struct Modelled {
  explicit Modelled(std::uint32_t count)
      : frames(FrameNumber(4 * Buddy::max_block + 7 * Buddy::max_block)),
        buddy(frames, FrameNumber(first), count), end(first + count), initially(free_blocks(buddy)) {}

  void take(unsigned order) {
    const bool possible = [&] {
      for (unsigned larger = order; larger < orders; ++larger)
        if (buddy.free_blocks(larger) != 0) return true;
      return false;
    }();
    const Buddy::Taken taken = buddy.take(order, MigrateType::movable);
    const FrameNumber frame = taken.frame;
    RC_ASSERT((frame != no_frame) == possible);
    if (frame == no_frame) return;
    const std::uint32_t number = frame.value(), size = 1u << order;
    RC_ASSERT(number % size == 0u);
    RC_ASSERT(number >= first);
    RC_ASSERT(number + size <= end);
    const auto after = allocated.lower_bound(number);
    if (after != allocated.end()) // (RC_ASSERT evaluates both sides of an `or`)
      RC_ASSERT(number + size <= after->first);
    if (after != allocated.begin())
      RC_ASSERT(std::prev(after)->first + (1u << std::prev(after)->second) <= number);
    RC_ASSERT(frames[frame].state == FrameState::part); // nobody can merge with it any more
    RC_ASSERT(unsigned(frames[frame].order) == order);
    frames[frame].state = FrameState::allocated;
    allocated.emplace(number, order);
    in_use += size;
    steps_down += taken.splits;
  }
  void put(std::size_t which) {
    if (allocated.empty()) return;
    const auto block = std::next(allocated.begin(), static_cast<std::ptrdiff_t>(which % allocated.size()));
    in_use -= 1u << block->second;
    steps_up += buddy.put(FrameNumber(block->first), block->second);
    allocated.erase(block);
  }
  void check() const {
    const Buddy::Census census = buddy.check();
    RC_ASSERT(census.allocated == in_use);
    RC_ASSERT(census.free + census.allocated == end - first);
    RC_ASSERT(buddy.free_frames() == census.free);
    // No two free buddies side by side: they would have merged.
    for (std::uint32_t number = first; number < end;) {
      const Frame& f = frames[FrameNumber(number)];
      if (f.state == FrameState::part) { // not used yet
        number += Buddy::max_block;
        continue;
      }
      if (f.state == FrameState::free && f.order < Buddy::max_order) {
        const Frame& other = frames[FrameNumber(number ^ 1u << f.order)];
        RC_ASSERT(!(other.state == FrameState::free && other.order == f.order));
      }
      number += 1u << f.order;
    }
  }

  static constexpr std::uint32_t first = 4 * Buddy::max_block;
  FrameTable frames;
  Buddy buddy;
  const std::uint32_t end;
  const std::array<std::uint32_t, orders> initially;
  std::map<std::uint32_t, unsigned> allocated; // order by first frame
  std::uint64_t in_use = 0, steps_down = 0, steps_up = 0;
};

struct Step {
  std::uint8_t what;
  std::uint32_t which;
};

// Prefers small orders, as kernels do; frees somewhat less often than it allocates, so that memory runs out.
void apply(Modelled& m, const Step& step) {
  if (step.what < 120)
    m.put(step.which);
  else if (step.what < 220)
    m.take(0);
  else
    m.take(step.which % orders);
}

rc::Gen<std::vector<Step>> steps(std::size_t count) {
  return rc::gen::container<std::vector<Step>>(
      count,
      rc::gen::map(
          rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<std::uint64_t>()), [](std::uint64_t bits) {
            return Step{static_cast<std::uint8_t>(bits % 251), static_cast<std::uint32_t>(bits >> 8)};
          }));
}

RC_GTEST_PROP(BuddyInvariant, BlocksNeverOverlapAndMergeBackIntoTheInitialOnes, ()) {
  Modelled m(*rc::gen::inRange(1u, 7 * Buddy::max_block));
  std::size_t done = 0;
  for (const Step& step : *steps(4000)) {
    apply(m, step);
    if (++done % 500 == 0) m.check();
  }
  while (!m.allocated.empty())
    m.put(m.allocated.size() / 2);
  m.check();
  RC_ASSERT(m.steps_down == m.steps_up);
  RC_ASSERT(free_blocks(m.buddy) == m.initially);
}

TEST(BuddyInvariant, TheLowerHalfIsGivenAndAFreedBlockIsUsedBeforeAnUnusedOne) {
  FrameTable frames(FrameNumber(8 * Buddy::max_block));
  Buddy buddy(frames, FrameNumber(Buddy::max_block), 4 * Buddy::max_block);
  EXPECT_EQ(buddy.take(0, MigrateType::movable).frame, FrameNumber(1024));
  EXPECT_EQ(buddy.take(0, MigrateType::movable).frame, FrameNumber(1025));
  EXPECT_EQ(buddy.take(3, MigrateType::movable).frame, FrameNumber(1032));
  EXPECT_EQ(buddy.take(10, MigrateType::movable).frame, FrameNumber(2048));
  EXPECT_EQ(buddy.take(10, MigrateType::movable).frame, FrameNumber(3072));
  buddy.put(FrameNumber(2048), 10);
  EXPECT_EQ(buddy.take(9, MigrateType::movable).frame, FrameNumber(1536)); // the smallest block that will do
  EXPECT_EQ(buddy.take(10, MigrateType::movable).frame, FrameNumber(2048));
  EXPECT_EQ(buddy.take(10, MigrateType::movable).frame, FrameNumber(4096));
  EXPECT_EQ(buddy.take(10, MigrateType::movable).frame, no_frame);
}

// --- the allocator, with locks, cores and time

struct PagesInvariant : testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(, PagesInvariant, testing::Values("none", "hot_cold", "merged"),
                         [](const auto& info) { return std::string(info.param); });

// Two sockets of 13 MiB, which is no multiple of 4 MiB, so that nodes run empty and neighbours help out.
const std::vector<Setting> small_machine{{"machine.sockets", std::int64_t{2}},
                                         {"machine.cores_per_cluster", std::int64_t{4}},
                                         {"machine.memory", "26 MiB"}};
std::vector<Setting> small_machine_with(const char* lists) {
  std::vector<Setting> settings = small_machine;
  settings.push_back({"kernel.pcp", lists});
  settings.push_back({"kernel.pcp_batch", std::int64_t{7}});
  return settings;
}

TEST_P(PagesInvariant, ManyCoresThatAllocateAndFreeAtRandomLeaveMemoryAsItWas) {
  PagedMachine m(8, small_machine_with(GetParam()));
  std::vector<std::array<std::uint32_t, orders>> initially;
  for (std::uint32_t n = 0; n < 2; ++n)
    initially.push_back(free_blocks(m.pages.zone(NodeId(n)).buddy()));
  ASSERT_EQ(m.pages.managed_frames(), 26u * 256);

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
        const FrameNumber frame =
            order != 0
                ? m.pages.alloc_pages(core, order)
                : m.pages.alloc_page(core, random.below(4) == 0 ? GFP_KERNEL | gfp_cold : GFP_KERNEL);
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
  for (std::uint32_t n = 0; n < 2; ++n)
    EXPECT_EQ(free_blocks(m.pages.zone(NodeId(n)).buddy()), initially[n]);
  EXPECT_EQ(m.counters[Counter::pgalloc], m.counters[Counter::pgfree]);
  std::uint64_t epochs = 0;
  for (std::uint32_t i = 0; i < m.pages.frames().end().value(); ++i)
    epochs += m.pages[FrameNumber(i)].epoch;
  EXPECT_EQ(epochs, expected_epochs);
  EXPECT_EQ(epochs, m.counters[Counter::pgfree]);
}

TEST_P(PagesInvariant, TheSumHoldsAfterEveryOperation) {
  PagedMachine m(1, small_machine_with(GetParam()));
  m.run([&](Core& core) {
    RandomStream random(5, "operations");
    std::vector<FrameNumber> mine;
    for (int i = 0; i < 2'000; ++i) {
      if (mine.empty() || random.below(5) < 3) {
        mine.push_back(m.pages.alloc_page(core));
      } else {
        m.release(core, mine.back());
        mine.pop_back();
      }
      m.pages.check_invariants();
    }
  });
}

TEST_P(PagesInvariant, MemoryIsGivenToTheLastFrameAndNotAFrameMore) {
  PagedMachine m(8, small_machine_with(GetParam()));
  m.run([&](Core& core) {
    std::vector<FrameNumber> frames;
    for (FrameNumber frame; (frame = m.pages.alloc_page(core)) != no_frame;)
      frames.push_back(frame);
    EXPECT_EQ(frames.size(), m.pages.managed_frames());
    EXPECT_EQ(m.pages.free_frames(), 0u);
    // The own node first, then the other one.
    const std::size_t half = frames.size() / 2;
    EXPECT_TRUE(std::all_of(frames.begin(), frames.begin() + std::ptrdiff_t(half),
                            [&](FrameNumber f) { return m.pages.node_of(f) == NodeId(0); }));
    EXPECT_TRUE(std::all_of(frames.begin() + std::ptrdiff_t(half), frames.end(),
                            [&](FrameNumber f) { return m.pages.node_of(f) == NodeId(1); }));
    m.pages.check_invariants();
    // Out of memory is an answer, not an end: it asks for no lock, and a freed frame is there again.
    const std::uint64_t locked = m.counters.snapshot().lock_class("zone_lock").acquired;
    EXPECT_EQ(m.pages.alloc_page(core), no_frame);
    EXPECT_EQ(m.pages.alloc_pages(core, 4), no_frame);
    EXPECT_EQ(m.counters.snapshot().lock_class("zone_lock").acquired, locked);
    m.release(core, frames.back());
    EXPECT_EQ(m.pages.alloc_page(core), frames.back());
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
      if (const FrameNumber frame = m->pages.alloc_page(core); frame != no_frame) held.push_back(frame);
    } else if (!held.empty()) {
      m->release(core, held.back());
      held.pop_back();
    }
  }
};

TEST_P(PagesInvariant, InterruptsThatAllocateAndFreeFindTheListsWhole) {
  PagedMachine m(
      2, {{"kernel.pcp", GetParam()}, {"kernel.pcp_batch", std::int64_t{2}}, {"machine.memory", "16 MiB"}});
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

// --- mistakes of callers

std::string violation_of(const std::function<void()>& step) {
  try {
    step();
  } catch (const Violation& violation) {
    return violation.what();
  }
  return "(no violation)";
}

TEST_P(PagesInvariant, WrongFreesAreViolations) {
  PagedMachine m(1, {{"kernel.pcp", GetParam()}});
  m.run([&](Core& core) {
    const FrameNumber frame = m.pages.alloc_page(core);
    EXPECT_THAT(violation_of([&] { m.pages.free_page(core, frame); }), HasSubstr("refcount 1"));
    m.pages[frame].refcount = 0;
    m.pages[frame].mapcount = 2;
    EXPECT_THAT(violation_of([&] { m.pages.free_page(core, frame); }), HasSubstr("mapcount 2"));
    m.pages[frame].mapcount = 0;
    EXPECT_THAT(violation_of([&] { m.pages.free_pages(core, frame, 1); }),
                HasSubstr("as a block of order 1"));
    m.pages.free_page(core, frame);
    EXPECT_THAT(violation_of([&] { m.pages.free_page(core, frame); }), HasSubstr("freed 1 times before"));
    EXPECT_THAT(violation_of([&] { m.pages.free_page(core, no_frame); }), HasSubstr("freeing frame 0"));
    EXPECT_THAT(violation_of([&] { m.pages.free_page(core, m.pages.frames().end()); }),
                HasSubstr("but the last one is"));
  });
}

TEST(Pages, BrokenListsAreFound) {
  PagedMachine m(1, {{"kernel.pcp", "merged"}});
  m.run([&](Core& core) {
    const FrameNumber frame = m.pages.alloc_page(core);
    const auto broken = [&](FrameNumber which, auto&& change) {
      const Frame whole = m.pages[which];
      change(m.pages[which]);
      const std::string found = violation_of([&] { m.pages.check_invariants(); });
      m.pages[which] = whole;
      m.pages.check_invariants();
      return found;
    };
    EXPECT_THAT(broken(frame, [](Frame& f) { f.state = FrameState::per_cpu; }),
                HasSubstr("30 frames on per-CPU lists, but 31"));
    EXPECT_THAT(broken(frame, [](Frame& f) { f.state = FrameState::free; }), HasSubstr("free, but refcount 1"));
    EXPECT_THAT(broken(frame + 1, [](Frame& f) { f.state = FrameState::free; }),
                HasSubstr("free list of order 0: 1 blocks in its links, 1 by its count, 2 in memory"));
    EXPECT_THAT(broken(frame, [](Frame& f) { f.state = FrameState::part; }), HasSubstr("nothing says whose it is"));
    EXPECT_THAT(broken(frame, [](Frame& f) { f.order = 3; }), HasSubstr("30 frames on per-CPU lists, but 23"));
    EXPECT_THAT(broken(frame + 1, [](Frame& f) { f.order = 3; }), HasSubstr("order 3 cannot begin here"));
    EXPECT_THAT(broken(frame + 31, [](Frame& f) { f.order = 1; }), HasSubstr("order 1 cannot begin here"));
    EXPECT_THAT(broken(frame + 1, [](Frame& f) { f.previous = 77; }), HasSubstr("link back to 77"));
    EXPECT_THAT(broken(frame + 2, [](Frame& f) { f.refcount = 1; }), HasSubstr("refcount 1"));
    EXPECT_THAT(broken(frame + 5, [&](Frame& f) { f.next = (frame + 20).value(); }), HasSubstr("link back to"));
  });
}

TEST(Pages, TooMuchMemoryForFrameNumbersIsAnInputError) {
  Engine engine;
  const Configuration configuration = tests::configuration_of({{"machine.memory", "16 TiB"}});
  Counters counters;
  Machine machine(engine, configuration, counters, 1);
  SpinLocks locks(machine, configuration);
  EXPECT_THROW(PageAllocator(machine, locks, configuration), InputError);
}

// --- what it costs the host

TEST(Pages, ATebibyteCostsOnlyWhatIsTouched) {
  const auto resident = [] { // KiB
    std::ifstream status("/proc/self/statm");
    long size = 0, pages = 0;
    status >> size >> pages;
    return pages * 4;
  };
  const long before = resident();
  PagedMachine m(4, {{"machine.sockets", std::int64_t{2}}, {"machine.memory", "1 TiB"}});
  EXPECT_EQ(m.pages.free_frames(), std::uint64_t{1} << 28);
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
} // namespace mmsim
