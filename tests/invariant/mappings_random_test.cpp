// Do address spaces stay what their programs made of them, whatever the programs do?
//
// Threads of one process do random things, each in a window of its own and with what it has moved elsewhere;
// windows touch, so that areas of different threads merge and are cut. There are more threads than cores, so
// that they leave translations behind on cores to which they come back. Each thread keeps books of what must
// be there.

#include "models/operations/brk.hpp"
#include "models/operations/madvise.hpp"
#include "models/operations/mprotect.hpp"
#include "models/operations/mremap.hpp"
#include "sim/engine/random.hpp"
#include "tests/support/mapped_pages.hpp"
#include "tests/support/versions.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace mmsim::tests::mappings_random_test {
namespace {

using namespace literals;

constexpr std::uint64_t window = 40;
constexpr std::uint32_t threads = 5;
constexpr PageNumber windows_begin{(1 << 17) - 60}; // so that they cross the end of a table
constexpr PageNumber windows_end{(1 << 17) - 60 + threads * window};

class Program {
 public:
  Program(KernelWorld& w, std::uint32_t number, std::uint64_t seed)
      : w_(w), first_(windows_begin + number * window), has_heap_(number == 0),
        random_(seed, "program " + std::to_string(number)) {}

  void run(Task& task, int steps) {
    for (int step = 0; step < steps; ++step) {
      one_step(task);
      task.mm->mmap_lock.down_read(task); // an area that is being cut has other threads' pages too
      pages_.check(*task.mm, first_, window);
      task.mm->mmap_lock.up_read(task);
      run_user(w_.system, task, random_.exponential(3_us));
    }
  }

 private:
  struct Range {
    PageNumber first;
    std::uint64_t pages;
  };
  // In the window, or of pages that were moved elsewhere.
  Range any_range() {
    const auto elsewhere = pages_.all().lower_bound(windows_end);
    if (elsewhere != pages_.all().end() && random_.below(std::uint64_t{3}) == 0) {
      const auto those = static_cast<std::uint64_t>(std::distance(elsewhere, pages_.all().end()));
      const PageNumber first = std::next(elsewhere, static_cast<std::int64_t>(random_.below(those)))->first;
      return {first, 1 + random_.below(pages_.mapped_from(first, 16))};
    }
    const std::uint64_t skip = random_.below(window);
    return {first_ + skip, 1 + random_.below(std::min<std::uint64_t>(window - skip, 16))};
  }
  std::uint32_t any_prot() {
    constexpr std::uint32_t prots[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE};
    return prots[random_.below(std::uint64_t{4})];
  }
  static void require(bool right, const char* what) {
    if (!right) throw Violation(what);
  }

  void one_step(Task& task) {
    const std::uint64_t choice = random_.below(std::uint64_t{100});
    if (choice < 20) return map_fixed(task, any_range());
    if (choice < 32) return unmap(task, any_range());
    if (choice < 50) return protect(task, any_range(), any_prot());
    if (choice < 58) return advise(task, any_range());
    if (choice < 66) return remap(task, any_range());
    if (choice < 70 && has_heap_) return move_break(task);
    // Rarely, since fork flushes everything, and hides that others did not.
    if (choice < 71 && random_.below(std::uint64_t{4}) == 0) return fork_and_look(task);
    touch_some(task, any_range());
  }

  void map_fixed(Task& task, Range range) {
    const bool replaces = random_.below(std::uint64_t{2}) == 0;
    MmapRequest request;
    request.hint = range.first;
    request.pages = range.pages;
    request.prot = any_prot();
    request.flags = MAP_PRIVATE | MAP_ANONYMOUS | (replaces ? MAP_FIXED : MAP_FIXED_NOREPLACE);
    const bool taken = pages_.mapped_in(range.first, range.pages) > 0;
    const MmapResult mapped = mmap(w_.system, task, request);
    if (taken && !replaces) return require(mapped.error == Errno::eexist, "mmap over something");
    require(mapped.error == Errno::ok && mapped.first == range.first, "mmap at a fixed address");
    pages_.map(range.first, range.pages, request.prot);
  }
  void unmap(Task& task, Range range) {
    require(munmap(w_.system, task, range.first, range.pages) == Errno::ok, "munmap");
    pages_.unmap(range.first, range.pages);
  }
  void protect(Task& task, Range range, std::uint32_t prot) {
    const std::uint64_t changed = pages_.mapped_from(range.first, range.pages);
    const Errno error = mprotect(w_.system, task, range.first, range.pages, prot);
    require(error == (changed == range.pages ? Errno::ok : Errno::enomem), "mprotect");
    pages_.protect(range.first, changed, prot);
  }
  void advise(Task& task, Range range) {
    constexpr Advice advices[] = {Advice::dontneed, Advice::dontneed, Advice::random, Advice::sequential,
                                  Advice::normal};
    const Advice advice = advices[random_.below(std::uint64_t{5})];
    const bool whole = pages_.mapped_in(range.first, range.pages) == range.pages;
    const Errno error = madvise(w_.system, task, range.first, range.pages, advice);
    require(error == (whole ? Errno::ok : Errno::enomem), "madvise");
    if (advice == Advice::dontneed) pages_.empty(range.first, range.pages);
  }
  // Ranges across areas are refused: where areas end is the neighbours' business too.
  void remap(Task& task, Range range) {
    const std::uint64_t pages = 1 + random_.below(2 * range.pages);
    if (range.first < windows_end && first_ + window < range.first + pages)
      return; // not into another's window
    const MmapResult result = mremap(w_.system, task, range.first, range.pages, pages, MREMAP_MAYMOVE);
    if (pages <= range.pages) {
      require(result.first == range.first, "a mremap that shrinks");
      return pages_.unmap(range.first + pages, range.pages - pages);
    }
    const bool whole = pages_.mapped_in(range.first, range.pages) == range.pages;
    require(whole || result.error != Errno::ok, "mremap of a hole");
    if (result.error != Errno::ok) return require(result.error == Errno::efault, "mremap");
    pages_.move(range.first, range.pages, result.first, pages);
  }
  void move_break(Task& task) {
    const PageNumber begin = task.mm->start_brk, before = task.mm->brk;
    const PageNumber wanted = begin + random_.below(std::uint64_t{24});
    require(brk(w_.system, task, wanted) == wanted, "brk");
    if (before < wanted)
      pages_.map(before, wanted - before, PROT_READ | PROT_WRITE);
    else
      pages_.unmap(wanted, before - wanted);
  }
  // The child has the same pages with the same contents, and may do with them what it likes.
  void fork_and_look(Task& task) {
    auto exited = std::make_shared<Completion>("a child's exit");
    Task* const child = fork(
        w_.system, task, task.core().id(),
        [this, books = pages_](Task& self) mutable {
          books.check(*self.mm, first_, window);
          const PageNumber middle = first_ + window / 2;
          std::ignore = munmap(w_.system, self, middle, window / 4);
          books.unmap(middle, window / 4);
          touch_all_writable(self, books);
          books.check(*self.mm, first_, window);
          exit_task(w_.system, self);
        },
        exited);
    require(child != nullptr, "fork");
    touch_all_writable(task, pages_);
    exited->wait(w_.system, task);
  }
  void touch_all_writable(Task& task, MappedPages& books) {
    const auto all = books.all();
    for (const auto& [page, state] : all)
      if ((state.prot & PROT_WRITE) != 0 && page.value() % 3 == 0) {
        touch(w_.system, task, page, AccessKind::write);
        books.touched(*task.mm, page);
      }
  }
  void touch_some(Task& task, Range range) {
    for (std::uint64_t i = 0; i < range.pages; ++i) {
      const PageNumber page = range.first + i;
      const MappedPages::Page* const state = pages_.find(page);
      if (state == nullptr || state->prot == PROT_NONE) continue;
      const bool writes = (state->prot & PROT_WRITE) != 0 && random_.below(std::uint64_t{2}) == 0;
      const bool was_there = state->frame.has_value();
      touch(w_.system, task, page, writes ? AccessKind::write : AccessKind::read);
      if (writes || !was_there) pages_.touched(*task.mm, page);
    }
  }

  KernelWorld& w_;
  const PageNumber first_;
  const bool has_heap_;
  RandomStream random_;
  MappedPages pages_;
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
  std::vector<std::unique_ptr<Program>> programs;
  MmStruct* mm = nullptr;
  for (std::uint32_t i = 0; i < threads; ++i) {
    programs.push_back(std::make_unique<Program>(w, i, static_cast<std::uint64_t>(seed)));
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

// Since 5.19: what mprotect flushes is gathered, and what it makes writable nobody else has.
INSTANTIATE_TEST_SUITE_P(ExclusivePages, RandomMappings,
                         testing::Combine(testing::ValuesIn(exclusive_versions),
                                          testing::Values(Mix{"eager", {{"kernel.tlb_flush", "eager"}}},
                                                          Mix{"broadcast",
                                                              {{"kernel.tlb_flush", "broadcast"}}}),
                                          testing::Values(1, 2)),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param).name) + "_" +
                                  std::get<1>(info.param).name + "_" +
                                  std::to_string(std::get<2>(info.param));
                         });

} // namespace
} // namespace mmsim::tests::mappings_random_test
