// Do address spaces stay what their programs made of them, whatever the programs do?
//
// Threads of one process do random things, each in a window of its own and with what it has moved elsewhere;
// windows touch, so that areas of different threads merge and are cut. There are more threads than cores, so
// that they leave translations behind on cores to which they come back. Each thread keeps books of what must
// be there; now and then they all wait, and the kernel's own books are compared.

#include "tests/support/barrier.hpp"
#include "tests/support/random_mappings.hpp"
#include "tests/support/versions.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::mappings_random_test {
namespace {

using namespace literals;

constexpr std::uint64_t window = 40;
constexpr std::uint32_t threads = 5;
constexpr int meetings = 4;
constexpr PageNumber windows_begin{(1 << 17) - 60}; // so that they cross the end of a table
constexpr PageNumber windows_end{(1 << 17) - 60 + threads * window};

class Program {
 public:
  Program(KernelWorld& w, Barrier& barrier, std::uint32_t number, std::uint64_t seed)
      : w_(w), barrier_(barrier), has_heap_(number == 0),
        mappings_(w, {windows_begin + number * window, window, windows_end},
                  RandomStream(seed, "program " + std::to_string(number))) {}

  void run(Task& task, int steps) {
    for (int step = 0; step < steps; ++step) {
      one_step(task);
      mappings_.check(task);
      run_user(w_.system, task, mappings_.random().exponential(3_us));
      if (step % (steps / meetings) == steps / meetings - 1) barrier_.meet(task);
    }
  }

 private:
  void one_step(Task& task) {
    const std::uint64_t choice = mappings_.random().below(std::uint64_t{100});
    if (choice < 20) return mappings_.map_fixed(task);
    if (choice < 32) return mappings_.unmap(task);
    if (choice < 50) return mappings_.protect(task);
    if (choice < 58) return mappings_.advise(task);
    if (choice < 66) return mappings_.remap(task);
    if (choice < 70 && has_heap_) return mappings_.move_break(task);
    // Rarely, since fork flushes everything, and hides that others did not.
    if (choice < 71 && mappings_.random().below(std::uint64_t{4}) == 0) return mappings_.fork_and_look(task);
    mappings_.touch_some(task);
  }

  KernelWorld& w_;
  Barrier& barrier_;
  const bool has_heap_;
  RandomMappings mappings_;
};

struct Mix {
  const char* name;
  Settings settings;
};
void PrintTo(const Mix& mix, std::ostream* out) { *out << mix.name; }

class RandomMappings : public testing::TestWithParam<std::tuple<KernelVersion, Mix, int>> {};

TEST_P(RandomMappings, AreWhatTheirProgramsMadeOfThem) {
  const auto& [version, mix, seed] = GetParam();
  constexpr std::uint32_t cpus = 3;
  constexpr int steps = 1000;
  KernelWorld w(cpus,
                version.settings +
                    Settings{{"kernel.hz", std::int64_t{1000}}, {"kernel.time_slice", "50 us"}} +
                    mix.settings,
                {}, static_cast<std::uint64_t>(seed));
  Barrier barrier(w, threads);
  std::vector<std::unique_ptr<Program>> programs;
  MmStruct* mm = nullptr;
  for (std::uint32_t i = 0; i < threads; ++i) {
    programs.push_back(std::make_unique<Program>(w, barrier, i, static_cast<std::uint64_t>(seed)));
    const auto body = [&w, &program = *programs.back()](Task& task) {
      program.run(task, steps);
      exit_task(w.system, task);
    };
    const std::string name = "program " + std::to_string(i);
    Task& task = mm != nullptr ? spawn_thread_at_boot(w.system, name, *mm, CoreId(i % cpus), body)
                               : spawn_process_at_boot(w.system, name, CoreId(i % cpus), body);
    mm = task.mm;
  }
  w.engine.run();
  w.system.check_invariants();
  EXPECT_GT(w.count(Counter::tlb_flush_range), 100u);
  EXPECT_EQ(barrier.meetings(), std::uint64_t{meetings});
  EXPECT_GE(barrier.populated(), std::uint64_t{meetings});
}

INSTANTIATE_TEST_SUITE_P(
    Kernels, RandomMappings,
    testing::Combine(
        testing::ValuesIn(versions),
        testing::Values(
            Mix{"eager", {{"kernel.tlb_flush", "eager"}}},
            Mix{"broadcast_one_lock", {{"kernel.tlb_flush", "broadcast"}, {"kernel.pt_lock", "mm"}}},
            Mix{"lazy_small_gather",
                {{"kernel.tlb_flush", "lazy"}, {"kernel.gather_pages", std::int64_t{3}}}},
            Mix{"leave_mm", {{"kernel.tlb_flush", "leave_mm"}}}, Mix{"latr", {{"kernel.tlb_flush", "latr"}}},
            Mix{"maple_with_vma_locks",
                {{"kernel.vma_tree", "maple"}, {"kernel.vma_cache", "none"}, {"kernel.vma_lock", true}}}),
        testing::Values(1, 2)),
    [](const auto& info) {
      return std::string(std::get<0>(info.param).name) + "_" + std::get<1>(info.param).name + "_" +
             std::to_string(std::get<2>(info.param));
    });

} // namespace
} // namespace mmsim::tests::mappings_random_test
