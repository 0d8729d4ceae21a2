// What a slab cache says of itself: /proc/slabinfo and its invariants.
#include "models/pages/slab.hpp"

#include <spdlog/fmt/fmt.h>

namespace mmsim {

void KmemCache::bad_free(SlabObject object) const {
  const bool known =
      object.value() < links_.size() && slabs_[object.value() >> shift_].state != SlabState::unused;
  throw Violation(fmt::format("{}: freeing object {}, which {}", spec_.name, object.value(),
                              !known                               ? "is in no slab"
                              : links_[object.value()] == in_array ? "is free: it is in an array"
                                                                   : "is free: it is in its slab"));
}

// get_slabinfo().
SlabInfo KmemCache::info() const {
  SlabInfo info{spec_.name,
                0,
                0,
                geometry_.size,
                geometry_.objects,
                1u << geometry_.order,
                tuning_.limit,
                tuning_.batchcount,
                tuning_.shared,
                0,
                0,
                0};
  for (const Node& node : nodes_) {
    const std::uint64_t slabs = std::uint64_t{node.full.size()} + node.partial.size() + node.free.size();
    info.num_slabs += slabs;
    info.active_slabs += slabs - node.free.size();
    info.num_objs += slabs * geometry_.objects;
    info.active_objs += slabs * geometry_.objects - node.free_objects;
    info.sharedavail += node.shared_avail;
  }
  return info;
}

void KmemCache::check_invariants() const {
  const auto wrong = [&](const std::string& what) {
    throw Violation(fmt::format("{}: {}", spec_.name, what));
  };
  std::vector<std::uint16_t> where(links_.size(), 0); // how many places an object is in
  std::uint64_t arrays = 0, active = 0, slabs = 0;
  const auto put_in_array = [&](SlabObject object, std::size_t node) {
    ++arrays;
    if (object.value() >= links_.size() || links_[object.value()] != in_array || ++where[object.value()] > 1)
      wrong(fmt::format("object {} is in an array, and elsewhere", object.value()));
    if (const std::size_t owner = slabs_[object.value() >> shift_].node; owner != node)
      wrong(fmt::format("object {} of node {} is in an array of node {}", object.value(), owner, node));
  };
  for (std::size_t cpu = 0; cpu < arrays_.size(); ++cpu)
    for (std::uint32_t i = 0; i < arrays_[cpu].avail; ++i)
      put_in_array(entries_[cpu * tuning_.limit + i], homes_[cpu]);
  for (std::size_t n = 0; n < nodes_.size(); ++n) {
    const Node& node = nodes_[n];
    for (std::uint32_t i = 0; i < node.shared_avail; ++i)
      put_in_array(node.shared[i], n);
    std::uint64_t free = 0;
    for (const SlabList* list : {&node.full, &node.partial, &node.free}) {
      std::uint32_t length = 0;
      for (std::uint32_t slab = list->front(); slab != no_slab && length <= list->size();
           slab = slabs_[slab].next) {
        const Slab& s = slabs_[slab];
        ++length;
        std::uint32_t listed = 0;
        for (std::uint16_t i = s.first_free; i != end_of_list && listed <= geometry_.objects; ++listed) {
          if (i >= geometry_.objects || ++where[first_of(slab) + i] > 1)
            wrong(fmt::format("slab {}: its free list goes to object {}", slab, i));
          i = links_[first_of(slab) + i];
        }
        const SlabState state = s.inuse == 0                   ? SlabState::free
                                : s.inuse == geometry_.objects ? SlabState::full
                                                               : SlabState::partial;
        if (s.inuse + listed != geometry_.objects || s.state != state || s.node != n)
          wrong(fmt::format("slab {} of node {}: {} of {} objects in use, {} in its free list, state {}",
                            slab, n, s.inuse, geometry_.objects, listed, static_cast<int>(s.state)));
        const Frame& frame = pages_[s.frame];
        if ((frame.flags & PG_slab) == 0 || frame.refcount != 1 || frame.order != geometry_.order)
          wrong(fmt::format("slab {}: frame {} has flags {}, refcount {}, order {}", slab, s.frame.value(),
                            std::uint32_t{frame.flags}, frame.refcount, std::uint32_t{frame.order}));
        free += listed;
        active += s.inuse;
      }
      if (length != list->size()) wrong(fmt::format("{} slabs in a list of {}", length, list->size()));
      slabs += length;
    }
    if (free != node.free_objects)
      wrong(fmt::format("node {}: {} objects are free, but free_objects is {}", n, free, node.free_objects));
  }
  if (slabs != slab_count_ || active != arrays + in_use_)
    wrong(fmt::format(
        "{} slabs in lists of {}; {} objects are out of their slabs, but {} in arrays and {} in use", slabs,
        slab_count_, active, arrays, in_use_));
}

} // namespace mmsim
