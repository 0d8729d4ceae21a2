// Does the stale-translation oracle catch kernels that flush wrongly, and leave those alone that flush
// rightly?
//
// The wrong kernels are policies registered in tests alone (tests/support/wrong_policies.hpp), and small
// programs that do steps in a wrong order. Random programs: oracle_random_test.cpp.

#include "models/operations/vmalloc.hpp"
#include "tests/support/points.hpp"
#include "tests/support/wrong_policies.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mmsim::tests::oracle_test {
namespace {

using namespace literals;
using testing::AllOf;
using testing::HasSubstr;

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
  EXPECT_THAT(page_replaced_under_a_reader({{"kernel.tlb_flush", "test_flushes_nothing"}}, 1),
              AllOf(HasSubstr("stale translation: cpu 0 uses page 0x"), HasSubstr("frame has been freed")));
}

TEST(Oracle, CatchesAFlushThatWasNotSentToOthers) {
  EXPECT_THAT(page_replaced_under_a_reader({{"kernel.tlb_flush", "test_flushes_here_only"}}),
              AllOf(HasSubstr("stale translation: cpu 1 uses page 0x"), HasSubstr("frame has been freed")));
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
  EXPECT_THAT(page_replaced_while_the_reader_is_away({{"kernel.tlb_flush", "test_clears_bit_on_leaving"},
                                                      {"kernel.asid_bits", std::int64_t{16}}}),
              AllOf(HasSubstr("stale translation: cpu 1 uses page 0x"), HasSubstr("cpu 1 is in its mask")));
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
    --mm.rss_anon;
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
  EXPECT_THAT(page_taken_from_a_running_stream(true, stale_hits),
              AllOf(HasSubstr("stale translation: cpu 1 uses page 0x"), HasSubstr("frame has been freed")));
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
      AllOf(HasSubstr("stale translation: cpu 1 uses page 0x"), HasSubstr("frame has been freed")));
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

// The same core comes back, when there is another page at the address, under a table of its own. In between a second
// munmap has freed tables, for which nobody has interrupted the core.
std::string page_replaced_under_a_core_that_left(const std::string& policy, std::int64_t asid_bits) {
  KernelWorld w(2, {{"kernel.tlb_flush", policy}, {"kernel.asid_bits", asid_bits}});
  bool mapped = false, asleep = false, read = false;
  Completion replaced("the new page");
  PageNumber page{};
  Task& owner = spawn_process_at_boot(w.system, "owner", CoreId(0), [&](Task& task) {
    page = mmap(w.system, task, 1);
    touch(w.system, task, page, AccessKind::write);
    mapped = true;
    w.spin_in_user_mode(task, asleep);
    run_user(w.system, task, 10_us);
    EXPECT_TRUE(w.system.mm_switch.is_lazy(CoreId(1)));
    for (const std::uint64_t told : {1, 0}) {
      const std::uint64_t before = w.count(Counter::ipi_requested);
      munmap(w.system, task, page, 1);
      EXPECT_EQ(w.count(Counter::ipi_requested) - before, told);
      EXPECT_EQ(mmap(w.system, task, 1), page);
      touch(w.system, task, page, AccessKind::write);
    }
    replaced.complete(w.system, task.core());
    w.spin_in_user_mode(task, read);
    exit_task(w.system, task);
  });
  owner.bound = true;
  spawn_thread_at_boot(w.system, "reader", *owner.mm, CoreId(1), [&](Task& task) {
    w.spin_in_user_mode(task, mapped);
    touch(w.system, task, page, AccessKind::read);
    asleep = true;
    replaced.wait(w.system, task);
    touch(w.system, task, page, AccessKind::read);
    read = true;
    exit_task(w.system, task);
  }).bound = true;
  std::string said = violation_of([&] {
    w.engine.run();
    w.system.check_invariants();
  });
  return testing::Test::HasFailure() ? "see above " + said : said;
}

TEST(LazyPolicy, HasACoreThatLeftLookAtTheGenerationWhenItComesBack) {
  for (const char* policy : {"lazy", "leave_mm"})
    for (const std::int64_t asid_bits : {0, 8, 16})
      EXPECT_EQ(text_in_child([&] { return page_replaced_under_a_core_that_left(policy, asid_bits); }), "")
          << policy << " " << asid_bits;
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
              AllOf(HasSubstr("cpu 0 uses page 0x"), HasSubstr("the flush of that change has completed")));
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

// --- kernel pages, which every core may hold whatever it runs

// cpu 1 uses an area of vmalloc, idles, and uses what is at its address afterwards, when cpu 0 has freed it
// and made another one there.
std::string area_reused(const Settings& settings, bool purge) {
  KernelWorld w(2, settings);
  Vmalloc areas(w.system);
  PageNumber area{};
  bool made = false, seen = false;
  Completion again("the second area");
  spawn_process_at_boot(w.system, "owner", CoreId(0), [&](Task& task) {
    area = areas.vmalloc(task.core(), 3);
    made = true;
    w.spin_in_user_mode(task, seen);
    run_user(w.system, task, 20_us); // cpu 1 is idle, on the tables of the other process
    EXPECT_TRUE(w.system.mm_switch.is_lazy(CoreId(1)));
    areas.vfree(task.core(), area, 3);
    if (purge) areas.purge(task.core());
    const PageNumber next = areas.vmalloc(task.core(), 3);
    EXPECT_EQ(next == area, purge || areas.lazy_pages() == 0) << "an address waits for its flush";
    again.complete(w.system, task.core());
    run_user(w.system, task, 50_us);
    areas.vfree(task.core(), next, 3);
    areas.purge(task.core());
    exit_task(w.system, task);
  }).bound = true;
  spawn_process_at_boot(w.system, "other", CoreId(1), [&](Task& task) {
    w.spin_in_user_mode(task, made);
    areas.access(task.core(), area + 1);
    areas.access(task.core(), area + 1);
    task.core().settle();
    seen = true;
    again.wait(w.system, task);
    if (purge || areas.lazy_pages() == 0) areas.access(task.core(), area + 1);
    exit_task(w.system, task);
  }).bound = true;
  return violation_of([&] {
    w.engine.run();
    w.system.check_invariants();
  });
}

class KernelPages : public testing::TestWithParam<std::string> {};

TEST_P(KernelPages, AreFlushedEverywhereBeforeTheirAddressIsUsedAgain) {
  for (const std::int64_t lazy : {0, 8192}) // 2.6.24, and since 2.6.28
    for (const std::int64_t asid_bits : {0, 16})
      for (const bool purge : {false, true})
        EXPECT_EQ(text_in_child([&] {
                    return area_reused({{"kernel.tlb_flush", GetParam()},
                                        {"kernel.vmalloc_lazy", lazy},
                                        {"kernel.asid_bits", asid_bits}},
                                       purge);
                  }),
                  "")
            << lazy << " " << asid_bits << " " << purge;
}
INSTANTIATE_TEST_SUITE_P(Oracle, KernelPages,
                         testing::Values("broadcast", "eager_all", "eager", "lazy", "leave_mm", "latr",
                                         "erratum_798181"),
                         [](const auto& info) { return info.param; });

TEST(Oracle, CatchesAKernelRangeThatWasNotFlushedOnACoreThatIsLazyElsewhere) {
  EXPECT_THAT(
      area_reused({{"kernel.tlb_flush", "test_flushes_nothing"}, {"kernel.asid_bits", std::int64_t{16}}},
                  true),
      AllOf(HasSubstr("stale translation: cpu 1 uses page"), HasSubstr("mm 0"),
            HasSubstr("frame has been freed")));
}

// --- Arm of 2.6.24

std::string munmap_with_readers(const std::string& policy) {
  const PointResult result = point({"machine.base=arm11mpcore-4", "kernel.base=2.6.24", "run.cpus=4",
                                    "run.duration=20 ms", "scenario.name=munmap", "scenario.mode=threads",
                                    "scenario.readers=3", "scenario.pages=2", "kernel.tlb_flush=" + policy});
  if (!policy.starts_with("eager"))
    EXPECT_THAT(result.warnings, testing::Contains(HasSubstr("arm_free_first\" is unsafe")));
  else
    EXPECT_THAT(result.warnings, testing::Not(testing::Contains(HasSubstr("unsafe"))));
  return result.status == PointStatus::violation ? result.message : "";
}

TEST(ArmFreeFirst, IsConvictedInTheScenarioMunmap) {
  EXPECT_THAT(munmap_with_readers("arm_free_first"),
              AllOf(HasSubstr("stale translation: frame"), HasSubstr("is freed by cpu 0 before the flush"),
                    HasSubstr("still has it")));
}

TEST(ArmFreeFirst, IsRightOnceItFreesAfterTheFlush) { EXPECT_EQ(munmap_with_readers("eager"), ""); }

TEST(ArmFreeFirst, IsListedAsUnsafe) {
  for (const RegistryEntry& entry : Registry<TlbFlushPolicy>::instance().entries())
    EXPECT_EQ(entry.notes.starts_with("unsafe"), entry.name == "arm_free_first") << entry.name;
}

} // namespace
} // namespace mmsim::tests::oracle_test
