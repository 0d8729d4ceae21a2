// Is anything lost when processes at random touch more memory than there is?

#include "models/operations/kill.hpp"
#include "models/operations/munmap.hpp"
#include "models/operations/nanosleep.hpp"
#include "tests/support/versions.hpp"

#include <algorithm>
#include <array>
#include <gtest/gtest.h>

namespace mmsim::tests::reclaim_random_test {
namespace {

/// A kernel's settings, and those of its reverse map.
struct Generation {
  const char* name;
  const char* kernel; ///< of `versions`
  Settings settings;
};
void PrintTo(const Generation& generation, std::ostream* out) { *out << generation.name; }

const std::vector<Generation> generations{
    {"scan", "linux_2_6_24", {{"kernel.rmap", "scan"}}},
    {"pte_chain", "linux_2_6_24", {{"kernel.rmap", "pte_chain"}}},
    {"anon_vma", "linux_2_6_24", {{"kernel.rmap", "anon_vma"}}},
    {"anon_vma_chain", "linux_5_10", {{"kernel.rmap", "anon_vma_chain"}}},
};

/// configs/kernels/2.6.0.toml and 2.4.18.toml, as far as reclaim meets what they say.
const Settings linux_2_6_0{{"kernel.rmap", "pte_chain"},
                           {"kernel.pt_lock", "mm"},
                           {"kernel.page_mobility", "none"},
                           {"kernel.zero_page", true},
                           {"kernel.page_struct", std::int64_t{40}},
                           {"kernel.min_free_kbytes", std::int64_t{1024}},
                           {"kernel.pagevec_size", std::int64_t{16}},
                           {"kernel.i_mmap_lock", "rwsem"},
                           {"kernel.cow_reuse", "page_count"},
                           {"kernel.swap_token", "none"},
                           {"kernel.young_flush", "none"},
                           {"kernel.unmap_checks_young", false},
                           {"kernel.dirty_ratio", std::int64_t{40}},
                           {"kernel.dirty_background_ratio", std::int64_t{10}}};
const std::vector<Generation> old_kernels{
    {"linux_2_6_0", "linux_2_6_24", linux_2_6_0},
    {"linux_2_4_18", "linux_2_6_24",
     linux_2_6_0 + Settings{{"kernel.rmap", "scan"},
                            {"kernel.pcp", "none"},
                            {"kernel.page_struct", std::int64_t{64}},
                            {"kernel.min_free_kbytes", std::int64_t{1020}},
                            {"kernel.pagevec_size", std::int64_t{1}},
                            {"kernel.lru_new_anon", "inactive"},
                            {"kernel.i_mmap_lock", "spinlock"},
                            {"kernel.percpu_counter_batch", "nr_cpus"}}},
};

/// Flushes at once, by interrupts for a batch, and by broadcast.
const std::vector<Settings> flushes{
    {{"kernel.tlb_flush", "eager"}, {"kernel.reclaim_flush", "immediate"}},
    {{"kernel.tlb_flush", "eager"}, {"kernel.reclaim_flush", "batched"}},
    {{"kernel.tlb_flush", "broadcast"}, {"kernel.reclaim_flush", "batched"}},
};

/// A process that touches, maps, unmaps and forks.
struct Toucher {
  static constexpr std::uint64_t anonymous_pages = 1600;
  KernelWorld& w;
  File& file;
  RandomStream random;

  void live(Task& task, int steps, int depth) {
    System& system = w.system;
    const PageNumber anonymous = mmap(system, task, anonymous_pages);
    const PageNumber of_file = mmap(system, task, {.pages = 300, .flags = MAP_SHARED, .file = &file}).first;
    if (anonymous == map_failed || of_file == map_failed) return;
    bool forked = false;
    for (int step = 0; step < steps; ++step) {
      const std::uint64_t choice = random.below(100);
      const AccessKind kind = random.below(3) == 0 ? AccessKind::read : AccessKind::write;
      if (choice < 70) {
        const std::uint64_t first = random.below(anonymous_pages - 64), length = 1 + random.below(64);
        for (std::uint64_t i = 0; i < length; ++i)
          touch(system, task, anonymous + first + i, kind);
      } else if (choice < 97) {
        touch(system, task, of_file + random.below(300), kind);
      } else if (choice < 99) {
        dont_need(task, anonymous + random.below(anonymous_pages - 64), 64);
      } else if (depth > 0 && !forked) {
        forked = true;
        const auto body = [this, steps, depth](Task& child) {
          live(child, steps / 2, depth - 1);
          exit_task(w.system, child);
        };
        fork(system, task, CoreId(static_cast<std::uint32_t>(random.below(4))), body);
      }
    }
  }
  void dont_need(Task& task, PageNumber first, std::uint64_t pages) { w.dont_need(task, first, pages); }
};

class UnderPressure : public testing::TestWithParam<std::tuple<Generation, std::size_t, std::int64_t>> {};

TEST_P(UnderPressure, NothingIsLostOrDoubled) {
  const auto& [generation, flush, fails] = GetParam();
  const auto version = std::ranges::find(versions, std::string_view(generation.kernel),
                                         [](const KernelVersion& v) { return std::string_view(v.name); });
  constexpr std::uint64_t seed = 1;
  const auto counts = in_child([&] {
    KernelWorld w(4,
                  version->settings + generation.settings + flushes[flush] +
                      Settings{{"machine.memory", "16 MiB"},
                               {"machine.swap.size", "32 MiB"},
                               {"machine.swap.latency", "20 us"},
                               {"machine.swap.fail_every", fails},
                               {"kernel.overcommit_memory", std::int64_t{1}},
                               {"kernel.hz", std::int64_t{250}},
                               {"run.checks", true}},
                  {}, seed);
    File& file = w.system.page_cache.create("data", 300, InMemory::no);
    std::vector<std::unique_ptr<Toucher>> touchers;
    for (std::uint32_t cpu = 0; cpu < 4; ++cpu) {
      touchers.push_back(
          std::make_unique<Toucher>(w, file, RandomStream(seed, "toucher " + std::to_string(cpu))));
      spawn_process_at_boot(w.system, "toucher", CoreId(cpu), [&w, &toucher = *touchers.back()](Task& task) {
        toucher.live(task, 200, 1);
        exit_task(w.system, task);
      });
    }
    w.engine.run();
    w.system.check_invariants();
    return std::vector<std::int64_t>{static_cast<std::int64_t>(w.count(Counter::pgsteal)),
                                     static_cast<std::int64_t>(w.count(Counter::pswpout)),
                                     static_cast<std::int64_t>(w.count(Counter::pswpin))};
  });
  EXPECT_GT(counts.at(0), 0) << "reclaimed";
  EXPECT_GT(counts.at(1), 0) << "swapped out";
  EXPECT_GT(counts.at(2), 0) << "swapped in";
}

std::string name_of(const testing::TestParamInfo<UnderPressure::ParamType>& info) {
  constexpr std::array<const char*, 3> names{"at_once", "batched", "broadcast"};
  return std::string(std::get<0>(info.param).name) + "_" + names.at(std::get<1>(info.param)) +
         (std::get<2>(info.param) == 0 ? "" : "_on_a_failing_device");
}
INSTANTIATE_TEST_SUITE_P(Everywhere, UnderPressure,
                         testing::Combine(testing::ValuesIn(generations), testing::Range<std::size_t>(0, 3),
                                          testing::Values(std::int64_t{0}, std::int64_t{40})),
                         name_of);
INSTANTIATE_TEST_SUITE_P(AsTheKernelWas, UnderPressure,
                         testing::Combine(testing::ValuesIn(old_kernels), testing::Values(std::size_t{0}),
                                          testing::Values(std::int64_t{0})),
                         name_of);

/// One interrupt for all: of an hrtimer, of a timer, on an idle core.
TEST(OneCpu, SleepersOfOneInstantAllWakeAtIt) {
  KernelWorld w(1);
  Timeouts timeouts(w.system.machine, w.system.scheduler);
  Nanosleep sleep(w.system);
  const Instant t{std::chrono::milliseconds(20)};
  std::vector<Instant> awake;
  spawn_process_at_boot(w.system, "timer", CoreId(0), [&](Task& task) {
    timeouts.sleep(task, t, Account::io);
    awake.push_back(task.now());
    exit_task(w.system, task);
  });
  spawn_process_at_boot(w.system, "hrtimer", CoreId(0), [&](Task& task) {
    sleep.until(task, t);
    awake.push_back(task.now());
    exit_task(w.system, task);
  });
  w.engine.run();
  ASSERT_EQ(awake.size(), 2u);
  for (const Instant when : awake) {
    EXPECT_GE(when, t);
    EXPECT_LT(when, t + std::chrono::milliseconds(1)) << "not a tick later, which is a second";
  }
}

/// Its timers, kswapd's, reclaim's and write-back's meet on the one CPU, which is idle between.
TEST(OneCpu, NobodySleepsForEverBesideReclaim) {
  for (const KernelVersion& version : versions) {
    const auto counts = in_child([&] {
      KernelWorld w(1, version.settings + Settings{{"machine.memory", "16 MiB"},
                                                   {"machine.swap.size", "32 MiB"},
                                                   {"machine.swap.latency", "20 us"},
                                                   {"kernel.overcommit_memory", std::int64_t{1}},
                                                   {"kernel.hz", std::int64_t{250}}});
      Nanosleep sleep(w.system);
      File& file = w.system.page_cache.create("data", 300, InMemory::no);
      std::int64_t slept = 0;
      spawn_process_at_boot(w.system, "sleeper", CoreId(0), [&](Task& task) {
        RandomStream random(1, "sleeper");
        const PageNumber first =
            mmap(w.system, task, {.pages = 300, .flags = MAP_SHARED, .file = &file}).first;
        for (; slept < 200; ++slept) {
          sleep.until(task, task.now() + std::chrono::microseconds(1 + random.below(2000)));
          touch(w.system, task, first + random.below(300), AccessKind::write);
        }
        exit_task(w.system, task);
      });
      spawn_process_at_boot(w.system, "writer", CoreId(0), [&](Task& task) {
        constexpr std::uint64_t pages = 5000;
        const PageNumber first = mmap(w.system, task, pages);
        for (std::uint64_t page = 0; page < 2 * pages; ++page)
          touch(w.system, task, first + page % pages, AccessKind::write);
        exit_task(w.system, task);
      });
      w.engine.run();
      w.system.check_invariants();
      return std::vector<std::int64_t>{slept, static_cast<std::int64_t>(w.count(Counter::pgsteal))};
    });
    EXPECT_EQ(counts.at(0), 200) << version.name;
    EXPECT_GT(counts.at(1), 1000) << version.name;
  }
}

/// A process that writes one page after the other of more than there is, with `think` between: direct reclaims, pages
/// freed, by kswapd, and what a fault took on average.
std::vector<std::int64_t> pressed(const KernelVersion& version, Duration think) {
  return in_child([&] {
    KernelWorld w(2, version.settings + Settings{{"machine.memory", "64 MiB"},
                                                 {"machine.swap.size", "128 MiB"},
                                                 {"machine.swap.latency", "20 us"},
                                                 {"kernel.overcommit_memory", std::int64_t{1}},
                                                 {"kernel.hz", std::int64_t{250}}});
    constexpr std::uint64_t pages = 20'000;
    Duration all{};
    spawn_process_at_boot(w.system, "writer", CoreId(0), [&](Task& task) {
      const PageNumber first = mmap(w.system, task, pages);
      for (std::uint64_t page = 0; page < pages; ++page) {
        if (think.count() > 0) run_user(w.system, task, think);
        all += time_of(task, [&] { touch(w.system, task, first + page, AccessKind::write); });
      }
      exit_task(w.system, task);
    });
    w.engine.run();
    w.system.check_invariants();
    return std::vector<std::int64_t>{static_cast<std::int64_t>(w.count(Counter::direct_reclaim)),
                                     static_cast<std::int64_t>(w.count(Counter::pgsteal)),
                                     static_cast<std::int64_t>(w.count(Counter::kswapd_steal)),
                                     all.count() / static_cast<std::int64_t>(pages)};
  });
}

// 5.10. (kswapd of 2.6.24 sleeps for a tenth of a second wherever a pass has freed less than a batch, so that on a
// machine of this size direct reclaim has to do its work at any pace.)
TEST(Pace, KswapdKeepsUpWithASlowWriterAndAFastOneReclaimsItself) {
  const std::vector<std::int64_t> slow = pressed(versions.at(0), std::chrono::microseconds(50));
  const std::vector<std::int64_t> fast = pressed(versions.at(0), Duration{});
  EXPECT_LE(slow.at(0), 2) << "direct reclaims, before kswapd has found the first pages to free";
  EXPECT_GT(slow.at(2), slow.at(1) * 95 / 100) << "pages that kswapd has freed, of all";
  EXPECT_GT(fast.at(0), 10);
  EXPECT_LT(fast.at(2), fast.at(1) * 80 / 100);
  EXPECT_GT(fast.at(3), slow.at(3) * 3 / 2) << "a fault on average, in ps";
}

} // namespace
} // namespace mmsim::tests::reclaim_random_test
