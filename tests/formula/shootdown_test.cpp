// Does a shootdown of N busy cores cost what its steps add up to?
//
// One flush of a page on core 0; the others run user code of the same process, on the same cluster. It is the
// second flush: where every line is afterwards is known.

#include "tests/support/kernel_world.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests {
namespace {

using namespace literals;

struct Flush {
  Duration took;
  CostBook c;
  Duration distance;
};

std::vector<std::int64_t> second_flush(std::uint32_t others, const Settings& settings, std::uint64_t pages) {
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

Flush measured(std::uint32_t others, const Settings& settings, std::uint64_t pages) {
  const auto numbers = in_child([&] { return second_flush(others, settings, pages); });
  return {Duration(numbers[0]), read_parameters<CostBook>(configuration_with(settings)),
          Duration(numbers[1])};
}

class Shootdown : public testing::TestWithParam<std::tuple<int, std::string, int>> {
 protected:
  const int n = std::get<0>(GetParam());
  const std::string send = std::get<1>(GetParam());
  const int pages = std::get<2>(GetParam());
  Settings with(const Settings& more) const { return Settings{{"machine.ipi.send", send}} + more; }
};

TEST_P(Shootdown, ThroughQueuesCostsWhatItsStepsAddUpTo) {
  const auto [took, c, distance] =
      measured(n, with({{"kernel.tlb_flush", "eager"}}), static_cast<std::uint64_t>(pages));
  const Duration transfer = c.line.transfer + distance; // a line from another core of the cluster
  const Duration invalidate = pages * c.tlb.invalidate_page + c.tlb.dsb;
  const Duration prepared = c.work.flush_setup + invalidate + c.line.hit // mm_cpumask
                            + c.work.mask_scan +
                            n * (c.line.hit + transfer // the call data: free, and ours now
                                 + c.work.call_queue + c.line.atomic + transfer); // and on the target's queue
  const Duration handler = c.irq.entry + c.line.atomic + transfer                 // the queue
                           + c.work.call_queue + transfer                         // the call data
                           + invalidate + transfer;                               // the acknowledgement
  Duration seen =
      prepared + n * c.irq.send; // the last interrupt is on its way: now the acknowledgements, one by one
  for (int k = 1; k <= n; ++k) {
    const Duration acknowledged = prepared + k * c.irq.send + distance + c.irq.deliver + handler;
    seen = std::max(seen, acknowledged) + transfer;
  }
  EXPECT_EQ(took, seen);
}

TEST_P(Shootdown, ByBroadcastDependsOnNoNumberOfCores) {
  const auto [took, c, distance] =
      measured(n, with({{"kernel.tlb_flush", "broadcast"}}), static_cast<std::uint64_t>(pages));
  EXPECT_EQ(took, c.work.flush_setup + pages * (c.tlb.broadcast_issue + c.tlb.broadcast_channel) +
                      c.tlb.broadcast_complete + 2 * distance);
}

INSTANTIATE_TEST_SUITE_P(Others, Shootdown,
                         testing::Combine(testing::Values(1, 2, 3, 5), testing::Values("80 ns", "2 ns"),
                                          testing::Values(1, 7)));

// All masks of a call are on one line here, and only one target can be followed by hand.
TEST(SingleLockShootdown, OfOneCoreCostsWhatItsStepsAddUpTo) {
  const auto [took, c, distance] =
      measured(1, {{"kernel.tlb_flush", "eager"}, {"kernel.cross_call", "single_lock"}}, 1);
  const Duration transfer = c.line.transfer + distance;
  const Duration invalidate = c.tlb.invalidate_page + c.tlb.dsb;
  const Duration sent = c.work.flush_setup + invalidate + c.line.hit + c.work.mask_scan + c.line.hit +
                        c.line.atomic            // lock
                        + transfer + c.irq.send; // the call is described
  const Duration noted =
      sent + distance + c.irq.deliver + c.irq.entry + c.work.call_queue + transfer + c.line.atomic + transfer;
  const Duration finished = noted + std::max(invalidate, transfer) + c.line.atomic + transfer;
  EXPECT_EQ(took, finished + transfer + c.line.hit); // and unlock
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
} // namespace mmsim::tests
