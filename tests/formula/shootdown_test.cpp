// Does a shootdown of N cores cost what its steps add up to?
//
// One flush on core 0; the others are on the same cluster, and run user code of the same process, or idle on its
// tables. It is not the first flush: where every line is afterwards is known.

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

// How many instructions of which kind, and the barrier.
Duration invalidation(const CostBook& c, std::uint64_t pages) {
  return (pages == whole_mm ? c.tlb.invalidate_all
                            : static_cast<std::int64_t>(pages) * c.tlb.invalidate_page) +
         c.tlb.dsb;
}

// A line that several targets want at about the same time: each waits for it, or at least `apart` after the one before.
struct Wanted {
  Duration whole, apart, served{};
  Duration at(Duration made) { return served = std::max(made + whole, served + apart); }
};
Duration transfer(const CostBook& c, Duration distance) { // a line from another core of the cluster
  return c.line.transfer + distance;
}
Wanted read_by_all(const CostBook& c, Duration distance) { return {transfer(c, distance), c.line.share}; }
Wanted changed_by_all(const CostBook& c, Duration distance) {
  const Duration whole = c.line.atomic + transfer(c, distance);
  return {whole, whole - c.line.request};
}

// What a target does about its TLB in its handler.
struct Work {
  Duration before{};
  Wanted* line = nullptr;
  Duration after{};
  Duration wakes{}; ///< from idle, before the handler
};

// Calls through queues to cores of the cluster that run user code, begun after `before`.
Duration called(const CostBook& c, Duration distance, Duration before, const std::vector<Work>& targets) {
  const Duration line = transfer(c, distance);
  const auto n = static_cast<std::int64_t>(targets.size());
  const Duration prepared = before + c.work.mask_scan +
                            n * (c.line.hit + line // the call data: free, and ours now
                                 + c.work.call_queue + c.line.atomic + line); // and on the target's queue
  Duration seen =
      prepared + n * c.irq.send; // the last interrupt is on its way: now the acknowledgements, one by one
  Duration arrives = prepared + distance + c.irq.deliver;
  for (const Work& work : targets) {
    arrives += c.irq.send;
    Duration done = arrives + work.wakes + c.irq.entry + c.line.atomic + line // the queue
                    + c.work.call_queue + line                                // the call data
                    + work.before;
    if (work.line != nullptr) done = work.line->at(done);
    seen = std::max(seen, done + work.after + line) + line; // the acknowledgement
  }
  return seen;
}
Duration called(const CostBook& c, Duration distance, int n, Duration before, Duration work) {
  return called(c, distance, before, std::vector<Work>(static_cast<std::size_t>(n), Work{work}));
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

// flush_tlb_func_common(): all that are told read the generation, which the flusher takes back from them next time.
TEST_P(Shootdown, ThatLooksForLazyCoresBumpsTheGenerationAndReadsAFlagACore) {
  const auto [took, c, distance] = flush("lazy");
  const Duration invalidate = invalidation(c, pages);
  const Duration announced = c.work.flush_setup + c.line.atomic + transfer(c, distance);
  Wanted generation = read_by_all(c, distance);
  const std::vector<Work> others(static_cast<std::size_t>(n), Work{{}, &generation, invalidate});
  EXPECT_EQ(took,
            called(c, distance, announced + c.line.hit + invalidate + c.line.hit + n * c.line.hit, others));
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

// Each page bumps the generation; the first one has to take it back from those who were told last.
TEST_P(Batch, OfLazyBumpsTheGenerationPageByPage) {
  const auto [took, c, distance] = flush("lazy");
  const Duration all = c.tlb.invalidate_all + c.tlb.dsb;
  const Duration each = c.line.hit + c.line.atomic + c.line.hit + c.work.mask_scan;
  const Duration before = added(c, pages, each) + transfer(c, distance) - c.line.hit;
  Wanted generation = read_by_all(c, distance);
  const std::vector<Work> others(static_cast<std::size_t>(n), Work{{}, &generation, all});
  EXPECT_EQ(took, called(c, distance, before + c.line.hit + all + n * c.line.hit, others));
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

// --- lazy cores that leave

constexpr std::uint64_t freed_pages = 3;

// Two flushes that free tables, one after the other. Of `others` cores the first `lazy` idle on the tables.
struct Leaving {
  Duration first, second;
  std::int64_t first_told, second_told;
  CostBook c;
  Duration distance;
};
Leaving tables_freed_twice(int others, int lazy, const Settings& settings) {
  const auto numbers = in_child([&] {
    KernelWorld w(static_cast<std::uint32_t>(1 + others), settings);
    std::vector<std::int64_t> numbers;
    std::vector<std::unique_ptr<Completion>> ends;
    bool over = false;
    Task& flusher = spawn_process_at_boot(w.system, "flusher", CoreId(0), [&](Task& task) {
      run_user(w.system, task, 50_us); // the others are where they shall be
      Core& core = task.core();
      const PageNumber page(1000);
      w.system.flusher.flush_kernel_range(core, w.system.init_mm(), page,
                                          page + 1); // where queues are is known
      core.read(task.mm->cpumask_line);              // and where the mask is
      core.settle();
      for (int i = 0; i < 2; ++i) {
        run_user(w.system, task, 50_us);
        const std::uint64_t before = w.count(Counter::ipi_requested);
        numbers.push_back(time_of(task, [&] {
                            w.system.flusher.flush_range(core, *task.mm, page, page + freed_pages, true);
                          }).count());
        numbers.push_back(static_cast<std::int64_t>(w.count(Counter::ipi_requested) - before));
      }
      over = true;
      for (auto& end : ends)
        end->complete(w.system, task.core());
      exit_task(w.system, task);
    });
    flusher.bound = true;
    for (int i = 1; i <= others; ++i) {
      Completion* sleep = nullptr;
      if (i <= lazy) sleep = ends.emplace_back(std::make_unique<Completion>("the flushes")).get();
      spawn_thread_at_boot(w.system, "other", *flusher.mm, CoreId(static_cast<std::uint32_t>(i)),
                           [&, sleep](Task& task) {
                             if (sleep != nullptr)
                               sleep->wait(w.system, task);
                             else
                               w.spin_in_user_mode(task, over);
                             exit_task(w.system, task);
                           })
          .bound = true;
    }
    w.engine.run();
    w.system.check_invariants();
    numbers.push_back(w.system.machine.topology().latency(Distance::cluster).count());
    return numbers;
  });
  return {Duration(numbers[0]),
          Duration(numbers[2]),
          numbers[1],
          numbers[3],
          read_parameters<CostBook>(configuration_with(settings)),
          Duration(numbers[4])};
}

class LeavingCores : public testing::TestWithParam<std::tuple<int, int, std::string, std::int64_t>> {
 protected:
  const int n = std::get<0>(GetParam()), lazy = std::min(n, std::get<1>(GetParam())), awake = n - lazy;
  const std::string send = std::get<2>(GetParam());
  const std::int64_t asid_bits = std::get<3>(GetParam());
  Leaving flushes(const std::string& policy) const {
    return tables_freed_twice(
        n, lazy, {{"machine.ipi.send", send}, {"kernel.tlb_flush", policy}, {"kernel.asid_bits", asid_bits}});
  }
  static std::vector<Work> together(int lazy, const Work& of_lazy, int awake, const Work& of_awake) {
    std::vector<Work> all(static_cast<std::size_t>(lazy), of_lazy);
    all.insert(all.end(), static_cast<std::size_t>(awake), of_awake);
    return all;
  }
};

// Who is lazy loads init_mm's tables, which without ids flushes, says that it is awake, and clears its bit. The flusher
// reads the mask anew next time, and finds the others alone there.
TEST_P(LeavingCores, OfLazyAreInterruptedOnceAndDoNotFlush) {
  const Leaving told = flushes("lazy");
  const CostBook& c = told.c;
  const Duration line = transfer(c, told.distance), invalidate = invalidation(c, freed_pages),
                 all = c.tlb.invalidate_all + c.tlb.dsb;
  Wanted mask = changed_by_all(c, told.distance), generation = read_by_all(c, told.distance);
  const Work leaves{
      (asid_bits == 0 ? all : Duration{}) + c.entry.switch_ttbr + c.line.hit, &mask, {}, c.irq.idle_exit};
  const Work flushes{{}, &generation, invalidate};
  const Duration own = c.line.hit + invalidate;
  EXPECT_EQ(told.first_told, n);
  EXPECT_EQ(told.first, called(c, told.distance, c.work.flush_setup + c.line.atomic + line + own + c.line.hit,
                               together(lazy, leaves, awake, flushes)));

  generation = read_by_all(c, told.distance);
  EXPECT_EQ(told.second_told, awake);
  const Duration announced = c.line.atomic + (awake > 0 ? line : c.line.hit); // from those who were told
  const Duration before = c.work.flush_setup + announced + own + (lazy > 0 ? line : c.line.hit);
  EXPECT_EQ(told.second,
            awake == 0 ? before : called(c, told.distance, before, together(0, leaves, awake, flushes)));
}

TEST_P(LeavingCores, OfLeaveMmAreInterruptedOnce) {
  const Leaving told = flushes("leave_mm");
  const CostBook& c = told.c;
  const Duration invalidate = invalidation(c, freed_pages), all = c.tlb.invalidate_all + c.tlb.dsb;
  Wanted mask = changed_by_all(c, told.distance);
  // With ids it drops what it has under this one, and gives up its bit before it leaves.
  const Work leaves = asid_bits == 0 ? Work{all + c.entry.switch_ttbr, &mask, {}, c.irq.idle_exit}
                                     : Work{all, &mask, c.entry.switch_ttbr, c.irq.idle_exit};
  EXPECT_EQ(told.first_told, n);
  EXPECT_EQ(told.first, called(c, told.distance, c.work.flush_setup + invalidate + c.line.hit,
                               together(lazy, leaves, awake, Work{invalidate})));

  EXPECT_EQ(told.second_told, awake);
  const Duration before =
      c.work.flush_setup + invalidate + (lazy > 0 ? transfer(c, told.distance) : c.line.hit);
  EXPECT_EQ(told.second, awake == 0 ? before : called(c, told.distance, awake, before, invalidate));
}

INSTANTIATE_TEST_SUITE_P(Lazy, LeavingCores,
                         testing::Combine(testing::Values(1, 2, 5), testing::Values(0, 1, 3, 5),
                                          testing::Values("80 ns", "2 ns"),
                                          testing::Values<std::int64_t>(0, 16)));

// --- latr

// What munmap has taken away, without pages.
struct Nothing final : Withheld {
  explicit Nothing(bool& given_back) : given_back_(given_back) {}
  void flushed() override {}
  void release(Core&) override { given_back_ = true; }
  bool& given_back_;
};

// Core 0 puts off what core 1 shall flush. Core 1 looks around, and then core 0, whose it is to give back. All of it
// twice: where every line is the second time is known.
TEST(Latr, WritesAStateThatTheOtherSweepsAndTheOwnerGivesBack) {
  for (const std::uint32_t cpus : {2u, 4u})
    for (const std::uint64_t pages : {std::uint64_t{1}, std::uint64_t{7}, whole_mm}) {
      const Settings settings{{"kernel.tlb_flush", "latr"}};
      const auto numbers = in_child([&] {
        KernelWorld w(cpus, settings);
        Duration deferred{}, swept{}, given_back{};
        int to_sweep = 0, done = 0;
        const auto look_around = [&](Task& task) {
          task.core().irq_disable(); // as schedule() does
          const Duration took =
              time_of(task, [&] { w.system.policy->cpu_observer()->schedules(task.core()); });
          task.core().irq_enable();
          return took;
        };
        Task& owner = spawn_process_at_boot(w.system, "owner", CoreId(0), [&](Task& task) {
          run_user(w.system, task, 20_us);
          const PageNumber page(1000);
          for (int i = 0; i < 2; ++i) {
            bool gone = false;
            std::unique_ptr<Withheld> withheld = std::make_unique<Nothing>(gone);
            task.core().read(task.mm->cpumask_line);
            deferred = time_of(task, [&] {
              const PageNumber end = pages == whole_mm ? task.mm->tables.shape().end() : page + pages;
              EXPECT_TRUE(w.system.flusher.defer(task.core(), *task.mm, page, end, false, withheld));
            });
            EXPECT_EQ(withheld, nullptr);
            ++to_sweep;
            while (done < to_sweep)
              run_user(w.system, task, 100_ns);
            EXPECT_FALSE(gone);
            given_back = look_around(task);
            EXPECT_TRUE(gone);
          }
          exit_task(w.system, task);
        });
        owner.bound = true;
        spawn_thread_at_boot(w.system, "other", *owner.mm, CoreId(1), [&](Task& task) {
          for (int i = 1; i <= 2; ++i) {
            while (to_sweep < i)
              run_user(w.system, task, 100_ns);
            swept = look_around(task);
            ++done;
          }
          exit_task(w.system, task);
        }).bound = true;
        w.engine.run();
        if (testing::Test::HasFailure()) throw std::runtime_error("see above");
        return std::vector<std::int64_t>{deferred.count(), swept.count(), given_back.count(),
                                         w.system.machine.topology().latency(Distance::cluster).count()};
      });
      const CostBook c = read_parameters<CostBook>(configuration_with(settings));
      const Duration line = transfer(c, Duration(numbers[3])), invalidate = invalidation(c, pages);
      const std::int64_t others = cpus - 1; // queues of other CPUs, and what nobody has written since
      // The mask is there, and the queue, which the owner wrote last, giving back.
      EXPECT_EQ(Duration(numbers[0]), c.work.flush_setup + invalidate + c.line.hit + c.line.hit) << pages;
      // The queue is read, and then changed, from the owner's copy.
      EXPECT_EQ(Duration(numbers[1]), line + others * c.line.hit + invalidate + c.line.atomic + line)
          << pages;
      // The owner reads its queue, which the other has changed, and writes it.
      EXPECT_EQ(Duration(numbers[2]), line + others * c.line.hit + line) << pages;
    }
}

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
