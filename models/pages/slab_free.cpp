// The way of a slab cache's objects back, and of its slabs to the page allocator.
#include "models/pages/slab.hpp"
#include "sim/machine/core.hpp"

#include <algorithm>

namespace mmsim {

void KmemCache::free(Core& core, SlabObject object) {
  if (object.value() >= links_.size() || links_[object.value()] != with_caller) [[unlikely]]
    bad_free(object);
  links_[object.value()] = in_array;
  --in_use_;
  core.irq_disable();
  if (nodes_.size() > 1 && slabs_[object.value() >> shift_].node != home_of(core)) {
    free_foreign(core, object);
  } else {
    ArrayCache& array = arrays_[core.id().value()];
    if (array.avail == tuning_.limit) [[unlikely]] {
      core.settle(); // interrupts of the time before irqs went off come now, and may use the array
      if (array.avail == tuning_.limit) flush_array(core);
    }
    entries_of(core)[array.avail++] = object;
  }
  core.charge(core.costs().work.slab_free, Account::alloc);
  core.irq_enable();
}

// cache_flusharray(): a batch of those that have been in the array for longest.
void KmemCache::flush_array(Core& core) {
  Node& node = nodes_[home_of(core)];
  ArrayCache& array = arrays_[core.id().value()];
  SlabObject* const entries = entries_of(core);
  std::uint32_t count = tuning_.batchcount;
  SlabList dying{SlabState::dying};
  enter(core, node);
  if (!node.shared.empty()) core.read(node.shared_line);
  if (const auto room = static_cast<std::uint32_t>(node.shared.size()) - node.shared_avail; room > 0) {
    core.write(node.shared_line);
    count = std::min(count, room);
    std::copy_n(entries, count, &node.shared[node.shared_avail]);
    node.shared_avail += count;
    core.charge(count * core.costs().work.slab_copy, Account::alloc);
  } else {
    free_block(core, node, entries, count, dying);
  }
  node.list_lock->unlock(core);
  slabs_destroy(core, dying);
  array.avail -= count;
  std::copy_n(entries + count, array.avail, entries);
}

// cache_free_alien() without alien caches.
void KmemCache::free_foreign(Core& core, SlabObject object) {
  Node& node = nodes_[slabs_[object.value() >> shift_].node];
  SlabList dying{SlabState::dying};
  enter(core, node);
  free_block(core, node, &object, 1, dying);
  node.list_lock->unlock(core);
  slabs_destroy(core, dying);
}

// Objects go back into their slabs, all of this node. list_lock is held. What 2.6.24 destroys on the way,
// under the lock, 5.10 puts on `dying`.
void KmemCache::free_block(Core& core, Node& node, const SlabObject* objects, std::uint32_t count,
                           SlabList& dying) {
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t slab = objects[i].value() >> shift_;
    Slab& s = slabs_[slab];
    list_of(node, s.state).remove(slabs_, slab);
    links_[objects[i].value()] = s.first_free;
    s.first_free = static_cast<std::uint16_t>(objects[i].value() - first_of(slab));
    --s.inuse;
    ++node.free_objects;
    core.charge(core.costs().work.slab_object, Account::alloc);
    if (s.inuse > 0) {
      node.partial.push_back(slabs_, slab);
    } else if (version_ == SlabVersion::bufctl && node.free_objects > node.free_limit) {
      node.free_objects -= geometry_.objects;
      slab_destroy(core, slab);
    } else {
      node.free.push_front(slabs_, slab);
    }
  }
  if (version_ == SlabVersion::freelist) give_back_excess(core, node, node.free_limit, dying);
}

// Whole free slabs, as long as more objects than `limit` are free. list_lock is held.
void KmemCache::give_back_excess(Core&, Node& node, std::uint32_t limit, SlabList& dying) {
  while (node.free_objects > limit && !node.free.empty()) {
    const std::uint32_t slab = node.free.back();
    node.free.remove(slabs_, slab);
    node.free_objects -= geometry_.objects;
    dying.push_back(slabs_, slab);
  }
}

void KmemCache::slabs_destroy(Core& core, SlabList& dying) {
  while (!dying.empty()) {
    const std::uint32_t slab = dying.front();
    dying.remove(slabs_, slab);
    slab_destroy(core, slab);
  }
}

// The slab is on no list.
void KmemCache::slab_destroy(Core& core, std::uint32_t slab) {
  const FrameNumber frame = slabs_[slab].frame;
  slabs_[slab].state = SlabState::unused;
  unused_.push_back(slab);
  --slab_count_;
  account_slab_pages(core, frame, -(std::int64_t{1} << geometry_.order));
  pages_[frame].flags &= ~std::uint32_t{PG_slab};
  pages_[frame].refcount = 0;
  pages_.free_pages(core, frame, geometry_.order);
}

// kmem_getpages() and kmem_freepages().
void KmemCache::account_slab_pages(Core& core, FrameNumber frame, std::int64_t pages) {
  pages_.vm_stat().mod_irqsafe(core, pages_.layout().zone_of(frame),
                               spec_.reclaimable ? NR_SLAB_RECLAIMABLE : NR_SLAB_UNRECLAIMABLE,
                               static_cast<std::int32_t>(pages));
}

// --- draining

void KmemCache::do_drain(Core& core) {
  core.irq_disable();
  core.settle(); // as in free()
  Node& node = nodes_[home_of(core)];
  ArrayCache& array = arrays_[core.id().value()];
  SlabList dying{SlabState::dying};
  enter(core, node);
  free_block(core, node, entries_of(core), array.avail, dying);
  node.list_lock->unlock(core);
  slabs_destroy(core, dying);
  array.avail = 0;
  core.irq_enable();
}

void KmemCache::shrink(Core& core) {
  for (Node& node : nodes_) {
    SlabList dying{SlabState::dying};
    core.irq_disable();
    enter(core, node);
    if (node.shared_avail > 0) {
      core.write(node.shared_line);
      free_block(core, node, node.shared.data(), node.shared_avail, dying);
      node.shared_avail = 0;
    }
    give_back_excess(core, node, 0, dying);
    node.list_lock->unlock(core);
    core.irq_enable();
    slabs_destroy(core, dying);
  }
}

} // namespace mmsim
