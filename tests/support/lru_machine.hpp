// A machine with memory and an LRU above it: cores whose pages come and go by hand.
#pragma once

#include "models/reclaim/lru.hpp"
#include "tests/support/paged_machine.hpp"

#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

namespace mmsim::tests {

class LruMachine : public PagedMachine {
 public:
  LruMachine(std::uint32_t cpus, const std::vector<Setting>& settings)
      : PagedMachine(cpus, settings), parameters(read_parameters<LruParameters>(configuration)),
        lru(Registry<Lru>::instance().create(parameters.implementation,
                                             LruMeans{machine, locks, pages, parameters})),
        costs(machine.costs()) {}

  /// A page as do_anonymous_page() makes them: its struct page is at hand, as no core brings in anything here.
  FrameNumber anonymous_page(Core& core) {
    const FrameNumber frame = pages.alloc_page(core);
    pages[frame].touched = machine.caches().touch_line(core.id());
    pages[frame].mapcount = 1;
    return frame;
  }
  /// The same on its way to the LRU.
  FrameNumber mapped_page(Core& core) {
    const FrameNumber frame = anonymous_page(core);
    lru->lru_cache_add(core, frame);
    return frame;
  }
  std::vector<FrameNumber> mapped_pages(Core& core, std::uint32_t count) {
    std::vector<FrameNumber> frames;
    for (std::uint32_t i = 0; i < count; ++i)
      frames.push_back(mapped_page(core));
    return frames;
  }
  /// page_remove_rmap() of each.
  void unmap(const std::vector<FrameNumber>& frames) {
    for (const FrameNumber frame : frames)
      --pages[frame].mapcount;
  }
  Duration time_of(Core& core, const std::function<void()>& step) {
    core.settle();
    const Instant start = core.now();
    step();
    core.settle();
    return core.now() - start;
  }
  std::uint64_t lock_taken() const { return counters.snapshot().lock_class("lru_lock").acquired; }

  // lru_lock held without work, a queued spinlock that nobody else wants: taken, heads written, given back.
  Duration hold() const { return costs.line.hit + costs.line.atomic + 2 * costs.line.hit; }
  Duration first_hold() const {
    const Duration heads = parameters.implementation == "zone" ? costs.line.hit : costs.line.dram;
    return costs.line.dram + costs.line.atomic + heads + costs.line.hit;
  }

  const LruParameters parameters;
  const std::unique_ptr<Lru> lru;
  const CostBook& costs;
};

} // namespace mmsim::tests
