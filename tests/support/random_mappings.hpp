// What one thread does at random to its part of an address space, with books of what must be there.
#pragma once

#include "models/operations/brk.hpp"
#include "models/operations/madvise.hpp"
#include "models/operations/mprotect.hpp"
#include "models/operations/mremap.hpp"
#include "sim/engine/random.hpp"
#include "tests/support/mapped_pages.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <memory>
#include <tuple>

namespace mmsim::tests {

/// Where it may map what it likes: windows of several threads may touch, so that their areas merge and are cut. What it
/// moves goes past the last of them.
struct Window {
  PageNumber first;
  std::uint64_t pages;
  PageNumber elsewhere; ///< the end of the last one
};

/// Each operation takes a range in the window, or of pages that it has moved. Throws Violation where a call says
/// something else than it must.
class RandomMappings {
 public:
  RandomMappings(KernelWorld& w, const Window& window, RandomStream random,
                 MappedPages::Contents contents = MappedPages::Contents::stay)
      : w_(w), first_(window.first), window_(window.pages), elsewhere_(window.elsewhere),
        random_(std::move(random)), pages_(contents) {}

  RandomStream& random() { return random_; }
  const MappedPages& pages() const { return pages_; }

  /// With mmap_lock for reading: an area that is being cut has other threads' pages too.
  void check(Task& task) {
    task.mm->mmap_lock.down_read(task);
    pages_.check(*task.mm, first_, window_);
    task.mm->mmap_lock.up_read(task);
  }

  /// Anonymous memory, over what is there or only where nothing is.
  void map_fixed(Task& task) {
    const Range range = any_range();
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
  /// Private or shared pages of `file`, which is larger than what will ever be mapped of it.
  void map_file(Task& task, File& file) {
    const Range range = any_range();
    const bool shared = random_.below(std::uint64_t{2}) == 0;
    MmapRequest request;
    request.hint = range.first;
    request.pages = range.pages;
    request.prot = any_prot();
    request.flags = (shared ? MAP_SHARED : MAP_PRIVATE) | MAP_FIXED;
    request.file = &file;
    request.pgoff = random_.below(std::uint64_t{64});
    require(mmap(w_.system, task, request).first == range.first, "mmap of a file");
    pages_.map(range.first, range.pages, request.prot, true, shared);
  }
  void unmap(Task& task) {
    const Range range = any_range();
    require(munmap(w_.system, task, range.first, range.pages) == Errno::ok, "munmap");
    pages_.unmap(range.first, range.pages);
  }
  void protect(Task& task) {
    const Range range = any_range();
    const std::uint32_t prot = any_prot();
    const std::uint64_t changed = pages_.mapped_from(range.first, range.pages);
    const Errno error = mprotect(w_.system, task, range.first, range.pages, prot);
    require(error == (changed == range.pages ? Errno::ok : Errno::enomem), "mprotect");
    pages_.protect(range.first, changed, prot);
  }
  void advise(Task& task) {
    const Range range = any_range();
    constexpr Advice advices[] = {Advice::dontneed, Advice::dontneed, Advice::random, Advice::sequential,
                                  Advice::normal};
    const Advice advice = advices[random_.below(std::uint64_t{5})];
    const bool whole = pages_.mapped_in(range.first, range.pages) == range.pages;
    const Errno error = madvise(w_.system, task, range.first, range.pages, advice);
    require(error == (whole ? Errno::ok : Errno::enomem), "madvise");
    if (advice == Advice::dontneed) pages_.empty(range.first, range.pages);
  }
  /// Ranges across areas are refused: where areas end is the neighbours' business too.
  void remap(Task& task) {
    const Range range = any_range();
    const std::uint64_t pages = 1 + random_.below(2 * range.pages);
    if (range.first < elsewhere_ && first_ + window_ < range.first + pages)
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
  /// For one thread of a process.
  void move_break(Task& task) {
    const PageNumber begin = task.mm->start_brk, before = task.mm->brk;
    const PageNumber wanted = begin + random_.below(std::uint64_t{24});
    require(brk(w_.system, task, wanted) == wanted, "brk");
    if (before < wanted)
      pages_.map(before, wanted - before, PROT_READ | PROT_WRITE);
    else
      pages_.unmap(wanted, before - wanted);
  }
  /// The child has the same pages with the same contents, and may do with them what it likes.
  void fork_and_look(Task& task) {
    auto exited = std::make_shared<Completion>("a child's exit");
    Task* const child = fork(
        w_.system, task, task.core().id(),
        [this, books = pages_](Task& self) mutable {
          books.check(*self.mm, first_, window_);
          const PageNumber middle = first_ + window_ / 2;
          std::ignore = munmap(w_.system, self, middle, window_ / 4);
          books.unmap(middle, window_ / 4);
          touch_all_writable(self, books);
          books.check(*self.mm, first_, window_);
          exit_task(w_.system, self);
        },
        exited);
    require(child != nullptr, "fork");
    touch_all_writable(task, pages_);
    exited->wait(w_.system, task);
  }
  void touch_some(Task& task) {
    const Range range = any_range();
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

 private:
  static constexpr std::uint64_t most = 16;
  struct Range {
    PageNumber first;
    std::uint64_t pages;
  };
  // In the window, or of pages that were moved elsewhere.
  Range any_range() {
    const auto elsewhere = pages_.all().lower_bound(elsewhere_);
    if (elsewhere != pages_.all().end() && random_.below(std::uint64_t{3}) == 0) {
      const auto those = static_cast<std::uint64_t>(std::distance(elsewhere, pages_.all().end()));
      const PageNumber first = std::next(elsewhere, static_cast<std::int64_t>(random_.below(those)))->first;
      return {first, 1 + random_.below(pages_.mapped_from(first, most))};
    }
    const std::uint64_t skip = random_.below(window_);
    return {first_ + skip, 1 + random_.below(std::min<std::uint64_t>(window_ - skip, most))};
  }
  std::uint32_t any_prot() {
    constexpr std::uint32_t prots[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE};
    return prots[random_.below(std::uint64_t{4})];
  }
  static void require(bool right, const char* what) {
    if (!right) throw Violation(what);
  }

  void touch_all_writable(Task& task, MappedPages& books) {
    const auto all = books.all();
    for (const auto& [page, state] : all)
      if ((state.prot & PROT_WRITE) != 0 && page.value() % 3 == 0) {
        touch(w_.system, task, page, AccessKind::write);
        books.touched(*task.mm, page);
      }
  }

  KernelWorld& w_;
  const PageNumber first_;
  const std::uint64_t window_;
  const PageNumber elsewhere_;
  RandomStream random_;
  MappedPages pages_;
};

/// A stack of `task`'s process that ends at `end` comes, grows by a few pages, or loses its lower half.
inline void grow_stack(System& system, Task& task, PageNumber end, RandomStream& random) {
  Vma* const stack = task.mm->vmas.find(end - 1);
  if (stack == nullptr || !stack->contains(end - 1)) {
    MmapRequest request;
    request.hint = end - 2;
    request.pages = 2;
    request.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN;
    std::ignore = mmap(system, task, request);
  } else if (stack->has(VM_GROWSDOWN) && stack->pages() < 200) {
    touch(system, task, stack->begin - 1 - random.below(3), AccessKind::write);
  } else if (stack->has(VM_GROWSDOWN)) {
    std::ignore = munmap(system, task, stack->begin, stack->pages() / 2);
  }
}

} // namespace mmsim::tests
