// LRU lists a zone, pages freed by the pagevec: mm/swap.c and mm/swap_state.c of 2.6.24.
//
// free_pages_and_swap_cache() releases PAGEVEC_SIZE pages at a time, and release_pages() gives lru_lock back
// before it frees what a pagevec holds. So a gather of n pages takes the lock n / 14 times.
#include "models/reclaim/lru.hpp"
#include "models/reclaim/lru_hold.hpp"

#include <algorithm>
#include <numeric>

namespace mmsim {
namespace {

class LruOfZones final : public Lru {
 public:
  explicit LruOfZones(const LruMeans& means)
      : Lru(means, LruHeads::beside_lock, LruLists::shared, all_zones(means.pages)) {}

  void free_pages_and_swap_cache(Core& core, std::span<FrameNumber> frames) override {
    lru_add_drain(core);
    while (!frames.empty()) {
      const std::size_t chunk = std::min<std::size_t>(frames.size(), pagevec_size_);
      release_pages(core, frames.first(chunk));
      frames = frames.subspan(chunk);
    }
  }

 private:
  static std::vector<std::uint32_t> all_zones(const PageAllocator& pages) {
    std::vector<std::uint32_t> zones(pages.zones());
    std::iota(zones.begin(), zones.end(), 0U);
    return zones;
  }
  void activate_page(Core& core, FrameNumber frame) override {
    LruVec& vec = *vecs_[vec_of(frame)];
    vec.lock(core);
    activate_locked(core, vec, frame);
    vec.unlock(core);
  }
  std::uint32_t vec_of(FrameNumber frame) const override { return pages_.layout().zone_of(frame); }

  // No caller has more pages than a pagevec holds: so pages_to_free is full with the last one at the
  // earliest, and that the lock is given back where it is full is the same as at the end.
  void release_pages(Core& core, std::span<FrameNumber> frames) override {
    LruHold hold(core);
    std::size_t to_free = 0;
    for (const FrameNumber frame : frames) {
      Frame& page = pages_[frame];
      if (!put_testzero(core, page)) continue;
      if ((page.flags & PG_lru) != 0) hold.take(*vecs_[vec_of(frame)]).del(core, frame);
      frames[to_free++] = frame;
    }
    hold.drop();
    pages_.free_page_list(core, frames.first(to_free), Temperature::hot); // __pagevec_free()
  }
};

const Registered<Lru> zone{"zone", "lists and a lock a zone, pages leave by the pagevec (2.6.24)",
                           [](const LruMeans& means) { return std::make_unique<LruOfZones>(means); }};

} // namespace
} // namespace mmsim
