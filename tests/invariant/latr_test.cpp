// Does latr keep back what cores may still use, for as long as they may, and no longer?

#include "tests/support/kernel_world.hpp"
#include "tests/support/wrong_policies.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mmsim::tests::latr_test {
namespace {

using namespace literals;
using testing::HasSubstr;

// cpu 1 reads a page round and round; cpu 0 unmaps it, and looks around before and after cpu 1 has left.
struct Story {
  KernelWorld w;
  bool mapped = false, stop = false, gone = false;
  PageNumber page{};
  std::function<void(Task&)> about_to_unmap = [](Task&) {}, unmapped = [](Task&) {},
                             reader_gone = [](Task&) {};

  explicit Story(const Settings& settings) : w(2, Settings{{"kernel.tlb_flush", "latr"}} + settings) {}

  FrameNumber frame_of(MmStruct& mm) { return mm.tables.find(page)->frame(); }
  std::string run() {
    Task& owner = spawn_process_at_boot(w.system, "owner", CoreId(0), [&](Task& task) {
      touch(w.system, task, mmap(w.system, task, 1), AccessKind::write); // its table stays
      page = mmap(w.system, task, 1);
      touch(w.system, task, page, AccessKind::write);
      w.system.lru->lru_add_drain(task.core()); // or its pagevec would keep the page
      mapped = true;
      run_user(w.system, task, 20_us);
      about_to_unmap(task);
      munmap(w.system, task, page, 1);
      unmapped(task);
      run_user(w.system, task, 20_us);
      stop = true;
      w.spin_in_user_mode(task, gone);
      run_user(w.system, task, 20_us);
      w.system.scheduler.yield(task); // schedule(): what has been swept is given back
      reader_gone(task);
      exit_task(w.system, task);
    });
    owner.bound = true;
    spawn_thread_at_boot(w.system, "reader", *owner.mm, CoreId(1), [&](Task& task) {
      w.spin_in_user_mode(task, mapped);
      WorkingSet set{page, 1, 10_ns, AccessKind::read};
      while (!stop)
        run_user(w.system, task, 2_us, &set);
      run_user(w.system, task, 200_us); // without it
      gone = true;
      exit_task(w.system, task);
    }).bound = true;
    return violation_of([&] {
      w.engine.run();
      w.system.check_invariants();
    });
  }
};

TEST(Latr, KeepsPageAndAddressBackUntilTheLastCoreHasSwept) {
  Story story(Settings{});
  KernelWorld& w = story.w;
  FrameNumber frame{};
  w.engine.at(Instant(15_us), [&] { frame = story.frame_of(w.system.mm_switch.loaded(CoreId(0))); });
  story.unmapped = [&](Task& task) {
    EXPECT_EQ(w.count(Counter::ipi_requested), 0u);
    EXPECT_EQ(w.system.pages[frame].refcount, 1);
    const PageNumber next = mmap(w.system, task, 1);
    EXPECT_NE(next, story.page);
    munmap(w.system, task, next, 1); // nothing was there: nothing to flush
    EXPECT_FALSE(task.mm->withheld.empty());
  };
  story.reader_gone = [&](Task& task) {
    EXPECT_EQ(w.system.pages[frame].refcount, 0);
    EXPECT_TRUE(task.mm->withheld.empty());
    EXPECT_TRUE(task.mm->open_changes.empty());
    EXPECT_EQ(mmap(w.system, task, 1), story.page);
  };
  EXPECT_EQ(story.run(), "");
  EXPECT_GT(w.count(Counter::stale_hit), 0u); // in the meantime, which is legal
  EXPECT_EQ(w.count(Counter::ipi_received), 0u);
}

TEST(Latr, SweepsAtTicks) {
  Story story(Settings{{"kernel.hz", std::int64_t{10'000}}}); // a tick every 100 us: cpu 1's is not far
  bool swept = false;
  story.about_to_unmap = [&](Task& task) {
    story.stop = true; // it still has the page in its TLB, but looks no more
    run_user(story.w.system, task, 5_us);
  };
  story.unmapped = [&](Task& task) {
    EXPECT_FALSE(task.mm->withheld.empty());
    run_user(story.w.system, task, 130_us);
    swept = task.mm->open_changes.empty();
  };
  EXPECT_EQ(story.run(), "");
  EXPECT_TRUE(swept);
}

TEST(Latr, InterruptsWhereItsQueueIsFull) {
  Story story(Settings{{"kernel.latr_states", std::int64_t{1}}});
  KernelWorld& w = story.w;
  story.unmapped = [&](Task& task) {
    const PageNumber next = mmap(w.system, task, 1);
    touch(w.system, task, next, AccessKind::write);
    EXPECT_EQ(w.count(Counter::ipi_requested), 0u);
    EXPECT_EQ(w.count(Counter::latr_full), 0u);
    munmap(w.system, task, next, 1);
    EXPECT_EQ(w.count(Counter::ipi_requested), 1u);
    EXPECT_EQ(w.count(Counter::latr_deferred), 1u);
    EXPECT_EQ(w.count(Counter::latr_full), 1u);
    EXPECT_EQ(task.mm->withheld.past(next, 1), next);
  };
  EXPECT_EQ(story.run(), "");
}

TEST(Latr, CompletesByInterruptWhenTheAddressIsAskedFor) {
  Story story(Settings{});
  KernelWorld& w = story.w;
  story.unmapped = [&](Task& task) {
    story.stop = true;
    run_user(w.system, task, 5_us); // or the reader would fault on what is no longer there
    w.system.flusher.complete(task.core(), *task.mm, story.page, 1);
    EXPECT_EQ(w.count(Counter::ipi_requested), 1u);
    EXPECT_TRUE(task.mm->withheld.empty());
    EXPECT_TRUE(task.mm->open_changes.empty());
  };
  EXPECT_EQ(story.run(), "");
}

TEST(Latr, GivesAllBackAtTheExitOfAProcessThatLeavesStatesBehind) {
  KernelWorld w(2, {{"kernel.tlb_flush", "latr"}});
  bool done = false;
  Task& owner = spawn_process_at_boot(w.system, "owner", CoreId(0), [&](Task& task) {
    run_user(w.system, task, 10_us);
    for (int i = 0; i < 5; ++i) {
      const PageNumber page = mmap(w.system, task, 3, 512); // a table goes too
      touch(w.system, task, page + 1, AccessKind::write);
      munmap(w.system, task, page, 3);
    }
    done = true;
    exit_task(w.system, task);
  });
  owner.bound = true;
  spawn_thread_at_boot(w.system, "last", *owner.mm, CoreId(1), [&](Task& task) {
    w.spin_in_user_mode(task, done);
    exit_task(w.system, task);
  }).bound = true;
  EXPECT_EQ(violation_of([&] {
              w.engine.run();
              w.system.check_invariants();
            }),
            ""); // frames and tables have leaked otherwise
}

TEST(Oracle, CatchesAPolicyThatGivesBackWhatItShouldKeep) {
  Story story(Settings{{"kernel.tlb_flush", "test_releases_at_once"}});
  EXPECT_THAT(story.run(), testing::AllOf(HasSubstr("stale translation: cpu 1 uses page 0x"),
                                          HasSubstr("frame has been freed")));
}

} // namespace
} // namespace mmsim::tests::latr_test
