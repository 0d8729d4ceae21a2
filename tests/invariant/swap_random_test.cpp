// Does every page come back from swap as it went, whatever happens at the same time, and is no slot lost? With content
// stamps (run.checks) every read of user code is compared with what was last written there.

#include "models/address_space/content_stamps.hpp"
#include "models/operations/madvise.hpp"
#include "models/operations/mprotect.hpp"
#include "models/operations/mremap.hpp"
#include "models/operations/munmap.hpp"
#include "sim/engine/random.hpp"
#include "tests/support/versions.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::swap_random_test {
namespace {

using namespace literals;

class SwapRuns : public testing::TestWithParam<KernelVersion> {};
INSTANTIATE_TEST_SUITE_P(Versions, SwapRuns, testing::ValuesIn(versions),
                         [](const auto& info) { return info.param.name; });
INSTANTIATE_TEST_SUITE_P(ExclusivePages, SwapRuns, testing::ValuesIn(exclusive_versions),
                         [](const auto& info) { return info.param.name; });

const Settings small{{"machine.memory", "16 MiB"},
                     {"machine.swap.size", "24 MiB"},
                     {"machine.swap.latency", "5 us"},
                     {"run.checks", true}};

constexpr std::uint64_t pages_each = 1600; // four processes have more than there is

struct Outcome {
  std::int64_t finished = 0, killed = 0, sigbus = 0, oom = 0, in = 0, out = 0, compared = 0, errors = 0;
  std::vector<std::int64_t> values() const {
    return {finished, killed, sigbus, oom, in, out, compared, errors};
  }
  static Outcome of(const std::vector<std::int64_t>& v) {
    return {v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]};
  }
};

/// What a process does at random with an area of its own.
class User {
 public:
  User(KernelWorld& world, Task& task, RandomStream& random, bool forks)
      : w_(world), task_(task), random_(random), forks_(forks) {
    first_ = mmap_apart(w_.system, task_, pages_each);
  }
  void run(int steps) {
    for (int i = 0; i < steps; ++i)
      step();
  }

 private:
  void touch_one() {
    touch(w_.system, task_, first_ + random_.below(pages_each),
          random_.below(3) == 0 ? AccessKind::read : AccessKind::write);
  }
  // At any instant: who is exclusive is mapped once at most.
  void look_at_exclusive_pages() {
    FrameTable& frames = w_.system.pages.frames();
    for (FrameNumber number{0}; number < frames.end(); number = number + 1) {
      const Frame& frame = frames[number];
      if ((frame.flags & PG_anon_exclusive) == 0 || frame.state != FrameState::allocated) continue;
      if (frame.mapcount > 1 || (frame.flags & PG_file) != 0 || !w_.system.parameters.anon_exclusive())
        throw std::logic_error("an exclusive page is mapped twice, or a file's");
    }
  }
  void step() {
    look_at_exclusive_pages();
    const std::uint64_t what = random_.below(100);
    const PageNumber page = first_ + random_.below(pages_each - 16);
    if (what == 0 && forks_) return fork_and_use();
    if (what == 1) return void(madvise(w_.system, task_, page, 1 + random_.below(16), Advice::dontneed));
    if (what == 2) return protect_and_back(page);
    if (what == 3) return move();
    for (int i = 0; i < 12; ++i)
      touch_one();
  }
  void protect_and_back(PageNumber page) {
    mprotect(w_.system, task_, page, 8, VM_READ);
    touch(w_.system, task_, page, AccessKind::read);
    mprotect(w_.system, task_, page, 8, VM_READ | VM_WRITE);
  }
  // To another address and, with the next call, to a third one.
  void move() {
    const MmapResult moved = mremap(w_.system, task_, first_, pages_each, pages_each + 1, MREMAP_MAYMOVE);
    if (moved.error != Errno::ok) return;
    first_ = moved.first;
    munmap(w_.system, task_, first_ + pages_each, 1);
  }
  // Parent and child go on with the same pages for a while, each writing some.
  void fork_and_use() {
    auto exited = std::make_shared<Completion>("the exit of a child");
    const PageNumber first = first_;
    const std::uint64_t seed = random_.below(1'000'000);
    KernelWorld& w = w_;
    if (fork(
            w.system, task_, CoreId(static_cast<std::uint32_t>(random_.below(4))),
            [&w, first, seed](Task& child) {
              RandomStream random(seed, "child");
              for (int i = 0; i < 60; ++i)
                touch(w.system, child, first + random.below(pages_each),
                      random.below(3) == 0 ? AccessKind::write : AccessKind::read);
              exit_task(w.system, child);
            },
            exited) == nullptr)
      return;
    for (int i = 0; i < 40; ++i)
      touch_one();
    exited->wait(w.system, task_);
  }

  KernelWorld& w_;
  Task& task_;
  RandomStream& random_;
  const bool forks_;
  PageNumber first_;
};

/// So many processes, one a CPU, that run `body` and exit.
using Body = std::function<void(KernelWorld&, Task&, RandomStream&)>;
Outcome run_processes(const Settings& settings, std::uint64_t seed, std::uint32_t processes,
                      const Body& body) {
  return Outcome::of(in_child([&] {
    KernelWorld w(4, settings, {}, seed);
    Outcome outcome;
    w.system.task_killed = [&](Task&) { ++outcome.killed; };
    for (std::uint32_t cpu = 0; cpu < processes; ++cpu)
      spawn_process_at_boot(w.system, "user " + std::to_string(cpu), CoreId(cpu), [&, cpu](Task& task) {
        RandomStream random(seed, "user " + std::to_string(cpu));
        body(w, task, random);
        ++outcome.finished;
        exit_task(w.system, task);
      });
    w.engine.run();
    w.system.check_invariants();
    outcome.sigbus = static_cast<std::int64_t>(w.count(Counter::sigbus));
    outcome.oom = static_cast<std::int64_t>(w.count(Counter::oom_kill));
    outcome.in = static_cast<std::int64_t>(w.count(Counter::pswpin));
    outcome.out = static_cast<std::int64_t>(w.count(Counter::pswpout));
    outcome.errors = static_cast<std::int64_t>(w.count(Counter::io_error));
    outcome.compared = static_cast<std::int64_t>(w.system.stamps->compared());
    return outcome.values();
  }));
}

Outcome random_run(const Settings& settings, std::uint64_t seed, bool forks, int steps) {
  return run_processes(settings, seed, 4, [&](KernelWorld& w, Task& task, RandomStream& random) {
    User(w, task, random, forks).run(steps);
  });
}

TEST_P(SwapRuns, BringEveryPageBackAsItWent) {
  for (std::uint64_t seed = 1; seed <= 2; ++seed) {
    const Outcome outcome = random_run(GetParam().settings + small, seed, true, 250);
    EXPECT_EQ(outcome.finished, 4);
    EXPECT_EQ(outcome.oom + outcome.sigbus, 0);
    EXPECT_GT(outcome.out, 100);
    EXPECT_GT(outcome.in, 100);
    EXPECT_GT(outcome.compared, 4 * 250 * 4);
  }
}

TEST_P(SwapRuns, LoseNothingWithASlowDevice) {
  const Outcome outcome = random_run(GetParam().settings + small +
                                         Settings{{"machine.swap.latency", "100 us"},
                                                  {"machine.swap.bandwidth", "100 MB/s"},
                                                  {"kernel.nr_requests", std::int64_t{8}}},
                                     3, true, 200);
  EXPECT_EQ(outcome.finished, 4);
  EXPECT_GT(outcome.out, 50);
}

TEST_P(SwapRuns, LoseNothingWhenSwapIsFull) {
  const Outcome outcome =
      random_run(GetParam().settings + small + Settings{{"machine.swap.size", "2 MiB"}}, 4, false, 250);
  EXPECT_EQ(outcome.finished + outcome.killed, 4);
  EXPECT_GT(outcome.oom, 0);
  EXPECT_GT(outcome.finished, 0); // not all of them
  EXPECT_GT(outcome.out, 50);
}

// 2047 slots: caches of slots come into use above 5 x 64 free slots a CPU, and are given back below 2 x 64.
TEST_P(SwapRuns, LoseNothingWhileCachesOfSlotsComeAndGo) {
  constexpr std::uint64_t few = 400, many = 1300;
  const Outcome outcome =
      run_processes(GetParam().settings + small + Settings{{"machine.swap.size", "8 MiB"}}, 6, 4,
                    [](KernelWorld& w, Task& task, RandomStream& random) {
                      const PageNumber first = mmap_apart(w.system, task, pages_each);
                      for (int round = 0; round < 3; ++round) {
                        std::uint64_t written = 0; // together they have more than memory and swap
                        while (written < pages_each && w.system.swap.free_slots() > few)
                          touch(w.system, task, first + written++, AccessKind::write);
                        for (int i = 0; i < 100 && written > 0; ++i)
                          touch(w.system, task, first + random.below(written), AccessKind::read);
                        madvise(w.system, task, first, pages_each, Advice::dontneed);
                        for (int i = 0; i < 1000 && w.system.swap.free_slots() < many; ++i)
                          run_user(w.system, task, 10_us); // the others are about to drop theirs
                      }
                    });
  EXPECT_EQ(outcome.finished + outcome.killed, 4);
  EXPECT_GT(outcome.finished, 0);
  EXPECT_GT(outcome.out, 2047 - static_cast<std::int64_t>(few) - 64 * 4); // what it takes to get there
}

// More of one family than there are CPUs, all after the same slots at the same time.
TEST_P(SwapRuns, GiveAllOfAFamilyTheSamePages) {
  constexpr std::uint64_t pages = 3600;
  constexpr std::uint32_t children = 7;
  const Outcome outcome =
      run_processes(GetParam().settings + small, 7, 1, [](KernelWorld& w, Task& task, RandomStream& random) {
        const PageNumber first = mmap_apart(w.system, task, pages);
        for (std::uint64_t page = 0; page < pages; ++page)
          touch(w.system, task, first + page, AccessKind::write);
        const std::uint64_t same = random.below(1'000'000);
        std::vector<std::shared_ptr<Completion>> exits;
        for (std::uint32_t child = 0; child < children; ++child) {
          auto exited = std::make_shared<Completion>("the exit of a child");
          const auto life = [&w, first, same, child](Task& sharer) {
            RandomStream where(same, "all"), what(same, "child " + std::to_string(child));
            for (int i = 0; i < 300; ++i)
              touch(w.system, sharer, first + where.below(pages),
                    what.below(8) == 0 ? AccessKind::write : AccessKind::read);
            exit_task(w.system, sharer);
          };
          if (fork(w.system, task, CoreId(child % 4), life, exited) != nullptr) exits.push_back(exited);
        }
        if (exits.size() < children) throw std::logic_error("a child of a test could not be forked");
        for (const auto& exited : exits)
          exited->wait(w.system, task);
      });
  EXPECT_EQ(outcome.finished, 1);
  EXPECT_EQ(outcome.oom + outcome.sigbus, 0);
  EXPECT_GT(outcome.in, 100);
  EXPECT_GT(outcome.compared, 7 * 300 / 2);
}

TEST_P(SwapRuns, LoseAProcessAndNothingElseWhenAReadFails) {
  const Outcome outcome = random_run(
      GetParam().settings + small + Settings{{"machine.swap.fail_every", std::int64_t{401}}}, 5, false, 250);
  EXPECT_GT(outcome.errors, 0);
  EXPECT_EQ(outcome.finished + outcome.killed, 4);
  EXPECT_EQ(outcome.killed, outcome.sigbus); // one process each, and nobody for another reason
  EXPECT_EQ(outcome.oom, 0);
}

TEST(ContentStamps, NoticeAPageThatWasSwappedWithAnother) {
  const std::string violation = text_in_child([] {
    return violation_of([] {
      KernelWorld w(1, {{"run.checks", true}});
      spawn_process_at_boot(w.system, "process", CoreId(0), [&](Task& task) {
        const PageNumber page = mmap_apart(w.system, task, 2);
        touch(w.system, task, page, AccessKind::write);
        touch(w.system, task, page + 1, AccessKind::write);
        touch(w.system, task, page, AccessKind::read); // as it was written
        const FrameNumber one = task.mm->tables.find(page)->frame();
        const FrameNumber other = task.mm->tables.find(page + 1)->frame();
        w.system.contents.copy_page(task.core(), one, other); // what no kernel does
        touch(w.system, task, page + 1, AccessKind::read);
      });
      w.engine.run();
    });
  });
  EXPECT_NE(violation.find("but must find what cpu 0 wrote to page"), std::string::npos) << violation;
}

} // namespace
} // namespace mmsim::tests::swap_random_test
