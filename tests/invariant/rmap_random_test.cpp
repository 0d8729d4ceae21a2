// Does the reverse map find exactly the entries that map a page, whatever the programs of a family do?
//
// Processes fork, map, cut, merge and move areas, of anonymous memory and of a file, and write to them; now and then one of
// them walks from a page of anybody's to its mappings, or takes them all away as reclaim does. On one CPU nobody runs
// between two operations: there a census compares every page's mappings with what the page tables say.

#include "tests/support/random_mappings.hpp"
#include "tests/support/unmapping.hpp"
#include "tests/support/versions.hpp"

#include <algorithm>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace mmsim::tests::rmap_random_test {
namespace {

using namespace literals;

constexpr PageNumber windows{(1 << 17) - 30}; // they cross the end of a table
constexpr std::uint64_t window_pages = 80, file_pages = 48;
constexpr PageNumber stack_end{(1 << 17) + 4096};
constexpr int generations_of_processes = 3;

class Family {
 public:
  Family(KernelWorld& w, std::uint32_t cpus, std::uint64_t seed)
      : w_(w), cpus_(cpus), random_(seed, "family"),
        file_(w.system.page_cache.create("data", file_pages, InMemory::yes)) {}

  void live(Task& task, int generation, int steps) {
    std::vector<std::shared_ptr<Completion>> children;
    for (int step = 0; step < steps; ++step) {
      if (generation < generations_of_processes && children.size() < 4 && below(12) == 0)
        children.push_back(fork_one(task, generation + 1, steps / 2));
      else
        one_step(task);
      if (cpus_ == 1 && below(40) == 0) census(task);
      run_user(w_.system, task, random_.exponential(2_us));
    }
    for (const auto& child : children)
      child->wait(w_.system, task);
    exit_task(w_.system, task);
  }

  std::uint64_t walks = 0, unmapped = 0, censuses = 0, shared = 0;

 private:
  std::uint64_t below(std::uint64_t n) { return random_.below(n); }

  std::shared_ptr<Completion> fork_one(Task& task, int generation, int steps) {
    auto exited = std::make_shared<Completion>("a child's exit");
    Task* const child = fork(
        w_.system, task, CoreId(static_cast<std::uint32_t>(below(cpus_))),
        [this, generation, steps](Task& self) { live(self, generation, steps); }, exited);
    if (child == nullptr) throw Violation("fork");
    return exited;
  }

  void one_step(Task& task) {
    const PageNumber first = windows + below(window_pages);
    const std::uint64_t pages = 1 + below(16);
    const std::uint64_t choice = below(100);
    if (choice < 15) return map(task, first, pages);
    if (choice < 24) return std::ignore = munmap(w_.system, task, first, pages), void();
    if (choice < 36)
      return std::ignore =
                 mprotect(w_.system, task, first, pages, below(3) == 0 ? PROT_READ : PROT_READ | PROT_WRITE),
             void();
    if (choice < 44) {
      if (Vma* vma = any_area(task); vma != nullptr && !vma->has(VM_GROWSDOWN)) {
        const std::uint64_t skip = below(vma->pages());
        const std::uint64_t some = 1 + below(vma->pages() - skip);
        std::ignore = mremap(w_.system, task, vma->begin + skip, some, some + 1 + below(8), MREMAP_MAYMOVE);
      }
      return;
    }
    if (choice < 48) return grow_stack(w_.system, task, stack_end, random_);
    if (choice < 60) return walk(task, choice < 55);
    touch_some(task);
  }

  void map(Task& task, PageNumber first, std::uint64_t pages) {
    MmapRequest request;
    request.hint = first;
    request.pages = pages;
    request.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    if (below(3) == 0) {
      request.file = &file_;
      request.pgoff = below(file_pages - pages);
      request.flags = (below(3) == 0 ? MAP_SHARED : MAP_PRIVATE) | MAP_FIXED;
    }
    std::ignore = mmap(w_.system, task, request);
  }

  Vma* any_area(Task& task) {
    VmaTree& areas = task.mm->vmas;
    if (areas.empty()) return nullptr;
    return &*std::next(areas.begin(), static_cast<std::ptrdiff_t>(below(areas.size())));
  }

  void touch_some(Task& task) {
    for (int i = 0; i < 6; ++i) {
      const Vma* const vma = any_area(task);
      if (vma == nullptr) return;
      const PageNumber page = vma->begin + below(vma->pages());
      if (vma->file != nullptr && vma->pgoff + (page - vma->begin) >= file_pages) continue; // SIGBUS
      touch(w_.system, task, page, vma->writable() && below(3) > 0 ? AccessKind::write : AccessKind::read);
    }
  }

  // From one of the process's pages to whoever maps it.
  void walk(Task& task, bool takes_it) {
    const Vma* const vma = any_area(task);
    if (vma == nullptr) return;
    const Pte* const entry = task.mm->tables.find(vma->begin + below(vma->pages()));
    if (entry == nullptr || !entry->present() || entry->special()) return;
    const FrameNumber frame = entry->frame();
    if (takes_it) {
      unmapped += static_cast<std::uint64_t>(unmap_everywhere(w_.system, task, frame));
      return;
    }
    ++w_.system.pages[frame].refcount;
    std::uint64_t found = 0;
    w_.system.rmap->for_each_mapping(task, frame, [&](const Mapping& mapping) {
      if (mapping.entry().frame() != frame || !mapping.vma.contains(mapping.page) ||
          mapping.vma.mm != &mapping.mm)
        throw Violation("a walk shows what does not map the page");
      ++found;
      return Walk::go_on;
    });
    put_page(w_.system, task.core(), frame);
    ++walks;
    shared += found > 1;
  }

  // Nobody else runs meanwhile, but somebody may be in the middle of an munmap or an exit.
  void census(Task& task) {
    using Place = std::pair<std::uint32_t, PageNumber>;
    std::map<std::uint32_t, std::set<Place>> expected;
    w_.system.for_each_mm([&](MmStruct& mm) {
      for (const Vma& vma : mm.vmas)
        for (PageNumber page = vma.begin; page < vma.end; ++page)
          if (const Pte* entry = mm.tables.find(page);
              entry != nullptr && entry->present() && !entry->special())
            expected[entry->frame().value()].insert({mm.id, page});
    });
    for (const auto& [frame, places] : expected) {
      std::set<Place> found;
      w_.system.rmap->for_each_mapping(task, FrameNumber(frame), [&](const Mapping& mapping) {
        const Pte* entry = mapping.mm.tables.find(mapping.page);
        EXPECT_TRUE(entry != nullptr && entry->present() && entry->frame() == FrameNumber(frame));
        if (!found.insert({mapping.mm.id, mapping.page}).second)
          throw Violation("a walk shows an entry twice");
        return Walk::go_on;
      });
      // More may be found: who unmaps lets others run, and his area is no longer among the mm's.
      ASSERT_TRUE(std::ranges::includes(found, places)) << "frame " << frame;
    }
    ++censuses;
  }

  KernelWorld& w_;
  const std::uint32_t cpus_;
  RandomStream random_;
  File& file_;
};

struct Mix {
  const char* name;
  Settings settings;
};
void PrintTo(const Mix& mix, std::ostream* out) { *out << mix.name; }

class RandomFamilies : public testing::TestWithParam<std::tuple<const char*, Mix, std::uint32_t, int>> {};

TEST_P(RandomFamilies, AreFoundFromTheirPages) {
  const auto& [rmap, mix, cpus, seed] = GetParam();
  KernelWorld w(cpus,
                Settings{{"kernel.rmap", std::string(rmap)},
                         {"machine.memory", "256 MiB"},
                         {"kernel.hz", std::int64_t{1000}},
                         {"kernel.time_slice", "20 us"},
                         {"kernel.wp_move_anon_rmap", seed % 2 == 0}} +
                    mix.settings,
                {}, static_cast<std::uint64_t>(seed));
  Family family(w, cpus, static_cast<std::uint64_t>(seed));
  spawn_process_at_boot(w.system, "founder", CoreId(0), [&](Task& task) { family.live(task, 1, 240); });
  w.engine.run();
  w.system.check_invariants();
  EXPECT_GT(family.walks, 10u);
  EXPECT_GT(family.shared, 1u);
  EXPECT_GT(family.unmapped, 10u);
  EXPECT_EQ(family.censuses > 10, cpus == 1);
}

INSTANTIATE_TEST_SUITE_P(
    Generations, RandomFamilies,
    testing::Combine(testing::Values("anon_vma", "anon_vma_chain", "pte_chain"),
                     testing::Values(Mix{"split_locks", {}},
                                     Mix{"one_lock",
                                         {{"kernel.pt_lock", "mm"},
                                          {"kernel.mremap_flush", "page"},
                                          {"kernel.spinlock", "tas"},
                                          {"kernel.i_mmap_lock", "spinlock"},
                                          {"kernel.cow_reuse", "mapcount"}}},
                                     Mix{"maple",
                                         {{"kernel.vma_tree", "maple"}, {"kernel.vma_cache", "none"}}}),
                     testing::Values(1u, 3u), testing::Values(1, 2)),
    [](const auto& info) {
      return std::string(std::get<0>(info.param)) + "_" + std::get<1>(info.param).name + "_" +
             std::to_string(std::get<2>(info.param)) + "_cpus_" + std::to_string(std::get<3>(info.param));
    });

} // namespace
} // namespace mmsim::tests::rmap_random_test
