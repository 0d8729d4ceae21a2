// Does the stale-translation oracle catch kernels that flush wrongly, and leave those alone that flush
// rightly?
//
// The wrong kernels are policies registered here and nowhere else, and small programs that do steps in a
// wrong order.

#include "models/tlb_flush/shootdown.hpp"
#include "sim/engine/random.hpp"
#include "tests/support/kernel_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mmsim::tests {
namespace {

using namespace literals;
using testing::AllOf;
using testing::HasSubstr;

// --- wrong policies

class FlushesNothing final : public TlbFlushPolicy {
 public:
  void flush(Core&, MmStruct&, const FlushRange&) override {}
  void flush_kernel_range(Core&, PageNumber, PageNumber, bool) override {}
};
const Registered<TlbFlushPolicy> flushes_nothing{
    "test_flushes_nothing", "planted bug",
    [](const FlushMeans&) { return std::make_unique<FlushesNothing>(); }};

class FlushesHereOnly final : public ShootdownPolicy {
 public:
  using ShootdownPolicy::ShootdownPolicy;
  CoreSet targets(Core&, MmStruct&, const FlushRange&) override { return {}; }
};
const Registered<TlbFlushPolicy> flushes_here_only{
    "test_flushes_here_only", "planted bug",
    [](const FlushMeans& means) { return std::make_unique<FlushesHereOnly>(means); }};

/// `eager` as it is right without ids: with them a core that comes back still holds entries, and nobody told
/// it.
class ClearsBitOnLeaving final : public MaskedShootdownPolicy {
 public:
  using MaskedShootdownPolicy::MaskedShootdownPolicy;
  CoreSet targets(Core& core, MmStruct& mm, const FlushRange&) override { return others_in_mask(core, mm); }
  void leave(Core& core, MmStruct& mm) override { clear_bit(core, mm); }
};
const Registered<TlbFlushPolicy> clears_bit_on_leaving{
    "test_clears_bit_on_leaving", "planted bug",
    [](const FlushMeans& means) { return std::make_unique<ClearsBitOnLeaving>(means); }};

/// Skips lazy cores whatever is freed. They do flush when they come back, but their walkers do not wait for
/// that.
class SkipsLazyCoresAlways final : public MaskedShootdownPolicy {
 public:
  using MaskedShootdownPolicy::MaskedShootdownPolicy;
  CoreSet targets(Core& core, MmStruct& mm, const FlushRange&) override {
    CoreSet awake;
    others_in_mask(core, mm).for_each([&](CoreId id) {
      if (!lazy_.contains(id)) awake.insert(id);
    });
    return awake;
  }
  void enter_lazy(Core& core, MmStruct&) override { lazy_.insert(core.id()); }
  void leave_lazy(Core& core, MmStruct& mm) override {
    lazy_.erase(core.id());
    invalidate_here(core, mm, {PageNumber(0), mm.tables.shape().end(), true, false});
  }
  void leave(Core& core, MmStruct&) override { lazy_.erase(core.id()); }

 private:
  CoreSet lazy_;
};
const Registered<TlbFlushPolicy> skips_lazy_cores_always{
    "test_skips_lazy_cores_always", "planted bug",
    [](const FlushMeans& means) { return std::make_unique<SkipsLazyCoresAlways>(means); }};

/// The handler says that it is done, and invalidates two microseconds later.
class AcknowledgesFirst final : public TlbFlushPolicy {
 public:
  explicit AcknowledgesFirst(const FlushMeans& means) : means_(means) {}
  void flush(Core& core, MmStruct& mm, const FlushRange& range) override {
    invalidate(core, mm, range);
    struct Later final : RemoteCall {
      AcknowledgesFirst& policy;
      MmStruct& mm;
      const FlushRange& range;
      Later(AcknowledgesFirst& p, MmStruct& m, const FlushRange& r) : policy(p), mm(m), range(r) {}
      void run(Core& target) override {
        target.engine().at(target.now() + 2_us, [&policy = policy, &target, &mm = mm, range = range] {
          target.catch_up();
          policy.invalidate(target, mm, range);
        });
      }
    } later(*this, mm, range);
    CoreSet others = means_.machine.online();
    others.erase(core.id());
    means_.calls.call(core, others, later);
  }
  void flush_kernel_range(Core&, PageNumber, PageNumber, bool) override {}

 private:
  void invalidate(Core& core, MmStruct& mm, const FlushRange& range) {
    if (range.whole_mm)
      core.tlb().invalidate_asid(means_.ids.id_of(mm));
    else
      for (PageNumber page = range.begin; page < range.end; ++page)
        core.tlb().invalidate_page(means_.ids.id_of(mm), page);
  }
  FlushMeans means_;
};
const Registered<TlbFlushPolicy> acknowledges_first{
    "test_acknowledges_first", "planted bug",
    [](const FlushMeans& means) { return std::make_unique<AcknowledgesFirst>(means); }};

// --- programs

// Two threads of a process: cpu 1 reads a page, cpu 0 takes it away and maps another one there, cpu 1 reads
// again.
std::string page_replaced_under_a_reader(const Settings& settings, std::uint32_t cpus = 2) {
  KernelWorld w(cpus, settings);
  bool mapped = false, seen = false, replaced = false;
  PageNumber page{};
  Task& owner = spawn_process_at_boot(w.system, "owner", CoreId(0), [&](Task& task) {
    page = mmap(w.system, task, 1);
    touch(w.system, task, page, AccessKind::write);
    mapped = true;
    if (cpus > 1) w.spin_in_user_mode(task, seen);
    w.dont_need(task, page, 1);
    touch(w.system, task, page, AccessKind::write);
    replaced = true;
    exit_task(w.system, task);
  });
  owner.bound = true;
  if (cpus > 1)
    spawn_thread_at_boot(w.system, "reader", *owner.mm, CoreId(1), [&](Task& task) {
      w.spin_in_user_mode(task, mapped);
      touch(w.system, task, page, AccessKind::read);
      seen = true;
      w.spin_in_user_mode(task, replaced);
      touch(w.system, task, page, AccessKind::read);
      exit_task(w.system, task);
    }).bound = true;
  return violation_of([&] {
    w.engine.run();
    w.system.check_invariants();
  });
}

TEST(Oracle, CatchesAFlushThatWasDropped) {
  EXPECT_THAT(
      page_replaced_under_a_reader({{"kernel.tlb_flush", "test_flushes_nothing"}}, 1),
      AllOf(HasSubstr("stale translation: cpu 0 uses page 0x200 "), HasSubstr("frame has been freed")));
}

TEST(Oracle, CatchesAFlushThatWasNotSentToOthers) {
  EXPECT_THAT(
      page_replaced_under_a_reader({{"kernel.tlb_flush", "test_flushes_here_only"}}),
      AllOf(HasSubstr("stale translation: cpu 1 uses page 0x200 "), HasSubstr("frame has been freed")));
}

TEST(Oracle, HasNothingAgainstAFlushOfAllInTheMask) {
  EXPECT_EQ(page_replaced_under_a_reader({{"kernel.tlb_flush", "eager"}}), "");
}

// The reader's core runs another process while the page is replaced.
std::string page_replaced_while_the_reader_is_away(const Settings& settings) {
  KernelWorld w(2, settings);
  bool mapped = false, away = false, stop = false;
  Completion replaced("the new page");
  PageNumber page{};
  Task& owner = spawn_process_at_boot(w.system, "owner", CoreId(0), [&](Task& task) {
    page = mmap(w.system, task, 1);
    touch(w.system, task, page, AccessKind::write);
    mapped = true;
    w.spin_in_user_mode(task, away);
    w.dont_need(task, page, 1);
    touch(w.system, task, page, AccessKind::write);
    replaced.complete(w.system, task.core());
    stop = true;
    exit_task(w.system, task);
  });
  owner.bound = true;
  spawn_thread_at_boot(w.system, "reader", *owner.mm, CoreId(1), [&](Task& task) {
    w.spin_in_user_mode(task, mapped);
    touch(w.system, task, page, AccessKind::read);
    replaced.wait(w.system, task);
    touch(w.system, task, page, AccessKind::read);
    exit_task(w.system, task);
  }).bound = true;
  spawn_process_at_boot(w.system, "other process", CoreId(1), [&](Task& task) {
    w.spin_in_user_mode(task, mapped);
    w.system.scheduler.yield(task); // to the reader, if it has not read yet
    away = true;
    w.spin_in_user_mode(task, stop);
    exit_task(w.system, task);
  }).bound = true;
  return violation_of([&] {
    w.engine.run();
    w.system.check_invariants();
  });
}

TEST(Oracle, CatchesAMaskBitClearedTooEarlyWhereIdsKeepEntriesAlive) {
  EXPECT_THAT(
      page_replaced_while_the_reader_is_away(
          {{"kernel.tlb_flush", "test_clears_bit_on_leaving"}, {"kernel.asid_bits", std::int64_t{16}}}),
      AllOf(HasSubstr("stale translation: cpu 1 uses page 0x200 "), HasSubstr("cpu 1 is in its mask")));
}

TEST(Oracle, LetsTheBitGoWhereTheSwitchFlushed) {
  EXPECT_EQ(page_replaced_while_the_reader_is_away(
                {{"kernel.tlb_flush", "test_clears_bit_on_leaving"}, {"kernel.asid_bits", std::int64_t{0}}}),
            "");
}

TEST(Oracle, LetsTheBitGoWhereGenerationsAreCompared) {
  EXPECT_EQ(page_replaced_while_the_reader_is_away(
                {{"kernel.tlb_flush", "lazy"}, {"kernel.asid_bits", std::int64_t{16}}}),
            "");
}

// A thread reads a page round and round while another one takes it away, in this order or in that.
std::string page_taken_from_a_running_stream(bool free_before_flush, std::uint64_t& stale_hits,
                                             const Settings& settings = {}) {
  KernelWorld w(2, settings);
  bool mapped = false, done = false;
  PageNumber page{};
  Task& owner = spawn_process_at_boot(w.system, "owner", CoreId(0), [&](Task& task) {
    page = mmap(w.system, task, 1);
    touch(w.system, task, page, AccessKind::write);
    w.system.lru->lru_add_drain(task.core()); // or its pagevec would keep the page
    mapped = true;
    run_user(w.system, task, 20_us);
    MmStruct& mm = *task.mm;
    Core& core = task.core();
    w.system.before_entries_change(core);
    TablePage& table = *mm.tables.leaf(page);
    const std::size_t index = mm.tables.index(page, 0);
    const FrameNumber frame = table.words[index].frame();
    PageTable::set(table, index, table.words[index].cleared());
    --w.system.pages[frame].mapcount;
    --mm.rss;
    w.system.oracle.entry_changed(mm, page, page + 1);
    w.system.pages.count_page(core, frame, NR_ANON_MAPPED, -1); // the rest of page_remove_rmap()
    if (free_before_flush) put_page(w.system, core, frame);
    w.system.flusher.flush_page(core, mm, page);
    if (!free_before_flush) put_page(w.system, core, frame);
    run_user(w.system, task, 20_us);
    done = true;
    exit_task(w.system, task);
  });
  owner.bound = true;
  spawn_thread_at_boot(w.system, "reader", *owner.mm, CoreId(1), [&](Task& task) {
    w.spin_in_user_mode(task, mapped);
    WorkingSet set{page, 1, 10_ns, AccessKind::read};
    while (!done)
      run_user(w.system, task, 5_us, &set);
    exit_task(w.system, task);
  }).bound = true;
  const std::string said = violation_of([&] {
    w.engine.run();
    w.system.check_invariants();
  });
  stale_hits = w.count(Counter::stale_hit);
  return said;
}

TEST(Oracle, CatchesAFrameFreedBeforeTheFlush) {
  std::uint64_t stale_hits = 0;
  EXPECT_THAT(
      page_taken_from_a_running_stream(true, stale_hits),
      AllOf(HasSubstr("stale translation: cpu 1 uses page 0x200 "), HasSubstr("frame has been freed")));
}

TEST(Oracle, CountsUseOfTheOldEntryUntilTheFlushHasCompleted) {
  std::uint64_t stale_hits = 0;
  EXPECT_EQ(page_taken_from_a_running_stream(false, stale_hits), "");
  EXPECT_GT(stale_hits, 0u);
}

TEST(Oracle, CatchesAnAcknowledgementBeforeTheInvalidation) {
  std::uint64_t stale_hits = 0;
  EXPECT_THAT(
      page_taken_from_a_running_stream(false, stale_hits, {{"kernel.tlb_flush", "test_acknowledges_first"}}),
      AllOf(HasSubstr("stale translation: cpu 1 uses page 0x200 "), HasSubstr("frame has been freed")));
}

// cpu 1 idles on the tables of a process whose thread on cpu 0 frees one of them.
std::string table_freed_under_a_lazy_core(const std::string& policy) {
  KernelWorld w(2, {{"kernel.tlb_flush", policy}});
  bool mapped = false, asleep = false;
  Completion done("the munmap");
  PageNumber page{};
  Task& owner = spawn_process_at_boot(w.system, "owner", CoreId(0), [&](Task& task) {
    page = mmap(w.system, task, 1);
    touch(w.system, task, page, AccessKind::write);
    mapped = true;
    w.spin_in_user_mode(task, asleep);
    run_user(w.system, task, 10_us);
    EXPECT_TRUE(w.system.mm_switch.is_lazy(CoreId(1)));
    munmap(w.system, task, page, 1);
    done.complete(w.system, task.core());
    exit_task(w.system, task);
  });
  owner.bound = true;
  spawn_thread_at_boot(w.system, "reader", *owner.mm, CoreId(1), [&](Task& task) {
    w.spin_in_user_mode(task, mapped);
    touch(w.system, task, page, AccessKind::read);
    asleep = true;
    done.wait(w.system, task);
    exit_task(w.system, task);
  }).bound = true;
  return violation_of([&] {
    w.engine.run();
    w.system.check_invariants();
  });
}

TEST(Oracle, CatchesALazyCoreSkippedWhileTablesAreFreed) {
  EXPECT_THAT(table_freed_under_a_lazy_core("test_skips_lazy_cores_always"),
              AllOf(HasSubstr("stale walk"), HasSubstr("walker of cpu 1"), HasSubstr("table page of mm")));
}

TEST(Oracle, HasNothingAgainstLazyWhereItInterruptsForFreedTables) {
  EXPECT_EQ(table_freed_under_a_lazy_core("lazy"), "");
}

TEST(Oracle, CatchesATranslationToAnotherFrameThatWasNeverFlushed) {
  // fork's write-protection is announced, but its flush is dropped: the parent writes through the old entry.
  KernelWorld w(1, {{"kernel.tlb_flush", "test_flushes_nothing"}});
  spawn_process_at_boot(w.system, "parent", CoreId(0), [&](Task& task) {
    const PageNumber page = mmap(w.system, task, 1);
    touch(w.system, task, page, AccessKind::write);
    fork(w.system, task, CoreId(0), [&](Task& child) { exit_task(w.system, child); });
    touch(w.system, task, page, AccessKind::write);
    exit_task(w.system, task);
  });
  EXPECT_THAT(violation_of([&] { w.engine.run(); }),
              AllOf(HasSubstr("cpu 0 uses page 0x200"), HasSubstr("the flush of that change has completed")));
}

// --- changes that overlap flushes of others

TEST(Oracle, ClosesEveryPartOfAChangeThatTwoPathsMadeTogether) {
  KernelWorld w(1);
  MmStruct& mm = w.system.new_mm();
  Oracle& oracle = w.system.oracle;
  oracle.entry_changed(mm, PageNumber(10), PageNumber(12)); // one path
  oracle.entry_changed(mm, PageNumber(12), PageNumber(13)); // another one, next to it
  oracle.flush_ends(mm, PageNumber(12), PageNumber(13), oracle.flush_begins(mm));
  ASSERT_EQ(mm.open_changes.size(), 1u);
  EXPECT_EQ(mm.open_changes[0].end, PageNumber(12));
  oracle.flush_ends(mm, PageNumber(10), PageNumber(12), oracle.flush_begins(mm));
  EXPECT_TRUE(mm.open_changes.empty());
}

TEST(Oracle, KeepsAChangeOpenThatCameAfterTheFlushHadBegun) {
  KernelWorld w(1);
  MmStruct& mm = w.system.new_mm();
  Oracle& oracle = w.system.oracle;
  oracle.entry_changed(mm, PageNumber(10), PageNumber(11));
  const std::uint64_t ticket = oracle.flush_begins(mm);
  oracle.entry_changed(mm, PageNumber(11), PageNumber(12));
  oracle.flush_ends(mm, PageNumber(0), PageNumber(100), ticket);
  ASSERT_EQ(mm.open_changes.size(), 1u);
  EXPECT_EQ(mm.open_changes[0].begin, PageNumber(11));
}

// --- guards of bugs that were there

// A core that goes from lazy on one process to a thread of another: whoever flushes the second one meanwhile
// must not take it for lazy. The flush comes at every phase of the switch, 10 ns apart.
TEST(LazyPolicy, IsAwakeInTheNextAddressSpaceBeforeItsMaskSaysSo) {
  KernelWorld w(2, {{"kernel.tlb_flush", "lazy"}});
  constexpr int rounds = 600;
  bool over = false;
  Task *reader = nullptr, *other = nullptr;
  int to_do = 0, read = 0, waited = 0;
  PageNumber page{};
  Task& owner = spawn_process_at_boot(w.system, "owner", CoreId(0), [&](Task& task) {
    page = mmap(w.system, task, 2);
    touch(w.system, task, page + 1, AccessKind::write);
    for (int round = 0; round < rounds; ++round) {
      touch(w.system, task, page, AccessKind::write);
      run_user(w.system, task, 20_us); // the reader has gone to sleep
      w.system.scheduler.wake(task.core(), *other);
      run_user(w.system, task, 20_us); // so has the other: the core is lazy on its address space
      ++to_do;
      w.system.scheduler.wake(task.core(), *reader);
      if (round > 0) run_user(w.system, task, round * 10_ns);
      w.dont_need(task, page, 1);
      while (read < to_do)
        run_user(w.system, task, 100_ns);
    }
    over = true;
    w.system.scheduler.wake(task.core(), *other);
    exit_task(w.system, task);
  });
  owner.bound = true;
  reader = &spawn_thread_at_boot(w.system, "reader", *owner.mm, CoreId(1), [&](Task& task) {
    for (int round = 0; round < rounds; ++round) {
      while (to_do <= round)
        w.system.scheduler.block(task, Account::schedule, nullptr);
      for (int i = 0; i < 20; ++i) {
        touch(w.system, task, page, AccessKind::read);
        run_user(w.system, task, 200_ns);
      }
      ++read;
    }
    exit_task(w.system, task);
  });
  reader->bound = true;
  other = &spawn_process_at_boot(w.system, "other process", CoreId(1), [&](Task& task) {
    while (!over) {
      ++waited;
      w.system.scheduler.block(task, Account::schedule, nullptr);
      run_user(w.system, task, 1_us);
    }
    exit_task(w.system, task);
  });
  other->bound = true;
  EXPECT_EQ(violation_of([&] {
              w.engine.run();
              w.system.check_invariants();
            }),
            "");
  EXPECT_EQ(read, rounds);
}

// At a roll-over of ids a core loses what it held of others, but not its place in the mask of the one that it
// is about to load.
TEST(Asids, ARolloverLeavesTheNextAddressSpaceItsBit) {
  KernelWorld w(2, {{"kernel.tlb_flush", "eager"}, {"kernel.asid_bits", std::int64_t{16}}});
  bool used_up = false;
  spawn_process_at_boot(w.system, "eater of ids", CoreId(0), [&](Task& task) {
    run_user(w.system, task, 50_us);    // the others have their ids
    MmStruct& many = w.system.new_mm(); // stands for 65535 processes
    Core& core = task.core();
    core.irq_disable();
    for (int id = 0; id < 65540; ++id) {
      many.context = 0;
      w.system.ids.check_and_switch(core, many);
    }
    w.system.ids.check_and_switch(core, *task.mm);
    core.irq_enable();
    used_up = true;
    exit_task(w.system, task);
  }).bound = true;
  for (const char* name : {"one", "two"})
    spawn_process_at_boot(w.system, name, CoreId(1), [&](Task& task) {
      const PageNumber page = mmap(w.system, task, 1);
      for (int rounds_after = 0; rounds_after < 3; rounds_after += used_up) {
        touch(w.system, task, page, AccessKind::write);
        run_user(w.system, task, 20_us);
        w.system.scheduler.yield(task);
        ASSERT_TRUE(task.mm->cpumask.contains(CoreId(1))) << task.name;
      }
      exit_task(w.system, task);
    }).bound = true;
  w.engine.run();
  EXPECT_TRUE(used_up);
}

// --- kernels that flush rightly

struct Shared { // what the threads of a process do to each other
  MmStruct* mm = nullptr;
  PageNumber heap{}, window{};
  std::uint64_t window_pages = 0;
  bool open = false;
  int inside = 0;
  bool closing = false;
};
constexpr std::uint64_t heap_pages = 12;

void random_step(KernelWorld& w, Task& task, Shared& shared, RandomStream& random,
                 std::vector<Task*>& kernel_threads, std::uint32_t cpus) {
  System& system = w.system;
  const auto below = [&](std::uint64_t n) { return random.below(n); };
  switch (below(8)) {
  case 0:
  case 1: {
    WorkingSet set{shared.heap, heap_pages, 40_ns, AccessKind::write};
    run_user(system, task, random.exponential(8_us), &set);
    break;
  }
  case 2: { // areas of its own, with a table of their own or not
    const std::uint64_t pages = 1 + below(6);
    const PageNumber area = mmap(system, task, pages, below(2) ? 512 : 1);
    for (std::uint64_t i = 0; i < pages; ++i)
      touch(system, task, area + i, below(2) ? AccessKind::write : AccessKind::read);
    if (below(2)) run_user(system, task, random.exponential(3_us));
    munmap(system, task, area, pages);
    break;
  }
  case 3: // an area that others read while it is there, taken away and mapped again at the same place
    if (!shared.open && !shared.closing) {
      shared.closing = true;
      const std::uint64_t pages = 1 + below(4);
      const PageNumber area = mmap(system, task, pages, below(2) ? 512 : 1);
      for (std::uint64_t i = 0; i < pages; ++i)
        touch(system, task, area + i, AccessKind::write);
      shared.window = area;
      shared.window_pages = pages;
      shared.open = true;
      run_user(system, task, random.exponential(10_us));
      w.dont_need(task, area, pages);
      run_user(system, task, random.exponential(10_us));
      shared.open = false;
      while (shared.inside > 0)
        run_user(system, task, 200_ns);
      munmap(system, task, area, pages);
      shared.closing = false;
    }
    break;
  case 4:
  case 5:
    if (shared.open) {
      ++shared.inside;
      for (std::uint64_t i = 0; i < shared.window_pages; ++i)
        touch(system, task, shared.window + i, AccessKind::read);
      WorkingSet set{shared.window, shared.window_pages, 30_ns, AccessKind::read};
      run_user(system, task, 2_us, &set);
      --shared.inside;
    }
    break;
  case 6: {
    const PageNumber heap = shared.heap;
    fork(system, task, CoreId(static_cast<std::uint32_t>(below(cpus))), [&system, heap](Task& child) {
      for (std::uint64_t i = 0; i < heap_pages; i += 2)
        touch(system, child, heap + i, AccessKind::write);
      run_user(system, child, 2_us);
      exit_task(system, child);
    });
    for (std::uint64_t i = 0; i < heap_pages; i += 3)
      touch(system, task, heap + i, AccessKind::write);
    break;
  }
  case 7:
    system.scheduler.wake(task.core(), *kernel_threads[below(cpus)]);
    system.scheduler.yield(task);
    break;
  }
}

// Two processes of several threads do all of that at random, with migration, time slices and kernel threads.
std::string random_program(std::uint32_t cpus, std::uint64_t seed, const Settings& settings, int steps = 40) {
  KernelWorld w(cpus,
                Settings{{"kernel.hz", std::int64_t{10'000}},
                         {"kernel.time_slice", "50 us"},
                         {"kernel.balance_interval", "100 us"}} +
                    settings,
                Engine::Options{true, seed}, seed);
  std::vector<Task*> kernel_threads;
  for (std::uint32_t cpu = 0; cpu < cpus; ++cpu) {
    Task& thread = spawn_kthread_at_boot(w.system, "kernel thread", CoreId(cpu), [&](Task& task) {
      for (;;) {
        w.system.scheduler.block(task, Account::schedule, nullptr);
        task.core().charge(3_us, Account::work);
        task.core().settle();
      }
    });
    thread.bound = true;
    kernel_threads.push_back(&thread);
  }
  std::array<Shared, 2> processes;
  std::vector<std::unique_ptr<RandomStream>> streams;
  for (std::uint32_t i = 0; i < cpus + 2; ++i) {
    Shared& shared = processes[i % 2];
    streams.push_back(std::make_unique<RandomStream>(seed, "thread " + std::to_string(i)));
    RandomStream& random = *streams.back();
    const auto body = [&, i](Task& task) {
      if (i < 2) shared.heap = mmap(w.system, task, heap_pages);
      while (shared.heap == PageNumber(0))
        run_user(w.system, task, 1_us);
      for (int step = 0; step < steps; ++step)
        random_step(w, task, shared, random, kernel_threads, cpus);
      exit_task(w.system, task);
    };
    if (shared.mm == nullptr)
      shared.mm = spawn_process_at_boot(w.system, "first thread", CoreId(i % cpus), body).mm;
    else
      spawn_thread_at_boot(w.system, "thread", *shared.mm, CoreId(i % cpus), body);
  }
  w.engine.at(Instant(50'000_us), [&] {
    if (w.system.scheduler.alive() > 0) w.engine.report_stall("the program does not end");
  });
  return violation_of([&] {
    w.engine.run();
    w.system.check_invariants();
    if (const auto imbalance = interrupt_imbalance(w.counters.snapshot())) throw Violation(*imbalance);
    if (w.system.address_spaces() > 1 + cpus) throw Violation("address spaces have leaked");
  });
}

class SafeKernels : public testing::TestWithParam<std::string> {};

TEST_P(SafeKernels, FindNoStaleTranslationInRandomPrograms) {
  std::uint64_t seed = 0;
  for (const char* kthread_switch : {"lazy", "eager"})
    for (const std::int64_t asid_bits : {0, 16})
      for (const char* pt_lock : {"mm", "split"})
        for (int again = 0; again < 3; ++again) {
          ++seed;
          const std::uint32_t cpus = seed % 3 == 0 ? 8 : 4;
          EXPECT_EQ(text_in_child([&] {
                      return random_program(
                          cpus, seed,
                          {{"kernel.tlb_flush", GetParam()},
                           {"kernel.kthread_switch", kthread_switch},
                           {"kernel.asid_bits", asid_bits},
                           {"kernel.pt_lock", pt_lock},
                           {"kernel.munmap_downgrade", seed % 2 == 0},
                           {"kernel.gather_pages", std::int64_t{seed % 4 == 0 ? 2 : 500}},
                           {"kernel.cross_call", again == 2 ? "single_lock" : "per_cpu_queue"}});
                    }),
                    "")
              << "kthread_switch " << kthread_switch << ", asid_bits " << asid_bits << ", pt_lock " << pt_lock
              << ", seed " << seed;
        }
}
INSTANTIATE_TEST_SUITE_P(Oracle, SafeKernels, testing::Values("broadcast", "eager_all", "eager", "lazy"),
                         [](const auto& info) { return info.param; });

TEST(RandomPrograms, AreHardEnoughToFindThePlantedBugs) {
  for (const char* policy : {"test_flushes_here_only", "test_clears_bit_on_leaving",
                             "test_skips_lazy_cores_always", "test_acknowledges_first"}) {
    int found = 0;
    for (std::uint64_t seed = 1; seed <= 12 && found == 0; ++seed)
      found += text_in_child([&] {
                 return random_program(4, seed, {{"kernel.tlb_flush", policy}});
               }).find("stale") != std::string::npos;
    EXPECT_GT(found, 0) << policy;
  }
}

} // namespace
} // namespace mmsim::tests
