// Does a page that goes out and comes back take what the device and the steps take, and do slots and their counts say
// who has what?

#include "models/operations/munmap.hpp"
#include "tests/support/swap_out.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::swap_test {
namespace {

using namespace literals;

const Settings linux_2_6_24{{"kernel.swap_slots", "scan"},        {"kernel.swap_space", "0 B"},
                            {"kernel.swap_readahead", "aligned"}, {"kernel.swap_exclusive", "page_count"},
                            {"kernel.swap_in_accessed", true},    {"kernel.lockless_page_cache", false},
                            {"kernel.fault_retry", false},        {"kernel.cow_reuse", "mapcount"},
                            {"kernel.rmap", "anon_vma"},          {"kernel.lru", "zone"},
                            {"kernel.vm_stat", "zone"},           {"kernel.lru_new_anon", "active"}};
const Settings linux_5_10{};

Settings swap_of(const char* size) {
  return {{"machine.swap.size", size}, {"kernel.page_cluster", std::int64_t{0}}};
}

/// What a process on an otherwise idle machine counts.
std::vector<std::int64_t>
on_idle_machine(const Settings& settings,
                const std::function<std::vector<std::int64_t>(KernelWorld&, Task&)>& body,
                std::uint32_t cpus = 1) {
  return in_child([&] {
    KernelWorld w(cpus, settings);
    std::vector<std::int64_t> counted;
    spawn_process_at_boot(w.system, "process", CoreId(0), [&](Task& task) {
      counted = body(w, task);
      exit_task(w.system, task);
    });
    w.engine.run();
    w.system.check_invariants();
    return counted;
  });
}

class Swaps : public testing::TestWithParam<Settings> {};
INSTANTIATE_TEST_SUITE_P(Versions, Swaps, testing::Values(linux_5_10, linux_2_6_24),
                         [](const auto& info) { return info.index == 0 ? "linux_5_10" : "linux_2_6_24"; });

/// What it takes to write a page and to fault it in again, in picoseconds.
std::vector<std::int64_t> out_and_in(const Settings& settings, const char* latency, const char* bandwidth) {
  return on_idle_machine(
      settings + swap_of("1 MiB") +
          Settings{{"machine.swap.latency", latency}, {"machine.swap.bandwidth", bandwidth}},
      [](KernelWorld& w, Task& task) {
        const PageNumber page = mmap_apart(w.system, task, 1);
        touch(w.system, task, page, AccessKind::write);
        const Duration out = time_of(task, [&] { swap_out(w, task, page); });
        const Duration in = time_of(task, [&] { touch(w.system, task, page, AccessKind::read); });
        const auto count = [&](Counter counter) { return static_cast<std::int64_t>(w.count(counter)); };
        return std::vector<std::int64_t>{out.count(), in.count(), count(Counter::pgmajfault),
                                         count(Counter::pswpin), count(Counter::pswpout)};
      });
}

TEST_P(Swaps, TakeWhatTheDeviceTakesAndWorkThatIsAlwaysTheSame) {
  // 4 KiB take 1 us at 4.096 GB/s, 4 us at 1.024 GB/s.
  const auto base = out_and_in(GetParam(), "10 us", "4.096 GB/s");
  const auto later = out_and_in(GetParam(), "17 us", "4.096 GB/s");
  const auto slower = out_and_in(GetParam(), "10 us", "1.024 GB/s");
  for (const std::size_t counter : {2, 3, 4})
    EXPECT_EQ(base[counter], 1);
  for (const std::size_t way : {0, 1}) {
    EXPECT_EQ(later[way] - base[way], Duration(7_us).count());
    EXPECT_EQ(slower[way] - base[way], Duration(3_us).count());
    EXPECT_GT(base[way], Duration(11_us).count());
  }
}

TEST_P(Swaps, ASwapInIsAMinorFaultWhileThePageIsInTheSwapCache) {
  const auto counted = on_idle_machine(GetParam() + swap_of("1 MiB"), [](KernelWorld& w, Task& task) {
    const PageNumber page = mmap_apart(w.system, task, 1);
    touch(w.system, task, page, AccessKind::write);
    const FrameNumber frame = begin_swap_out(w, task, page);
    w.system.page_cache.waits.wait_on_page_writeback(task, frame);
    const bool swapped = static_cast<bool>(swap_entry(task, page));
    touch(w.system, task, page, AccessKind::read);
    const bool same = task.mm->tables.find(page)->frame() == frame;
    w.system.lru->put_page(task.core(), frame);
    return std::vector<std::int64_t>{swapped,
                                     same,
                                     static_cast<std::int64_t>(w.count(Counter::pgmajfault)),
                                     static_cast<std::int64_t>(w.count(Counter::pswpin)),
                                     task.mm->swapents,
                                     task.mm->rss_anon};
  });
  EXPECT_EQ(counted, (std::vector<std::int64_t>{1, 1, 0, 0, 0, 1}));
}

TEST_P(Swaps, ForkCountsTheEntriesOfASlotAndTheLastOneFreesIt) {
  const auto counted = on_idle_machine(GetParam() + swap_of("1 MiB"), [](KernelWorld& w, Task& task) {
    const PageNumber page = mmap_apart(w.system, task, 1);
    touch(w.system, task, page, AccessKind::write);
    swap_out(w, task, page);
    const SwapSlots& slots = w.system.swap.areas();
    const SwapEntry entry = swap_entry(task, page);
    std::vector<std::int64_t> counts{slots.count_now(entry)};
    auto exited = std::make_shared<Completion>("the child's exit");
    fork(
        w.system, task, CoreId(0), [&w](Task& child) { exit_task(w.system, child); }, exited);
    counts.push_back(slots.count_now(entry));
    exited->wait(w.system, task);
    counts.push_back(slots.count_now(entry));
    munmap(w.system, task, page, 1);
    counts.push_back(task.mm->swapents);
    counts.push_back(static_cast<std::int64_t>(w.system.swap.areas().named()));
    return counts;
  });
  EXPECT_EQ(counted, (std::vector<std::int64_t>{1, 2, 1, 0, 0}));
}

TEST_P(Swaps, AFullSwapRefusesAndSaysSo) {
  const auto counted = on_idle_machine(GetParam() + swap_of("16 KiB"), [](KernelWorld& w, Task& task) {
    const PageNumber page = mmap_apart(w.system, task, 4);
    for (int i = 0; i < 4; ++i)
      touch(w.system, task, page + static_cast<std::uint64_t>(i), AccessKind::write);
    swap_out(w, task, page, 3); // a page is the header
    const bool refused = begin_swap_out(w, task, page + 3) == no_frame;
    return std::vector<std::int64_t>{refused, static_cast<std::int64_t>(w.system.swap.free_slots()),
                                     static_cast<std::int64_t>(w.count(Counter::swap_full)),
                                     task.mm->swapents};
  });
  EXPECT_EQ(counted, (std::vector<std::int64_t>{1, 0, 1, 3}));
}

TEST_P(Swaps, AWriteWaitsUntilTheQueueHasRoom) {
  for (const std::int64_t room : {1, 2, 3}) {
    const auto waited =
        on_idle_machine(GetParam() + swap_of("1 MiB") +
                            Settings{{"machine.swap.latency", "1 ms"}, {"kernel.nr_requests", room}},
                        [](KernelWorld& w, Task& task) {
                          const PageNumber page = mmap_apart(w.system, task, 3);
                          for (std::uint64_t i = 0; i < 3; ++i)
                            touch(w.system, task, page + i, AccessKind::write);
                          std::vector<FrameNumber> frames;
                          const Duration begun = time_of(task, [&] {
                            for (std::uint64_t i = 0; i < 3; ++i)
                              frames.push_back(begin_swap_out(w, task, page + i));
                          });
                          for (const FrameNumber frame : frames)
                            finish_swap_out(w, task, frame);
                          return std::vector<std::int64_t>{begun / Duration(1_ms)};
                        });
    EXPECT_EQ(waited[0], (3 - 1) / room) << room << " requests"; // the work takes some microseconds
  }
}

/// Slots that a process has left once it has faulted a page in, for reading or for writing.
std::int64_t slots_after(const Settings& settings, AccessKind kind) {
  return on_idle_machine(settings + swap_of("1 MiB"), [kind](KernelWorld& w, Task& task) {
    const PageNumber page = mmap_apart(w.system, task, 1);
    touch(w.system, task, page, AccessKind::write);
    swap_out(w, task, page);
    touch(w.system, task, page, kind);
    return std::vector<std::int64_t>{static_cast<std::int64_t>(w.system.swap.areas().named())};
  })[0];
}

TEST(SwapSlotsOf, PagesThatCameBackStayUntilTheyAreWrittenTo) {
  EXPECT_EQ(slots_after(linux_5_10, AccessKind::read), 1);
  EXPECT_EQ(slots_after(linux_5_10, AccessKind::write), 0); // reuse_swap_page()
  EXPECT_EQ(slots_after(linux_2_6_24, AccessKind::read), 1);
  EXPECT_EQ(slots_after(linux_2_6_24, AccessKind::write), 1); // until swap is half full
}

std::vector<std::int64_t> offsets(const Settings& settings, const char* size, std::uint64_t pages) {
  return on_idle_machine(settings + swap_of(size), [pages](KernelWorld& w, Task& task) {
    const PageNumber first = mmap_apart(w.system, task, pages);
    for (std::uint64_t i = 0; i < pages; ++i)
      touch(w.system, task, first + i, AccessKind::write);
    swap_out(w, task, first, pages);
    std::vector<std::int64_t> found{static_cast<std::int64_t>(w.system.swap.free_slots())};
    for (std::uint64_t i = 0; i < pages; ++i)
      found.push_back(swap_entry(task, first + i).offset());
    return found;
  });
}

TEST(SwapSlotsOf, ARowOfPagesAreARowOfSlots) {
  EXPECT_EQ(offsets(linux_2_6_24, "4 MiB", 4), (std::vector<std::int64_t>{1023 - 4, 1, 2, 3, 4}));
  // The CPU's cache of slots takes 64 at once; cluster 0, with the header, is not free as a whole.
  EXPECT_EQ(offsets(linux_5_10, "4 MiB", 4), (std::vector<std::int64_t>{1023 - 64, 256, 257, 258, 259}));
  // There are too few for a cache of slots.
  EXPECT_EQ(offsets(linux_5_10, "1 MiB", 4), (std::vector<std::int64_t>{255 - 4, 1, 2, 3, 4}));
}

/// A process swaps 16 pages out and reads them one after the other: faults that read, pages read, of them ahead.
std::vector<std::int64_t> read_in_a_row(const Settings& settings) {
  return on_idle_machine(settings + Settings{{"machine.swap.size", "4 MiB"}}, [](KernelWorld& w, Task& task) {
    const PageNumber first = mmap_apart(w.system, task, 16);
    for (std::uint64_t i = 0; i < 16; ++i)
      touch(w.system, task, first + i, AccessKind::write);
    swap_out(w, task, first, 16);
    for (std::uint64_t i = 0; i < 16; ++i)
      touch(w.system, task, first + i, AccessKind::read);
    const auto count = [&](Counter counter) { return static_cast<std::int64_t>(w.count(counter)); };
    return std::vector<std::int64_t>{count(Counter::pgmajfault), count(Counter::pswpin),
                                     count(Counter::swap_ra), count(Counter::swap_ra_hit)};
  });
}

TEST(SwapReadaheadOf, ARowOfPagesReadsThemByTheWindow) {
  // Slots 1 to 16: the windows are 1 to 7, 8 to 15, and 16.
  EXPECT_EQ(read_in_a_row(linux_2_6_24), (std::vector<std::int64_t>{3, 16, 13, 13}));
  // The first window of 8 is centred, and its lower part is not in the area: 5 pages; then 8, and the last 3.
  EXPECT_EQ(read_in_a_row(linux_5_10), (std::vector<std::int64_t>{3, 16, 13, 13}));
}

TEST_P(Swaps, AFailedReadKillsWhoNeedsThePageAndNobodyElse) {
  const auto result = in_child([] {
    // Requests 1 and 2 are writes, the third is the first read.
    KernelWorld w(2, GetParam() + swap_of("1 MiB") + Settings{{"machine.swap.fail_every", std::int64_t{3}}});
    int survivors = 0, killed = 0;
    w.system.task_killed = [&](Task&) { ++killed; };
    bool gone = false;
    spawn_process_at_boot(w.system, "victim", CoreId(0), [&](Task& task) {
      const PageNumber page = mmap_apart(w.system, task, 2);
      touch(w.system, task, page, AccessKind::write);
      touch(w.system, task, page + 1, AccessKind::write);
      swap_out(w, task, page, 2);
      gone = true;
      touch(w.system, task, page, AccessKind::read);
      ++survivors;
    });
    spawn_process_at_boot(w.system, "bystander", CoreId(1), [&](Task& task) {
      w.spin_in_user_mode(task, gone);
      const PageNumber page = mmap_apart(w.system, task, 1);
      touch(w.system, task, page, AccessKind::write);
      ++survivors;
      exit_task(w.system, task);
    });
    w.engine.run();
    w.system.check_invariants();
    return std::vector<std::int64_t>{survivors, killed, static_cast<std::int64_t>(w.count(Counter::sigbus)),
                                     static_cast<std::int64_t>(w.system.swap.areas().named())};
  });
  EXPECT_EQ(result, (std::vector<std::int64_t>{1, 1, 1, 0}));
}

TEST_P(Swaps, AFailedWriteKeepsThePage) {
  const auto counted = on_idle_machine(
      GetParam() + swap_of("1 MiB") + Settings{{"machine.swap.fail_every", std::int64_t{1}}},
      [](KernelWorld& w, Task& task) {
        const PageNumber page = mmap_apart(w.system, task, 1);
        touch(w.system, task, page, AccessKind::write);
        const FrameNumber frame = begin_swap_out(w, task, page);
        w.system.page_cache.waits.wait_on_page_writeback(task, frame);
        const bool dirty = (w.system.pages[frame].flags & PG_dirty) != 0;
        w.system.page_cache.waits.lock_page(task, frame);
        const bool removed = w.system.swap.remove_mapping(task.core(), frame);
        w.system.page_cache.waits.unlock_page(task.core(), frame);
        touch(w.system, task, page, AccessKind::read);
        w.system.lru->put_page(task.core(), frame);
        return std::vector<std::int64_t>{dirty, removed, static_cast<std::int64_t>(w.count(Counter::pswpin))};
      });
  EXPECT_EQ(counted, (std::vector<std::int64_t>{1, 0, 0}));
}

TEST(SwapSize, ThatIsNonsenseIsRefused) {
  for (const char* size : {"100 B", "4 KiB", "1 TiB"})
    EXPECT_EQ(in_child([size] {
                try {
                  KernelWorld w(1, {{"machine.swap.size", size}});
                } catch (const InputError&) {
                  return std::vector<std::int64_t>{1};
                }
                return std::vector<std::int64_t>{0};
              }),
              std::vector<std::int64_t>{1})
        << size;
}

TEST(SwapToken, GoesToWhoComesFirstAndIsGivenUpAtTheEnd) {
  KernelWorld w(1, swap_of("1 MiB") + Settings{{"kernel.swap_token", "priority"}});
  SwapToken& token = w.system.swap.token();
  std::vector<bool> held;
  const auto spawn = [&](int turns) {
    spawn_process_at_boot(w.system, "process", CoreId(0), [&, turns](Task& task) {
      for (int i = 0; i < turns; ++i)
        token.grab(task);
      held.push_back(token.held_by(*task.mm));
      exit_task(w.system, task);
    });
  };
  spawn(1); // first come; when it is gone nobody has the token: put_swap_token()
  spawn(1);
  w.engine.run();
  EXPECT_EQ(held, (std::vector<bool>{true, true}));
  EXPECT_EQ(w.count(Counter::swap_token), 2u);
}

} // namespace
} // namespace mmsim::tests::swap_test
