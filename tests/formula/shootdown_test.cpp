// Does a shootdown of N busy cores cost what its steps add up to?
//
// One flush of a page on core 0; the others run user code of the same process, on the same cluster. It is the
// second flush: where every line is afterwards is known.

#include "tests/support/kernel_world.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::shootdown_test {
namespace {

using namespace literals;

struct Flush {
  Duration took;
  CostBook c;
  Duration distance;
};

constexpr std::uint64_t whole_mm = 0; // instead of a number of pages

enum class Kind { range, batch };

std::vector<std::int64_t> second_flush(std::uint32_t others, const Settings& settings, std::uint64_t pages,
                                       Kind kind) {
  KernelWorld w(1 + others, settings);
  bool over = false;
  std::uint32_t there = 0;
  Duration took{};
  Task& flusher = spawn_process_at_boot(w.system, "flusher", CoreId(0), [&](Task& task) {
    while (there < others)
      run_user(w.system, task, 100_ns);
    const PageNumber page(1000);
    for (int i = 0; i < 2; ++i) {
      run_user(w.system, task, 50_us);
      Core& core = task.core();
      core.settle();
      const Instant start = task.now();
      if (kind == Kind::batch) {
        TlbBatch batch;
        for (std::uint64_t p = 0; p < pages; ++p)
          w.system.flusher.batch_add(core, *task.mm, page + p, batch);
        w.system.flusher.batch_flush(core, batch, [&](std::uint32_t id) { return w.system.mm_of(id); });
      } else if (pages == whole_mm)
        w.system.flusher.flush_mm(core, *task.mm, false);
      else
        w.system.flusher.flush_range(core, *task.mm, page, page + pages, false);
      core.settle();
      took = task.now() - start;
    }
    over = true;
    exit_task(w.system, task);
  });
  flusher.bound = true;
  for (std::uint32_t i = 1; i <= others; ++i)
    spawn_thread_at_boot(w.system, "other", *flusher.mm, CoreId(i), [&](Task& task) {
      ++there;
      w.spin_in_user_mode(task, over);
      exit_task(w.system, task);
    }).bound = true;
  w.engine.run();
  return {took.count(), w.system.machine.topology().latency(Distance::cluster).count()};
}

Flush measured(std::uint32_t others, const Settings& settings, std::uint64_t pages, Kind kind = Kind::range) {
  const auto numbers = in_child([&] { return second_flush(others, settings, pages, kind); });
  return {Duration(numbers[0]), read_parameters<CostBook>(configuration_with(settings)),
          Duration(numbers[1])};
}

// What a whole flush costs afterwards: a walk for each page, and that of the first one down all levels.
TEST(Flushed, UserCodeTakesItsWalksLonger) {
  constexpr std::int64_t pages = 16;
  const auto numbers = in_child([] {
    KernelWorld w(1);
    std::vector<std::int64_t> took;
    spawn_process_at_boot(w.system, "user", CoreId(0), [&](Task& task) {
      const PageNumber area = mmap(w.system, task, pages);
      for (std::uint64_t page = 0; page < pages; ++page)
        touch(w.system, task, area + page, AccessKind::write);
      WorkingSet set{area, pages, 100_ns, AccessKind::write};
      for (const bool flush : {false, true}) {
        if (flush) task.core().tlb().invalidate_all();
        took.push_back(time_of(task, [&] { run_user(w.system, task, 4_us, &set); }).count());
      }
      took.push_back(task.mm->tables.shape().levels);
      exit_task(w.system, task);
    }).bound = true;
    w.engine.run();
    return took;
  });
  const CostBook c = read_parameters<CostBook>(configuration_with({}));
  EXPECT_EQ(Duration(numbers[0]), 4_us);
  EXPECT_EQ(Duration(numbers[1]), 4_us + (pages - 1 + numbers[2]) * c.tlb.walk_level);
}

// How many instructions of which kind, and the barrier.
Duration invalidation(const CostBook& c, std::uint64_t pages) {
  return (pages == whole_mm ? c.tlb.invalidate_all
                            : static_cast<std::int64_t>(pages) * c.tlb.invalidate_page) +
         c.tlb.dsb;
}

// Calls through queues to `n` cores of the cluster that run user code, begun after `before`; each does
// `work`.
Duration called(const CostBook& c, Duration distance, int n, Duration before, Duration work) {
  const Duration transfer = c.line.transfer + distance; // a line from another core of the cluster
  const Duration prepared = before + c.work.mask_scan +
                            n * (c.line.hit + transfer // the call data: free, and ours now
                                 + c.work.call_queue + c.line.atomic + transfer); // and on the target's queue
  const Duration handler = c.irq.entry + c.line.atomic + transfer                 // the queue
                           + c.work.call_queue + transfer                         // the call data
                           + work + transfer;                                     // the acknowledgement
  Duration seen =
      prepared + n * c.irq.send; // the last interrupt is on its way: now the acknowledgements, one by one
  for (int k = 1; k <= n; ++k) {
    const Duration acknowledged = prepared + k * c.irq.send + distance + c.irq.deliver + handler;
    seen = std::max(seen, acknowledged) + transfer;
  }
  return seen;
}

class Shootdown : public testing::TestWithParam<std::tuple<int, std::string, std::uint64_t>> {
 protected:
  const int n = std::get<0>(GetParam());
  const std::string send = std::get<1>(GetParam());
  const std::uint64_t pages = std::get<2>(GetParam());
  Flush flush(const std::string& policy, const Settings& more = {}) const {
    return measured(static_cast<std::uint32_t>(n),
                    Settings{{"machine.ipi.send", send}, {"kernel.tlb_flush", policy}} + more, pages);
  }
};

// on_each_cpu_mask() of 2.6.24: the own TLB last.
TEST_P(Shootdown, ThroughQueuesCostsWhatItsStepsAddUpTo) {
  for (const char* policy : {"eager", "arm_free_first"}) {
    const auto [took, c, distance] = flush(policy);
    const Duration invalidate = invalidation(c, pages);
    EXPECT_EQ(took, called(c, distance, n, c.work.flush_setup + c.line.hit, invalidate) + invalidate)
        << policy;
  }
}

TEST_P(Shootdown, OfAllCoresReadsNoMask) {
  const auto [took, c, distance] = flush("eager_all");
  const Duration invalidate = invalidation(c, pages);
  EXPECT_EQ(took, called(c, distance, n, c.work.flush_setup, invalidate) + invalidate);
}

// flush_tlb_mm_range() of x86: the own TLB first. latr's is what it does where it may not wait.
TEST_P(Shootdown, WithTheOwnTlbFirstTakesAsLong) {
  for (const char* policy : {"leave_mm", "latr"}) {
    const auto [took, c, distance] = flush(policy);
    const Duration invalidate = invalidation(c, pages);
    EXPECT_EQ(took, called(c, distance, n, c.work.flush_setup + invalidate + c.line.hit, invalidate))
        << policy;
  }
}

TEST_P(Shootdown, ThatLooksForLazyCoresBumpsTheGenerationAndReadsAFlagACore) {
  const auto [took, c, distance] = flush("lazy");
  const Duration invalidate = invalidation(c, pages);
  const Duration announced = c.work.flush_setup + c.line.hit + c.line.atomic;
  EXPECT_EQ(took, called(c, distance, n, announced + invalidate + c.line.hit + n * c.line.hit, invalidate));
}

Duration broadcast(const CostBook& c, Duration distance, std::uint64_t messages) {
  return static_cast<std::int64_t>(messages) * (c.tlb.broadcast_issue + c.tlb.broadcast_channel) +
         c.tlb.broadcast_complete + 2 * distance;
}

TEST_P(Shootdown, ByBroadcastDependsOnNoNumberOfCores) {
  const auto [took, c, distance] = flush("broadcast");
  EXPECT_EQ(took, c.work.flush_setup + broadcast(c, distance, pages == whole_mm ? 1 : pages));
}

TEST_P(Shootdown, ByBroadcastOfARangeTakesAnInstructionForTheOddPageAndOneForTheOthers) {
  const auto [took, c, distance] = flush("broadcast", {{"machine.tlb.range", true}});
  const Duration range = c.tlb.broadcast_issue + c.tlb.broadcast_range_channel;
  const bool odd = pages == whole_mm || pages % 2 == 1;
  EXPECT_EQ(took,
            c.work.flush_setup + broadcast(c, distance, odd ? 1 : 0) + (pages > 1 ? range : Duration{}));
}

// Cortex-A15: who runs the mm is asked under cpu_asid_lock, and the others execute a barrier.
TEST_P(Shootdown, WithTheErratumBroadcastsAndInterrupts) {
  const auto [took, c, distance] = flush("erratum_798181", {{"kernel.spinlock", "queued"}});
  const Duration lock = c.line.hit + c.line.atomic, unlock = c.line.hit;
  const Duration before = c.work.flush_setup + broadcast(c, distance, pages == whole_mm ? 1 : pages) + lock +
                          (n + 1) * c.line.hit + unlock; // active_asids of each
  EXPECT_EQ(took, called(c, distance, n, before, c.tlb.dsb));
}

INSTANTIATE_TEST_SUITE_P(Others, Shootdown,
                         testing::Combine(testing::Values(1, 2, 3, 5), testing::Values("80 ns", "2 ns"),
                                          testing::Values<std::uint64_t>(1, 7, whole_mm)));

// Pages of one process in a batch (tlb_batch.hpp): each reads the mask, adds it to the batch's and notes it in the mm;
// then one flush of all that the cores have.
class Batch : public testing::TestWithParam<std::tuple<int, std::uint64_t>> {
 protected:
  const int n = std::get<0>(GetParam());
  const std::uint64_t pages = std::get<1>(GetParam());
  Flush flush(const std::string& policy) const {
    return measured(static_cast<std::uint32_t>(n), {{"kernel.tlb_flush", policy}}, pages, Kind::batch);
  }
};

Duration added(const CostBook& c, std::uint64_t pages, Duration each) {
  return static_cast<std::int64_t>(pages) * (each + c.line.hit) + c.work.flush_setup;
}

TEST_P(Batch, IsOneRoundOfInterruptsHoweverManyPagesItHas) {
  for (const char* policy : {"eager", "leave_mm", "latr"}) {
    const auto [took, c, distance] = flush(policy);
    const Duration all = c.tlb.invalidate_all + c.tlb.dsb;
    const Duration before = added(c, pages, c.line.hit + c.work.mask_scan);
    if (std::string(policy) == "eager") // the own TLB last
      EXPECT_EQ(took, called(c, distance, n, before, all) + all) << policy;
    else
      EXPECT_EQ(took, called(c, distance, n, before + all, all)) << policy;
  }
}

TEST_P(Batch, OfAllCoresReadsNoMask) {
  const auto [took, c, distance] = flush("eager_all");
  const Duration all = c.tlb.invalidate_all + c.tlb.dsb;
  EXPECT_EQ(took, called(c, distance, n, added(c, pages, c.work.mask_scan), all) + all);
}

TEST_P(Batch, ByBroadcastIsATlbiAPageAndOneDsb) {
  const auto [took, c, distance] = flush("broadcast");
  EXPECT_EQ(took,
            added(c, pages, c.tlb.broadcast_issue + c.tlb.broadcast_channel) + broadcast(c, distance, 0));
}

INSTANTIATE_TEST_SUITE_P(Others, Batch,
                         testing::Combine(testing::Values(1, 3), testing::Values<std::uint64_t>(1, 32)));

// Which core loses a page first, the one that flushes (0) or the other (1)?
std::int64_t first_to_lose(const std::string& policy) {
  return in_child([&] {
    KernelWorld w(2, {{"kernel.tlb_flush", policy}});
    PageNumber page{};
    bool mapped = false, seen = false, over = false;
    std::int64_t first = -1;
    Task& flusher = spawn_process_at_boot(w.system, "flusher", CoreId(0), [&](Task& task) {
      page = mmap(w.system, task, 1);
      touch(w.system, task, page, AccessKind::write);
      mapped = true;
      w.spin_in_user_mode(task, seen);
      const Asid id = w.system.ids.id_of(*task.mm);
      const auto* const source = reinterpret_cast<const std::uint64_t*>(task.mm->tables.find(page));
      for (int i = 0; i < 5000; ++i)
        w.engine.at(task.now() + i * 1_ns, [&, id, source] {
          for (std::uint32_t cpu = 0; cpu < 2; ++cpu)
            if (first < 0 && !w.system.machine.core(CoreId(cpu)).tlb().holds(id, page, source)) first = cpu;
        });
      w.system.flusher.flush_page(task.core(), *task.mm, page);
      over = true;
      exit_task(w.system, task);
    });
    flusher.bound = true;
    spawn_thread_at_boot(w.system, "other", *flusher.mm, CoreId(1), [&](Task& task) {
      w.spin_in_user_mode(task, mapped);
      touch(w.system, task, page, AccessKind::read);
      seen = true;
      w.spin_in_user_mode(task, over);
      exit_task(w.system, task);
    }).bound = true;
    w.engine.run();
    return std::vector<std::int64_t>{first};
  })[0];
}

TEST(Shootdowns, EndWithTheOwnTlbOnArmAndBeginWithItOnX86) {
  for (const char* policy : {"eager", "eager_all", "arm_free_first"})
    EXPECT_EQ(first_to_lose(policy), 1) << policy;
  for (const char* policy : {"lazy", "leave_mm", "latr"})
    EXPECT_EQ(first_to_lose(policy), 0) << policy;
}

// All masks of a call are on one line here, and only one target can be followed by hand.
TEST(SingleLockShootdown, OfOneCoreCostsWhatItsStepsAddUpTo) {
  const auto [took, c, distance] =
      measured(1, {{"kernel.tlb_flush", "eager"}, {"kernel.cross_call", "single_lock"}}, 1);
  const Duration transfer = c.line.transfer + distance;
  const Duration invalidate = c.tlb.invalidate_page + c.tlb.dsb;
  const Duration sent = c.work.flush_setup + c.line.hit + c.work.mask_scan + c.line.hit +
                        c.line.atomic            // lock
                        + transfer + c.irq.send; // the call is described
  const Duration noted =
      sent + distance + c.irq.deliver + c.irq.entry + c.work.call_queue + transfer + c.line.atomic + transfer;
  const Duration finished = noted + std::max(invalidate, transfer) + c.line.atomic + transfer;
  EXPECT_EQ(took, finished + transfer + c.line.hit + invalidate); // unlock, and the own TLB
}

TEST(Shootdowns, OfNobodyCostTheLocalFlushAndOneLookAtTheMask) {
  const auto numbers = in_child([] {
    KernelWorld w(2, {{"kernel.tlb_flush", "eager"}});
    Duration took{};
    spawn_process_at_boot(w.system, "alone", CoreId(0), [&](Task& task) {
      Core& core = task.core();
      for (int i = 0; i < 2; ++i) {
        core.settle();
        const Instant start = task.now();
        w.system.flusher.flush_page(core, *task.mm, PageNumber(1000));
        took = task.now() - start;
      }
      exit_task(w.system, task);
    }).bound = true;
    w.engine.run();
    const CostBook& c = w.costs();
    return std::vector<std::int64_t>{
        took.count(), (c.work.flush_setup + c.tlb.invalidate_page + c.tlb.dsb + c.line.hit).count(),
        static_cast<std::int64_t>(w.count(Counter::ipi_requested))};
  });
  EXPECT_EQ(numbers[0], numbers[1]);
  EXPECT_EQ(numbers[2], 0);
}

} // namespace
} // namespace mmsim::tests::shootdown_test
