// LRU lists a node, pages freed in one go: mm/swap.c and mm/swap_state.c of 5.10.
//
// release_pages() takes pgdat->lru_lock at the first page that is on the LRU and holds it over the next ones,
// but gives it back after SWAP_CLUSTER_MAX pages so that irqs are not off for long; all are freed at the end.
#include "models/reclaim/lru.hpp"
#include "models/reclaim/lru_hold.hpp"
#include "models/reclaim/vmscan.hpp"

#include <algorithm>

namespace mmsim {
namespace {

class LruOfNodes final : public Lru {
 public:
  explicit LruOfNodes(const LruMeans& means)
      : Lru(means, LruHeads::own_line, LruLists::by_kind, first_zones(means.pages)) {}

  void free_pages_and_swap_cache(Core& core, std::span<FrameNumber> frames) override {
    lru_add_drain(core);
    release_pages(core, frames);
  }

 private:
  static std::vector<std::uint32_t> first_zones(const PageAllocator& pages) {
    std::vector<std::uint32_t> first(pages.layout().nodes());
    for (std::uint32_t zone = pages.zones(); zone-- > 0;)
      first[pages.zone_at(zone).node().value()] = zone;
    return first;
  }
  // Since 2.6.39: fifteen at a time.
  void activate_page(Core& core, FrameNumber frame) override {
    ++pages_[frame].refcount; // get_page()
    core.preempt_disable();
    core.charge(core.costs().work.pagevec_add, Account::work);
    if (activations(core).add(frame, pagevec_size_) == 0) drain_activations(core);
    core.preempt_enable();
  }
  std::uint32_t vec_of(FrameNumber frame) const override { return pages_.node_of(frame).value(); }

  void release_pages(Core& core, std::span<FrameNumber> frames) override {
    LruHold hold(core);
    unsigned lock_batch = 0;
    std::size_t to_free = 0;
    for (const FrameNumber frame : frames) {
      if (hold.any() && ++lock_batch == swap_cluster_max) hold.drop();
      Frame& page = pages_[frame];
      if (!put_testzero(core, page)) continue;
      if ((page.flags & PG_lru) != 0) {
        LruVec& vec = *vecs_[vec_of(frame)];
        if (!hold.of(vec)) lock_batch = 0;
        hold.take(vec).del(core, frame);
      }
      frames[to_free++] = frame;
    }
    hold.drop();
    const std::span<FrameNumber> pages_to_free = frames.first(to_free);
    std::reverse(pages_to_free.begin(), pages_to_free.end()); // list_add() has put each before the others
    pages_.free_page_list(core, pages_to_free, Temperature::hot);
  }
};

const Registered<Lru> node{"node", "lists and a lock a node, pages leave 32 at a time (4.8 to 5.10)",
                           [](const LruMeans& means) { return std::make_unique<LruOfNodes>(means); }};

} // namespace
} // namespace mmsim
