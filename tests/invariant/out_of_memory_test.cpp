// Does everything that was taken come back when memory runs out, wherever that happens?
//
// An operation is run with room for 0, 1, 2, ... further frames until it succeeds: so each of its allocations
// fails once, for want of memory and not by a switch. After each run the machine has nothing left but what it
// began with: no address space, no object, no promise, no lock (lockdep looks where tasks end), and no frame
// but those that slab caches and pagevecs keep, which have nothing to do with who has died.

#include "models/operations/gup.hpp"
#include "models/operations/kill.hpp"
#include "tests/support/versions.hpp"

#include <deque>
#include <gtest/gtest.h>

namespace mmsim::tests::out_of_memory_test {
namespace {

using namespace literals;

/// Idle cores borrow no address space: the last one goes, too.
const Settings nothing_borrowed = {{"kernel.kthread_switch", "eager"}};

/// All memory but some frames, and all objects that slabs have room for.
class Hoard {
 public:
  explicit Hoard(System& system) : system_(system) {}
  void take_all_but(Core& core, std::uint64_t frames) {
    system_.lru->lru_add_drain(core); // what a pagevec holds would be room when it is emptied
    for (FrameNumber frame; (frame = system_.pages.alloc_page(core, gfp_memalloc)) != no_frame;)
      frames_.push_back(frame);
    for (KmemCache* cache : system_.slabs.all())
      for (SlabObject object; (object = cache->alloc(core, gfp_memalloc)) != no_object;)
        objects_.emplace_back(cache, object);
    give_back_frames(core, frames);
  }
  void give_back(Core& core) {
    give_back_frames(core, frames_.size());
    for (const auto& [cache, object] : objects_)
      cache->free(core, object);
    objects_.clear();
  }

 private:
  // The first ones were taken one beside the other, the last ones wherever there was one left. Slabs of
  // several frames need neighbours, and find them in the buddy system only.
  void give_back_frames(Core& core, std::uint64_t frames) {
    for (; frames > 0 && !frames_.empty(); --frames, frames_.pop_front())
      put_page(system_, core, frames_.front());
    system_.pages.drain_local_pages(core);
  }

  System& system_;
  std::deque<FrameNumber> frames_;
  std::vector<std::pair<KmemCache*, SlabObject>> objects_;
};

/// What a process does before memory is short, and what then.
struct Story {
  const char* name;
  std::function<void(System&, Task&)> before;
  std::function<void(System&, Task&)> then;
};
void PrintTo(const Story& story, std::ostream* out) { *out << story.name; }

void write_all(System& system, Task& task, PageNumber area, std::uint64_t pages) {
  for (std::uint64_t i = 0; i < pages; ++i)
    touch(system, task, area + i, AccessKind::write);
}

void map_and_write(System& system, Task& task, std::uint64_t pages, std::uint64_t alignment = 1) {
  if (const PageNumber area = mmap(system, task, pages, alignment); area != map_failed)
    write_all(system, task, area, pages);
}

bool fork_and_wait(
    System& system, Task& task, std::function<void(Task&)> child = [](Task&) {}) {
  const auto exited = std::make_shared<Completion>("the child's exit");
  const auto body = [&system, child](Task& self) {
    child(self);
    exit_task(system, self);
  };
  if (fork(system, task, CoreId(0), body, exited) == nullptr) return false;
  exited->wait(system, task);
  return true;
}

/// Where the first mmap() of a process lies.
PageNumber first_area(Task& task) { return task.mm->vmas.begin()->begin; }

const std::vector<Story> stories{
    {"the_first_fault", [](System&, Task&) {}, [](System& s, Task& t) { map_and_write(s, t, 3); }},
    {"faults_under_several_tables", [](System&, Task&) {},
     [](System& s, Task& t) {
       for (int i = 0; i < 3; ++i)
         map_and_write(s, t, 2, TablePage::entries);
     }},
    {"fork_of_several_areas_and_tables",
     [](System& s, Task& t) {
       for (int i = 0; i < 3; ++i)
         map_and_write(s, t, 4, TablePage::entries);
     },
     [](System& s, Task& t) { fork_and_wait(s, t); }},
    {"fork_of_pinned_pages", [](System& s, Task& t) { map_and_write(s, t, 6); },
     [](System& s, Task& t) {
       std::vector<FrameNumber> pinned;
       if (pin_user_pages_fast(s, t, first_area(t) + 1, 3, AccessKind::write, pinned) == PinPath::failed)
         return;
       const bool killed = killed_in(t, [&](Task& task) { fork_and_wait(s, task); });
       unpin_user_pages(s, t.core(), pinned);
       if (killed) throw TaskKilled{};
     }},
    {"copies_on_write_by_parent_and_child", [](System& s, Task& t) { map_and_write(s, t, 5); },
     [](System& s, Task& t) {
       fork_and_wait(s, t, [&s](Task& child) {
         write_all(s, child, first_area(child), 3);
         fork_and_wait(s, child,
                       [&s](Task& grandchild) { write_all(s, grandchild, first_area(grandchild) + 2, 2); });
         write_all(s, child, first_area(child) + 3, 2);
       });
       write_all(s, t, first_area(t), 5);
     }},
    {"a_copy_while_the_child_lives", [](System& s, Task& t) { map_and_write(s, t, 4); },
     [](System& s, Task& t) {
       const auto exited = std::make_shared<Completion>("the child's exit");
       const auto child = [&s](Task& self) {
         write_all(s, self, first_area(self), 4);
         exit_task(s, self);
       };
       if (fork(s, t, CoreId(0), child, exited) == nullptr) return;
       write_all(s, t, first_area(t), 4);
       exited->wait(s, t);
     }},
    {"pages_pinned_that_were_never_touched",
     [](System& s, Task& t) { map_and_write(s, t, 1, TablePage::entries); },
     [](System& s, Task& t) {
       const PageNumber area = mmap(s, t, 5, TablePage::entries);
       if (area == map_failed) return;
       std::vector<FrameNumber> pinned;
       pin_user_pages_fast(s, t, area, 5, AccessKind::write, pinned);
       unpin_user_pages(s, t.core(), pinned);
     }},
    {"munmap_after_faults", [](System&, Task&) {},
     [](System& s, Task& t) {
       const PageNumber area = mmap(s, t, 4);
       if (area == map_failed) return;
       write_all(s, t, area, 4);
       munmap(s, t, area, 4);
     }}};

/// With a reserve a task that is killed has some of it to end with; without one its way out is as hard as can
/// be.
constexpr std::int64_t kbytes_of_no_reserve = 1, kbytes_of_sixteen_frames = 64;

class OutOfMemory : public testing::TestWithParam<std::tuple<KernelVersion, Story, std::int64_t>> {};

TEST_P(OutOfMemory, LeavesNothingBehindWhicheverAllocationFails) {
  const auto& [version, story, min_free_kbytes] = GetParam();
  std::int64_t kills = 1;
  std::uint64_t room = 0;
  for (; kills > 0 && room < 100; ++room) {
    kills = in_child([&] {
              KernelWorld w(1, version.settings + nothing_borrowed +
                                   Settings{{"machine.memory", "16 MiB"},
                                            {"kernel.min_free_kbytes", min_free_kbytes},
                                            {"kernel.overcommit_memory", std::int64_t{1}}});
              Hoard hoard(w.system);
              bool unwound = false;
              spawn_process_at_boot(w.system, "process", CoreId(0), [&](Task& task) {
                story.before(w.system, task);
                hoard.take_all_but(task.core(), room);
                unwound = killed_in(task, [&](Task& self) { story.then(w.system, self); });
                hoard.give_back(task.core());
                if (unwound) throw TaskKilled{};
                exit_task(w.system, task);
              });
              w.engine.run();
              w.system.check_invariants();
              if (w.system.address_spaces() != 1) throw std::runtime_error("an address space is left");
              // check_invariants() has found that whatever else is allocated is held by pagevecs alone.
              for (const KmemCache* cache : w.system.slabs.all())
                if (cache->in_use() != 0) throw std::runtime_error("objects are left");
              const std::uint64_t kept =
                  w.system.slabs.frames() + w.system.lru->check_invariants().in_pagevecs.size();
              if (w.system.pages.allocated_frames() != kept) throw std::runtime_error("frames are left");
              if (w.system.overcommit.committed().exact_now() != 0)
                throw std::runtime_error("promises are left");
              const auto killed = static_cast<std::int64_t>(w.count(Counter::oom_kill));
              if (unwound && killed == 0) throw std::runtime_error("unwound without being killed");
              return std::vector{killed};
            }).at(0);
    if (room == 0) {
      EXPECT_GT(kills, 0) << "there was no room at all";
    }
  }
  EXPECT_EQ(kills, 0) << "with room for " << room << " frames";
  EXPECT_GT(room, 2u) << "how many allocations it takes";
}

/// And one whose page tables are objects that can be missing.
std::vector<KernelVersion> versions_and_tables_in_slabs() {
  std::vector<KernelVersion> all = versions;
  all.push_back({"tables_in_slabs", {{"kernel.table_pages", "slab"}}});
  return all;
}

INSTANTIATE_TEST_SUITE_P(Everywhere, OutOfMemory,
                         testing::Combine(testing::ValuesIn(versions_and_tables_in_slabs()),
                                          testing::ValuesIn(stories),
                                          testing::Values(kbytes_of_no_reserve, kbytes_of_sixteen_frames)),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param).name) + "_" +
                                  std::get<1>(info.param).name +
                                  (std::get<2>(info.param) == kbytes_of_no_reserve ? "" : "_with_a_reserve");
                         });

TEST(OutOfMemoryInAThread, EndsTheWholeProcessWhereverTheOthersAre) {
  KernelWorld w(4, nothing_borrowed + Settings{{"machine.memory", "16 MiB"}});
  Completion never("something that never comes");
  int unwound = 0;
  const auto counted = [&](Task& task, const std::function<void(Task&)>& body) {
    if (!killed_in(task, body)) return;
    ++unwound;
    throw TaskKilled{};
  };
  Task& first = spawn_process_at_boot(w.system, "takes it all", CoreId(0), [&](Task& task) {
    counted(task, [&](Task& self) {
      for (;;)
        map_and_write(w.system, self, 64);
    });
  });
  spawn_thread_at_boot(w.system, "in user mode", *first.mm, CoreId(1), [&](Task& task) {
    counted(task, [&](Task& self) { run_user(w.system, self, 10000_ms); });
  });
  spawn_thread_at_boot(w.system, "asleep", *first.mm, CoreId(2),
                       [&](Task& task) { counted(task, [&](Task& self) { never.wait(w.system, self); }); });
  spawn_thread_at_boot(w.system, "maps", *first.mm, CoreId(3), [&](Task& task) {
    counted(task, [&](Task& self) {
      for (;;)
        if (const PageNumber area = mmap(w.system, self, 1); area != map_failed)
          munmap(w.system, self, area, 1);
    });
  });
  w.engine.run();
  w.system.check_invariants();
  EXPECT_EQ(unwound, 4);
  EXPECT_EQ(w.count(Counter::oom_kill), 1u) << "one process";
  EXPECT_EQ(w.system.address_spaces(), 1u);
  EXPECT_LT(w.now(), 1000_ms) << "user code is interrupted";
}

/// A process that does this and that, and so do its children.
struct Wild {
  System& system;
  RandomStream random;
  std::uint32_t cpus;
  std::uint64_t below(std::uint64_t n) { return random.below(n); }

  void live(Task& task, int depth) {
    std::vector<std::pair<PageNumber, std::uint64_t>>
        areas; // with those of the parent that it touches no more
    for (int i = 0; i < 60; ++i)
      step(task, depth, areas);
  }
  void step(Task& task, int depth, std::vector<std::pair<PageNumber, std::uint64_t>>& areas) {
    const std::uint64_t choice = below(10);
    if (choice < 3 || areas.empty()) {
      const std::uint64_t pages = 1 + below(300);
      if (const PageNumber area = mmap(system, task, pages, below(4) == 0 ? 512 : 1); area != map_failed)
        areas.emplace_back(area, pages);
    } else if (choice < 7) {
      const auto [area, pages] = areas[below(areas.size())];
      write_all(system, task, area, 1 + below(pages));
    } else if (choice < 9) {
      std::swap(areas[below(areas.size())], areas.back());
      munmap(system, task, areas.back().first, areas.back().second);
      areas.pop_back();
    } else if (depth > 0) {
      const auto body = [this, depth](Task& child) {
        live(child, depth - 1);
        exit_task(system, child);
      };
      const auto exited = std::make_shared<Completion>("the child's exit");
      if (fork(system, task, CoreId(static_cast<std::uint32_t>(below(cpus))), body, exited) != nullptr &&
          below(2) == 0)
        exited->wait(system, task);
    }
  }
};

class Promises : public testing::TestWithParam<std::tuple<KernelVersion, std::int64_t>> {};

TEST_P(Promises, AddUpAfterAnyLifeInLittleMemory) {
  const auto& [version, policy] = GetParam();
  std::int64_t kills = 0;
  for (std::uint64_t seed = 1; seed <= 8; ++seed)
    kills += in_child([&] {
               KernelWorld w(4,
                             version.settings + Settings{{"machine.memory", "16 MiB"},
                                                         {"kernel.overcommit_memory", policy},
                                                         {"kernel.hz", std::int64_t{1000}}},
                             {}, seed);
               Wild wild{w.system, RandomStream(seed, "life"), 4};
               for (std::uint32_t cpu = 0; cpu < 4; ++cpu)
                 spawn_process_at_boot(w.system, "wild", CoreId(cpu), [&](Task& task) {
                   wild.live(task, 2);
                   exit_task(w.system, task);
                 });
               w.engine.run();
               w.system.check_invariants();
               if (w.system.address_spaces() > 1 + 4)
                 throw std::runtime_error("more is left than idle cores borrow");
               if (w.system.overcommit.committed().exact_now() != 0)
                 throw std::runtime_error("promises are left");
               return std::vector{static_cast<std::int64_t>(w.count(Counter::oom_kill))};
             }).at(0);
  if (policy != 2) {
    EXPECT_GT(kills, 0) << "memory was never short";
  }
}

INSTANTIATE_TEST_SUITE_P(Policies, Promises,
                         testing::Combine(testing::ValuesIn(versions),
                                          testing::Values(std::int64_t{0}, std::int64_t{1}, std::int64_t{2})),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param).name) + "_policy_" +
                                  std::to_string(std::get<1>(info.param));
                         });

} // namespace
} // namespace mmsim::tests::out_of_memory_test
