// Mistakes of callers and broken lists do not go unnoticed.

#include "tests/support/pages_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mmsim::pages_mistakes_test {
namespace {

using testing::HasSubstr;
using namespace tests;

struct PagesMistakes : testing::TestWithParam<ListsAndVersion> {};
INSTANTIATE_TEST_SUITE_P(, PagesMistakes, all_lists_and_versions, test_name);

TEST_P(PagesMistakes, WrongFreesAreViolations) {
  PagedMachine m(1, GetParam().settings());
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
  PagedMachine m(1, {{"kernel.pcp", "merged"}, {"kernel.pcp_batch", std::int64_t{31}}});
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
    EXPECT_THAT(broken(frame, [](Frame& f) { f.state = FrameState::free; }),
                HasSubstr("free, but refcount 1"));
    EXPECT_THAT(broken(frame + 1, [](Frame& f) { f.state = FrameState::free; }),
                HasSubstr("free list of order 0: 1 blocks in its links, 1 by its count, 2 in memory"));
    EXPECT_THAT(broken(frame, [](Frame& f) { f.state = FrameState::part; }),
                HasSubstr("nothing says whose it is"));
    EXPECT_THAT(broken(frame, [](Frame& f) { f.order = 3; }),
                HasSubstr("30 frames on per-CPU lists, but 23"));
    EXPECT_THAT(broken(frame + 1, [](Frame& f) { f.order = 3; }), HasSubstr("order 3 cannot begin here"));
    EXPECT_THAT(broken(frame + 31, [](Frame& f) { f.order = 1; }), HasSubstr("order 1 cannot begin here"));
    EXPECT_THAT(broken(frame + 1, [](Frame& f) { f.previous = 77; }), HasSubstr("link back to 77"));
    EXPECT_THAT(broken(frame + 2, [](Frame& f) { f.refcount = 1; }), HasSubstr("refcount 1"));
    EXPECT_THAT(broken(frame + 5, [&](Frame& f) { f.next = (frame + 20).value(); }),
                HasSubstr("link back to"));
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

} // namespace
} // namespace mmsim::pages_mistakes_test
