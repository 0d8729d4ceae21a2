#include "models/reclaim/lru.hpp"

#include "models/reclaim/lru_hold.hpp"

#include <spdlog/fmt/fmt.h>

namespace mmsim {

void LruParameters::declare(Declaration& d, LruParameters& p) {
  d("kernel.lru", p.implementation, "node", "how LRU lists are split, and how pages leave them",
    "one lru_lock a zone up to 4.7, one a node from 4.8 to 5.10")
      .registered<Lru>();
  d("kernel.pagevec_size", p.pagevec_size, 15, "new pages that a CPU collects before it takes lru_lock",
    "include/linux/pagevec.h PAGEVEC_SIZE: 14 in 2.6.24, 15 since 4.16, 31 since 6.10")
      .at_least(1)
      .at_most(31);
  d("kernel.lru_new_anon", p.new_anon, "inactive", "on which LRU list an anonymous page begins",
    "active up to 5.8 (lru_cache_add_active), inactive since 5.9")
      .one_of({"active", "inactive"});
}

Lru::Lru(const LruMeans& means, LruHeads heads, LruLists lists, std::span<const std::uint32_t> zone_of_vec)
    : pagevec_size_(static_cast<std::uint32_t>(means.parameters.pagevec_size)), pages_(means.pages),
      kinds_(lists), new_anon_(means.parameters.new_anon == "active" ? LruList::active : LruList::inactive),
      pagevecs_(means.machine.cpus()) {
  for (const std::uint32_t zone : zone_of_vec)
    vecs_.push_back(std::make_unique<LruVec>(pages_, means.locks, heads, lists, zone));
}

void Lru::lru_cache_add(Core& core, FrameNumber frame) {
  Frame& page = pages_[frame];
  ++page.refcount;        // page_cache_get(), get_page()
  core.preempt_disable(); // get_cpu_var(), local_lock()
  core.charge(core.costs().work.pagevec_add, Account::work);
  Pagevec& pagevec = pagevecs_[core.id().value()].of(first_list(page));
  if (pagevec.add(frame, pagevec_size_) == 0) pagevec_lru_add(core, pagevec);
  core.preempt_enable();
}

void Lru::lru_add_drain(Core& core) {
  core.preempt_disable();
  Pagevecs& pagevecs = pagevecs_[core.id().value()];
  for (Pagevec* pagevec : {&pagevecs.inactive, &pagevecs.active})
    if (pagevec->count() != 0) pagevec_lru_add(core, *pagevec);
  if (pagevecs.rotate.count() != 0) {
    core.irq_disable();
    pagevec_move_tail(core, pagevecs.rotate);
    core.irq_enable();
  }
  if (pagevecs.activate.count() != 0) drain_activations(core);
  core.preempt_enable();
}

template <class Move>
void Lru::pagevec_lru_move(Core& core, Pagevec& pagevec, Move&& move) {
  LruHold hold(core);
  for (const FrameNumber frame : pagevec.frames())
    move(hold.take(*vecs_[vec_of(frame)]), frame);
  hold.drop();
  core.charge(pagevec.count() * core.costs().work.pagevec_put, Account::work);
  core.settle(); // others look at how many references are left
  release_pages(core, pagevec.frames());
  pagevec.reinit();
}

// __pagevec_lru_add_active() (2.6.24); __pagevec_lru_add() (5.10).
void Lru::pagevec_lru_add(Core& core, Pagevec& pagevec) {
  pagevec_lru_move(core, pagevec,
                   [&](LruVec& vec, FrameNumber frame) { vec.add(core, frame, first_list(pages_[frame])); });
}

void Lru::activate_locked(Core& core, LruVec& vec, FrameNumber frame) {
  if ((pages_[frame].flags & (PG_lru | PG_active)) != PG_lru) return;
  vec.move(core, frame, true);
  core.counters().add(Counter::pgactivate);
}

void Lru::drain_activations(Core& core) {
  pagevec_lru_move(core, activations(core),
                   [&](LruVec& vec, FrameNumber frame) { activate_locked(core, vec, frame); });
}

// With irqs off, as long as it takes.
void Lru::pagevec_move_tail(Core& core, Pagevec& pagevec) {
  pagevec_lru_move(core, pagevec, [&](LruVec& vec, FrameNumber frame) {
    const std::uint32_t flags = pages_[frame].flags;
    if ((flags & PG_lru) == 0 || (kinds_ == LruLists::shared && (flags & PG_active) != 0)) return;
    vec.move_tail(core, frame);
    core.counters().add(Counter::pgrotated);
  });
}

void Lru::mark_page_accessed(Core& core, FrameNumber frame) {
  Frame& page = pages_[frame];
  core.charge(core.costs().line.atomic, Account::work); // SetPageReferenced(), ClearPageReferenced()
  if ((page.flags & PG_referenced) == 0) {
    page.flags |= PG_referenced;
    return;
  }
  if ((page.flags & PG_active) != 0) return;
  if ((page.flags & PG_lru) != 0) {
    page.flags &= ~std::uint32_t{PG_referenced};
    activate_page(core, frame);
    return;
  }
  if (kinds_ == LruLists::shared) return; // 2.6.24: only what is on a list
  for (const FrameNumber waiting : pagevecs_[core.id().value()].inactive.frames())
    if (waiting == frame) page.flags |= PG_active; // __lru_cache_activate_page()
  page.flags &= ~std::uint32_t{PG_referenced};
}

// 2.6.24 leaves active pages alone; 5.10, whose reclaim makes pages under writeback active, does not.
void Lru::rotate_reclaimable_page(Core& core, FrameNumber frame) {
  Frame& page = pages_[frame];
  const std::uint32_t in_the_way = PG_locked | PG_dirty | (kinds_ == LruLists::shared ? PG_active : 0U);
  if ((page.flags & in_the_way) != 0 || (page.flags & PG_lru) == 0) return;
  core.irq_disable();
  ++page.refcount;
  core.charge(core.costs().work.pagevec_add, Account::work);
  Pagevec& pagevec = pagevecs_[core.id().value()].rotate;
  if (pagevec.add(frame, pagevec_size_) == 0) pagevec_move_tail(core, pagevec);
  core.irq_enable();
}

void Lru::pagevec_release(Core& core, Pagevec& pagevec) {
  if (pagevec.count() == 0) return;
  lru_add_drain(core);
  core.charge(pagevec.count() * core.costs().work.pagevec_put, Account::work);
  core.settle();
  release_pages(core, pagevec.frames());
  pagevec.reinit();
}

bool Lru::put_testzero(Core& core, Frame& page) {
  if (page.refcount > 1) core.settle(); // others look at how many are left
  return --page.refcount == 0;
}

void Lru::put_page(Core& core, FrameNumber frame) {
  Frame& page = pages_[frame];
  if (!put_testzero(core, page)) return;
  if ((page.flags & PG_lru) != 0) { // __page_cache_release()
    LruVec& vec = *vecs_[vec_of(frame)];
    vec.lock(core);
    vec.del(core, frame);
    vec.unlock(core);
  }
  pages_.free_page(core, frame);
}

std::uint64_t Lru::size(LruList list) const {
  std::uint64_t pages = 0;
  for (const auto& vec : vecs_)
    pages += vec->list(list).size();
  return pages;
}

void Lru::check_list(std::uint32_t v, LruList which, const Census& census) const {
  const FrameList& list = vecs_[v]->list(which);
  FrameNumber previous = no_frame;
  std::uint32_t length = 0;
  for (FrameNumber frame = list.front(); frame != no_frame && length <= list.size();
       frame = FrameNumber(pages_[frame].next), ++length) {
    const Frame& page = pages_[frame];
    const bool in_use =
        page.mapcount > 0 || (page.mapcount == 0 && ((page.flags & (PG_file | PG_swapcache)) != 0 ||
                                                     census.in_pagevecs.contains(frame.value())));
    if (page.state != FrameState::allocated || !in_use || (page.flags & PG_lru) == 0 ||
        vecs_[v]->list_of(page.flags) != which || page.previous != previous.value() || vec_of(frame) != v)
      throw Violation(
          fmt::format("frame {}, on LRU list {} of {} behind frame {}: state {}, mapcount {}, flags "
                      "{:#x}, link back to {}",
                      frame.value(), static_cast<int>(which), v, previous.value(),
                      static_cast<int>(page.state), int{page.mapcount}, unsigned{page.flags}, page.previous));
    previous = frame;
  }
  if (length != list.size() || list.back() != previous)
    throw Violation(fmt::format("LRU list {} of {}: {} pages in its links, {} by its count",
                                static_cast<int>(which), v, length, list.size()));
}

void Lru::count_pagevecs(Census& census) const {
  for (std::uint32_t cpu = 0; cpu < pagevecs_.size(); ++cpu) {
    const Pagevecs& pagevecs = pagevecs_[cpu];
    for (const Pagevec* pagevec : {&pagevecs.inactive, &pagevecs.active})
      for (const FrameNumber frame : pagevec->frames()) {
        const Frame& page = pages_[frame];
        if (page.state != FrameState::allocated || (page.flags & (PG_lru | PG_slab)) != 0 ||
            !census.on_their_way.insert(frame.value()).second)
          throw Violation(fmt::format("frame {}, in the pagevec of cpu {} on its way to the LRU: state {}, "
                                      "flags {:#x}, in {} other pagevecs",
                                      frame.value(), cpu, static_cast<int>(page.state), unsigned{page.flags},
                                      census.in_pagevecs[frame.value()]));
        ++census.in_pagevecs[frame.value()];
      }
    for (const Pagevec* pagevec : {&pagevecs.activate, &pagevecs.rotate})
      for (const FrameNumber frame : pagevec->frames()) {
        if (pages_[frame].state != FrameState::allocated)
          throw Violation(
              fmt::format("frame {}, in a pagevec of cpu {}, is not allocated", frame.value(), cpu));
        ++census.in_pagevecs[frame.value()];
      }
  }
}

Lru::Census Lru::check_invariants() const {
  Census census;
  count_pagevecs(census);
  for (std::uint32_t v = 0; v < vecs_.size(); ++v)
    for (std::size_t i = 0; i < lru_list_count; ++i) {
      const auto which = static_cast<LruList>(i);
      check_list(v, which, census);
      census.listed += vecs_[v]->list(which).size();
    }
  return census;
}

} // namespace mmsim
