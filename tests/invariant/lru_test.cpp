// Random faults, forks, copies, unmaps and exits: every page that is mapped is on one LRU list or in one pagevec, and
// nothing else is. And whoever breaks that is told.

#include "tests/support/kernel_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tuple>

namespace mmsim::tests::lru_test {
namespace {

using namespace literals;
using testing::HasSubstr;

const Settings linux_2_6_24 = {{"kernel.lru", "zone"},
                               {"kernel.pagevec_size", std::int64_t{14}},
                               {"kernel.lru_new_anon", "active"},
                               {"kernel.wp_late_lru", true},
                               {"kernel.gather_bundle", std::int64_t{506}},
                               {"kernel.gather_batch", std::int64_t{506}},
                               {"kernel.cow_reuse", "mapcount"},
                               {"kernel.munmap_downgrade", false}};
const Settings linux_5_10 = {};

Settings settings_of(const std::string& kernel) { return kernel == "2.6.24" ? linux_2_6_24 : linux_5_10; }

class RandomLru : public testing::TestWithParam<std::tuple<const char*, int>> {};

// Four families on two sockets. In each round each does as it likes, on the CPU where it then is; between rounds all
// wait, and the books must balance.
TEST_P(RandomLru, HasEveryMappedPageOnOneListOrInOnePagevec) {
  const auto [kernel, number] = GetParam();
  const auto seed = static_cast<std::uint64_t>(number);
  constexpr std::uint32_t families = 4;
  constexpr int rounds = 12;
  KernelWorld w(8,
                settings_of(kernel) +
                    Settings{{"machine.sockets", std::int64_t{2}},
                             {"machine.dies_per_socket", std::int64_t{1}},
                             {"machine.cores_per_cluster", std::int64_t{4}},
                             {"kernel.hz", std::int64_t{1000}},
                             {"kernel.gather_pages", std::int64_t{number % 2 == 0 ? 40 : 506}}},
                Engine::Options{true, number % 2 == 0 ? seed : 0}, seed);
  System& system = w.system;
  std::vector<std::unique_ptr<Completion>> gates(families);
  std::uint32_t arrived = 0;
  int checks = 0;
  std::uint64_t most_listed = 0, kept_by_pagevecs = 0;
  const auto meet = [&](Task& task, std::uint32_t family) {
    if (++arrived < families) {
      gates[family] = std::make_unique<Completion>("the others");
      gates[family]->wait(system, task);
      return;
    }
    arrived = 0;
    task.core().settle();
    system.check_invariants();
    ++checks;
    most_listed = std::max(most_listed, system.lru->check_invariants().listed);
    for (const auto& [frame, references] : system.lru->check_invariants().in_pagevecs)
      kept_by_pagevecs += system.pages[FrameNumber(frame)].mapcount == 0 ? 1 : 0;
    for (std::uint32_t other = 0; other < families; ++other)
      if (other != family) gates[other]->complete(system, task.core());
  };
  for (std::uint32_t family = 0; family < families; ++family)
    spawn_process_at_boot(
        system, "family " + std::to_string(family), CoreId(2 * family), [&, family](Task& task) {
          RandomStream random(seed, "family " + std::to_string(family));
          std::vector<std::pair<PageNumber, std::uint64_t>> areas;
          for (int round = 0; round < rounds; ++round) {
            for (int step = 0; step < 12; ++step) {
              const std::uint64_t what = random.below(10);
              if (areas.empty() || what < 3) {
                areas.emplace_back(PageNumber(0), 1 + random.below(70));
                areas.back().first = mmap(system, task, areas.back().second);
              }
              const std::size_t which = random.below(areas.size());
              const auto [first, pages] = areas[which];
              if (what < 6) {
                for (std::uint64_t i = random.below(pages); i < pages; ++i)
                  touch(system, task, first + i, AccessKind::write);
              } else if (what < 7) {
                munmap(system, task, first, pages);
                areas.erase(areas.begin() + static_cast<std::ptrdiff_t>(which));
              } else if (what < 8) {
                w.dont_need(task, first, 1 + random.below(pages));
              } else { // a child on some CPU writes some of it while the parent does too
                Completion exited("the child's exit");
                fork(system, task, CoreId(static_cast<std::uint32_t>(random.below(8))),
                     [&, first = first, pages = pages](Task& child) {
                       RandomStream childs(seed + random.below(1000), "child");
                       for (int i = 0; i < 20; ++i)
                         touch(system, child, first + childs.below(pages), AccessKind::write);
                       exit_task(system, child);
                       exited.complete(system, child.core());
                     });
                for (int i = 0; i < 20; ++i)
                  touch(system, task, first + random.below(pages), AccessKind::write);
                exited.wait(system, task);
              }
            }
            meet(task, family);
          }
          exit_task(system, task);
        });
  w.engine.run();
  system.check_invariants();
  EXPECT_EQ(checks, rounds);
  EXPECT_GT(most_listed, 200u);
  EXPECT_EQ(system.lru->size(LruList::active) + system.lru->size(LruList::inactive), 0u);
  EXPECT_LE(system.lru->check_invariants().in_pagevecs.size(), 8u * 14) << "what is left is in pagevecs";
  if (number == 1) {
    EXPECT_GT(kept_by_pagevecs, 0u) << "no page ever lost its mappings in another CPU's pagevec";
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, RandomLru,
                         testing::Combine(testing::Values("2.6.24", "5.10"), testing::Range(1, 7)),
                         [](const auto& info) {
                           return (std::get<0>(info.param)[0] == '2' ? "old_" : "new_") +
                                  std::to_string(std::get<1>(info.param));
                         });

// A process with `pages` pages is alive while `damage` is done to the first of them; says what the check says then.
std::string said_of(std::uint64_t pages, const std::function<void(System&, Frame&)>& damage) {
  KernelWorld w(1);
  return violation_of([&] {
    spawn_process_at_boot(w.system, "process", CoreId(0), [&](Task& task) {
      const PageNumber area = mmap(w.system, task, pages);
      for (std::uint64_t i = 0; i < pages; ++i)
        touch(w.system, task, area + i, AccessKind::write);
      task.core().settle();
      w.system.check_invariants();
      damage(w.system, w.system.pages[task.mm->tables.find(area)->frame()]);
      w.system.check_invariants();
      exit_task(w.system, task);
    });
    w.engine.run();
  });
}

TEST(LruInvariant, HoldsWhereNothingWasDone) {
  EXPECT_EQ(said_of(20, [](System&, Frame&) {}), "");
}
TEST(LruInvariant, MissesAPageThatSaysItIsOnNoList) {
  EXPECT_THAT(said_of(20, [](System&, Frame& page) { page.flags = 0; }), HasSubstr("on LRU list 0 of 0"));
}
TEST(LruInvariant, MissesAPageThatSaysItIsOnTheOtherList) {
  EXPECT_THAT(said_of(20, [](System&, Frame& page) { page.flags |= PG_active; }), HasSubstr("flags 0x3"));
}
TEST(LruInvariant, MissesAPageOnAListThatNobodyMaps) {
  EXPECT_THAT(said_of(20, [](System&, Frame& page) { page.mapcount = 0; }), HasSubstr("mapcount 0"));
}
TEST(LruInvariant, MissesAPageInAPagevecThatSaysItIsOnAList) {
  EXPECT_THAT(said_of(5, [](System&, Frame& page) { page.flags = PG_lru; }),
              HasSubstr("in the pagevec of cpu 0"));
}
TEST(LruInvariant, MissesThePagevecsReference) {
  EXPECT_THAT(said_of(5, [](System&, Frame& page) { --page.refcount; }),
              HasSubstr("1 entries map it and 1 pagevecs hold it, but its mapcount is 1 and its refcount 1"));
}

} // namespace
} // namespace mmsim::tests::lru_test
