// One anon_vma for a family of forks: a list of all their areas.
//
// Models mm/rmap.c of 2.6.24 (since 2.6.7; 2.6.11 likewise): the area's first anonymous page brings an anon_vma
// (anon_vma_prepare()), or that of a neighbour that it may be merged with one day (find_mergeable_anon_vma()); fork,
// split and mremap put the new area at the end of its list (anon_vma_link()); free_pgtables() takes it out
// (anon_vma_unlink()), and the last one frees it. A page names the anon_vma from its first mapping on. A walk looks at
// every area of the list, of whatever process, until nothing maps the page any more: with n children that have all
// written their page, at half of them on average.
//
// The list costs its lock (a spinlock on the anon_vma's line) and machine.work.rmap_link where an area is linked; to
// unlink costs the lock alone, as does a boundary that moves (2.6.24 spares it where only an end moves).
#include "models/rmap/object_based.hpp"

#include "models/system.hpp"

#include <spdlog/fmt/fmt.h>
#include <unordered_map>

namespace mmsim {
namespace {

class AnonVmaListMap final : public ObjectBasedMap {
 public:
  explicit AnonVmaListMap(System& system) : ObjectBasedMap(system) {}

  bool anon_vma_prepare(Task& task, MmStruct& mm, Vma& vma) override {
    Core& core = task.core();
    core.settle(); // another thread of the process may be at the same area
    if (vma.anon_vma != nullptr) return true;
    AnonVma* anon_vma = find_mergeable_anon_vma(mm, vma);
    AnonVma* const locked = anon_vma;
    AnonVma* allocated = nullptr;
    if (locked != nullptr) {
      locked->lock->lock(core);
    } else {
      anon_vma = allocated = anon_vma_alloc(core);
      if (anon_vma == nullptr) return false;
    }
    mm.page_table_lock->lock(core);
    core.settle();
    if (vma.anon_vma == nullptr) {
      core.write(anon_vma->line);
      link(vma, *anon_vma);
      allocated = nullptr;
      core.charge(core.costs().work.rmap_link, Account::work);
    }
    mm.page_table_lock->unlock(core);
    if (locked != nullptr) locked->lock->unlock(core);
    if (allocated != nullptr) anon_vma_free(core, *allocated);
    return true;
  }

  // anon_vma_link(). Its rmap_link is in what duplicating an area costs.
  bool anon_vma_fork(Task& task, Vma& child, const Vma& parent) override {
    if (parent.anon_vma == nullptr) return true;
    Core& core = task.core();
    AnonVma& anon_vma = *parent.anon_vma;
    anon_vma.lock->lock(core);
    core.settle();
    link(child, anon_vma);
    anon_vma.lock->unlock(core);
    return true;
  }
  bool anon_vma_clone(Task& task, Vma& made, const Vma& source) override {
    return anon_vma_fork(task, made, source);
  }

  void unlink_anon_vmas(Task& task, Vma& vma) override {
    if (vma.anon_vma == nullptr) return;
    Core& core = task.core();
    AnonVma& anon_vma = *vma.anon_vma;
    anon_vma.lock->lock(core);
    core.settle();
    (vma.anon_previous != nullptr ? vma.anon_previous->anon_next : anon_vma.first) = vma.anon_next;
    (vma.anon_next != nullptr ? vma.anon_next->anon_previous : anon_vma.last) = vma.anon_previous;
    vma.anon_next = vma.anon_previous = nullptr;
    vma.anon_vma = nullptr;
    const bool empty = --anon_vma.listed == 0;
    anon_vma.lock->unlock(core);
    if (empty) anon_vma_free(core, anon_vma);
  }

  void begin_update(Task& task, Vma& vma, Vma* other) override { take_rmap_lock(task, either(vma, other)); }
  void end_update(Task& task, Vma& vma, Vma* other) override { drop_rmap_lock(task, either(vma, other)); }
  void take_rmap_lock(Task& task, Vma& vma) override {
    if (vma.anon_vma != nullptr) vma.anon_vma->lock->lock(task.core());
  }
  void drop_rmap_lock(Task& task, Vma& vma) override {
    if (vma.anon_vma != nullptr) vma.anon_vma->lock->unlock(task.core());
  }

  void check_invariants() const override {
    std::unordered_map<const AnonVma*, std::uint32_t> families;
    system_.for_each_mm([&](MmStruct& mm) {
      for (const Vma& vma : mm.vmas)
        if (vma.anon_vma != nullptr) ++families[vma.anon_vma];
    });
    for (const auto& [anon_vma, found] : families) {
      std::uint32_t listed = 0;
      for (const Vma* vma = anon_vma->first; vma != nullptr; vma = vma->anon_next) {
        ++listed;
        if (vma->anon_vma != anon_vma || vma->detached)
          throw Violation("an anon_vma lists an area that is not its own, or in no tree");
      }
      if (listed != found || anon_vma->listed != found)
        throw Violation(fmt::format("an anon_vma lists {} areas, but {} have it", listed, found));
    }
    account_for(system_.slabs.anon_vma, families.size());
  }

 protected:
  bool lock_for_walk(Task& task, AnonVma& anon_vma, FrameNumber frame) override { // page_lock_anon_vma()
    anon_vma.lock->lock(task.core());
    task.core().settle();
    if (anon_vma_of(frame) == &anon_vma) return true;
    anon_vma.lock->unlock(task.core());
    return false;
  }
  void unlock_after_walk(Task& task, AnonVma& anon_vma) override { anon_vma.lock->unlock(task.core()); }
  void for_each_area(AnonVma& anon_vma, std::uint64_t, FunctionRef<Walk(Vma&)> visit) override {
    for (Vma* vma = anon_vma.first; vma != nullptr; vma = vma->anon_next)
      if (visit(*vma) == Walk::stop) return;
  }
  bool is_linked(const Vma& vma, const AnonVma& anon_vma) const override { return vma.anon_vma == &anon_vma; }
  void add_anon(Core&, FrameNumber frame, const Mapping& mapping, RmapExclusive, RmapReserve*) override {
    PageLinks& links = system_.pages.links(frame);
    if (system_.pages[frame].mapcount > 0) return;
    links.rmap = mapping.vma.anon_vma; // __page_set_anon_rmap()
    links.index = mapping.pgoff();
  }

 private:
  // The one that has an anon_vma, if one has.
  static Vma& either(Vma& vma, Vma* other) {
    return vma.anon_vma == nullptr && other != nullptr ? *other : vma;
  }
  AnonVma* anon_vma_alloc(Core& core) {
    const SlabObject object = system_.slabs.anon_vma.alloc(core, GFP_KERNEL);
    if (object == no_object) return nullptr;
    AnonVma& made = anon_vmas_.take(core.id(), object);
    if (!made.lock) made.lock = system_.locks.make("anon_vma_lock", &made.line); // anon_vma_ctor()
    return &made;
  }
  void anon_vma_free(Core& core, AnonVma& anon_vma) {
    const SlabObject object = anon_vma.object;
    anon_vmas_.give_back(core.id(), anon_vma);
    system_.slabs.anon_vma.free(core, object);
  }
  static void link(Vma& vma, AnonVma& anon_vma) { // list_add_tail()
    vma.anon_vma = &anon_vma;
    vma.anon_next = nullptr;
    vma.anon_previous = anon_vma.last;
    (anon_vma.last != nullptr ? anon_vma.last->anon_next : anon_vma.first) = &vma;
    anon_vma.last = &vma;
    ++anon_vma.listed;
  }
};

const Registered<ReverseMap> anon_vma_list{
    "anon_vma", "one list of areas for a family of forks (2.6.7)",
    [](System& system) { return std::make_unique<AnonVmaListMap>(system); }};

} // namespace
} // namespace mmsim
