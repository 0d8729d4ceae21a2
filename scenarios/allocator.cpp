// allocator: on each CPU a loop in the kernel that allocates a burst of blocks, holds them and frees them
// again. No system call, no page table and no LRU is in the loop: what contends is the page allocator. The
// loop of the kernel's page-allocation micro-benchmarks (mmtests' page_alloc, M. Gorman and J. D. Brouer).
// Each CPU has had one burst before the warm-up, so that its lists are filled as on a machine that has run.

#include "scenarios/scenario.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>

namespace mmsim {

namespace {

// GFP_NOWAIT: nothing here can be reclaimed, so that an allocation that fails should say so at once.
constexpr Gfp gfp_nowait{};

struct AllocatorParameters {
  std::int64_t burst, order;
  double cold;
  std::string touch, reuse;
  Duration think, hold;
  static void declare(Declaration& d, AllocatorParameters& p) {
    d("scenario.burst", p.burst, 32,
      "blocks that are allocated in a row, and then freed in a row; pages that fit in the CPU's list (its "
      "high: kernel.pcp_high, or six batches) never meet the zone")
        .at_least(1)
        .at_most(1 << 20);
    d("scenario.order", p.order, 0, "a block is 2^order pages").at_least(0);
    d("scenario.cold", p.cold, 0.0,
      "share of the pages that are asked for and given back as cold: pages of per-CPU lists, so it wants "
      "order 0 and tells nothing where kernel.pcp is none")
        .at_least(0.0)
        .at_most(1.0);
    d("scenario.touch", p.touch, "none",
      "zero: each page is cleared before its allocation returns, as with __GFP_ZERO; a hot one is cheaper")
        .one_of({"none", "zero"});
    d("scenario.reuse", p.reuse, "lifo",
      "which block of a burst is freed first: the last (lifo) or the first (fifo)")
        .one_of({"lifo", "fifo"});
    d("scenario.think", p.think, "0 ns", "mean time between bursts, exponential").at_most("100 ms");
    d("scenario.hold", p.hold, "0 ns", "mean time between the last allocation of a burst and its first free")
        .at_most("100 ms");
  }
};
const DeclareParameters<AllocatorParameters> declared{"allocator"};

void check_order(std::int64_t order, const Configuration& configuration) {
  if (order <= std::int64_t{Buddy::max_order}) return;
  throw InputError(fmt::format("scenario.order: order {} is over the maximum of {}", order, Buddy::max_order),
                   configuration.origin_of("scenario.order"));
}

// free_pages() and the buddy system know no temperature.
void check_cold(double cold, std::int64_t order, const Configuration& configuration) {
  if (cold == 0 || order == 0) return;
  throw InputError(
      fmt::format("scenario.cold = {}: blocks of scenario.order = {} are neither hot nor cold, only "
                  "single pages are; choose order 0, or no cold ones",
                  cold, order),
      configuration.origin_of("scenario.cold"));
}

class Allocator final : public Scenario {
 public:
  explicit Allocator(const Configuration& configuration)
      : parameters_(read_parameters<AllocatorParameters>(configuration)),
        clears_(parameters_.touch == "zero") {
    check_order(parameters_.order, configuration);
    check_cold(parameters_.cold, parameters_.order, configuration);
  }

  void start(Experiment& x) override {
    alloc_ = x.operation("alloc");
    free_ = x.operation("free");
    x.expect_ready(x.cpus());
    x.on_each_cpu([&](CoreId cpu) {
      spawn_process_at_boot(x.system(), "allocator on cpu " + std::to_string(cpu.value()), cpu,
                            [this, &x, cpu](Task& task) { loop(x, task, cpu); })
          .bound = true;
    });
  }
  bool maps_memory() const override { return false; }
  std::vector<std::string> warnings() const override {
    if (failed_ == 0) return {};
    return {fmt::format(
        "{} allocations found no memory, and each ended its burst: the bursts of all CPUs (scenario."
        "burst = {}, scenario.order = {}) do not fit in what machine.memory leaves above the watermarks",
        failed_, parameters_.burst, parameters_.order)};
  }

 private:
  struct Block {
    FrameNumber frame;
    Temperature temperature;
  };

  void loop(Experiment& x, Task& task, CoreId cpu) {
    RandomStream thinks = x.random("think " + std::to_string(cpu.value()));
    RandomStream holds = x.random("hold " + std::to_string(cpu.value()));
    RandomStream colds = x.random("cold " + std::to_string(cpu.value()));
    const auto wait = [&](RandomStream& stream, Duration mean) {
      if (mean.count() != 0) task.core().charge(stream.exponential(mean), Account::work);
    };
    std::vector<Block> burst;
    burst.reserve(static_cast<std::size_t>(parameters_.burst));
    const auto round = [&] {
      wait(thinks, parameters_.think);
      allocate(x, task, colds, burst);
      wait(holds, parameters_.hold);
      if (parameters_.reuse == "lifo") std::ranges::reverse(burst);
      give_back(x, task, burst);
      // Nothing is to be had: again in a jiffy, as who calls schedule_timeout(1). Nobody else wants this
      // core.
      if (burst.empty()) task.core().charge(x.system().scheduler.jiffy(), Account::schedule);
      burst.clear();
      x.system().scheduler.resched_point(task);
    };
    round();
    x.ready(task);
    while (!x.over())
      round();
    exit_task(x.system(), task);
  }

  void allocate(Experiment& x, Task& task, RandomStream& colds, std::vector<Block>& burst) {
    System& system = x.system();
    const auto order = static_cast<unsigned>(parameters_.order);
    const auto threshold = static_cast<std::uint64_t>(parameters_.cold * double(std::uint64_t{1} << 32));
    for (std::int64_t i = 0; i < parameters_.burst; ++i) {
      const bool cold = threshold != 0 && colds.below(std::uint64_t{1} << 32) < threshold;
      const OperationStart start = x.begin(task, "alloc");
      const FrameNumber frame =
          system.pages.alloc_pages(task.core(), order, cold ? gfp_nowait | gfp_cold : gfp_nowait);
      if (frame == no_frame) {
        ++failed_;
        x.abandon(task);
        return;
      }
      if (clears_)
        for (std::uint32_t page = 0; page < 1U << order; ++page)
          system.contents.clear_page(task.core(), frame + page);
      x.end(alloc_, start, task);
      burst.push_back({frame, cold ? Temperature::cold : Temperature::hot});
    }
  }

  void give_back(Experiment& x, Task& task, const std::vector<Block>& burst) {
    PageAllocator& pages = x.system().pages;
    const auto order = static_cast<unsigned>(parameters_.order);
    for (const auto [frame, temperature] : burst) {
      const OperationStart start = x.begin(task, "free");
      --pages[frame].refcount; // put_page_testzero()
      if (order == 0)
        pages.free_page(task.core(), frame, temperature);
      else
        pages.free_pages(task.core(), frame, order);
      x.end(free_, start, task);
    }
  }

  const AllocatorParameters parameters_;
  const bool clears_;
  OperationId alloc_{}, free_{};
  std::uint64_t failed_ = 0;
};

const Registered<Scenario> registered{"allocator",
                                      "each CPU: allocate and free pages in bursts, in the kernel",
                                      [](const Configuration& c) { return std::make_unique<Allocator>(c); }};

} // namespace
} // namespace mmsim
