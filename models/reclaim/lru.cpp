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
      .at_most(std::int64_t{Pagevec::max_size});
  d("kernel.lru_new_anon", p.new_anon, "inactive", "on which LRU list an anonymous page begins",
    "active up to 5.8 (lru_cache_add_active), inactive since 5.9")
      .one_of({"active", "inactive"});
}

Lru::Lru(const LruMeans& means, LruHeads heads, LruLists lists, std::uint32_t vecs)
    : pagevec_size_(static_cast<std::uint32_t>(means.parameters.pagevec_size)), pages_(means.pages),
      kinds_(lists), new_anon_(means.parameters.new_anon == "active" ? LruList::active : LruList::inactive),
      pagevecs_(means.machine.cpus()) {
  for (std::uint32_t i = 0; i < vecs; ++i)
    vecs_.push_back(std::make_unique<LruVec>(pages_, means.locks, heads, lists));
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
  core.preempt_enable();
}

// __pagevec_lru_add_active() (2.6.24); __pagevec_lru_add() -> pagevec_lru_move_fn() (5.10).
void Lru::pagevec_lru_add(Core& core, Pagevec& pagevec) {
  LruHold hold(core);
  for (const FrameNumber frame : pagevec.frames())
    hold.take(*vecs_[vec_of(frame)]).add(core, frame, first_list(pages_[frame]));
  hold.drop();
  core.charge(pagevec.count() * core.costs().work.pagevec_put, Account::work);
  core.settle(); // others look at how many references are left
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

void Lru::check_list(std::uint32_t v, LruList which) const {
  const FrameList& list = vecs_[v]->list(which);
  FrameNumber previous = no_frame;
  std::uint32_t length = 0;
  for (FrameNumber frame = list.front(); frame != no_frame && length <= list.size();
       frame = FrameNumber(pages_[frame].next), ++length) {
    const Frame& page = pages_[frame];
    const bool in_use = page.mapcount > 0 || (page.mapcount == 0 && (page.flags & PG_file) != 0);
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

Lru::Census Lru::check_invariants() const {
  Census census;
  for (std::uint32_t v = 0; v < vecs_.size(); ++v)
    for (std::size_t i = 0; i < lru_list_count; ++i) {
      const auto which = static_cast<LruList>(i);
      check_list(v, which);
      census.listed += vecs_[v]->list(which).size();
    }
  for (std::uint32_t cpu = 0; cpu < pagevecs_.size(); ++cpu)
    for (const Pagevec* pagevec : {&pagevecs_[cpu].inactive, &pagevecs_[cpu].active})
      for (const FrameNumber frame : pagevec->frames()) {
        const Frame& page = pages_[frame];
        if (page.state != FrameState::allocated || (page.flags & (PG_lru | PG_active | PG_slab)) != 0 ||
            ++census.in_pagevecs[frame.value()] > 1)
          throw Violation(fmt::format(
              "frame {}, in the pagevec of cpu {}: state {}, flags {:#x}, in {} pagevecs", frame.value(), cpu,
              static_cast<int>(page.state), unsigned{page.flags}, census.in_pagevecs[frame.value()]));
      }
  return census;
}

} // namespace mmsim
