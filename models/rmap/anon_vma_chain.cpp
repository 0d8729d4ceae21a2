// An anon_vma for each process of a family of forks, tied to areas both ways by chains.
//
// Models mm/rmap.c of 5.10 (since 2.6.34; the interval tree since 3.7, the reuse of anon_vmas since 3.19):
// - an area's first anonymous page brings an anon_vma and a link (anon_vma_prepare()), or joins that of a neighbour that
//   it may be merged with one day and that is alone in its chain (find_mergeable_anon_vma());
// - fork ties the child's area to every anon_vma that the parent's is tied to (anon_vma_clone()), and then gives it one of
//   its own (anon_vma_fork()), unless one of the others has lost its own areas and has one child at most (degree < 2);
// - a page names the anon_vma of the area that it came to life in, so that a child's own page is found by a look at the
//   child's area alone, while one that it shares names the parent's, whose areas are all that may have inherited it. A
//   page that a write fault takes over names the own one from then on (page_move_anon_rmap()). A page from swap that may
//   be shared names the root.
// - the areas of an anon_vma stand in an interval tree by their pages, so that only those that cover the page are looked
//   at;
// - the root's rw_semaphore guards all of a family's; a spinlock where that of a file's areas is one (kernel.i_mmap_lock),
//   which is taken outside of it: both were until 2.6.39.
//
// An avc costs an object of its slab cache and machine.work.avc_link where it is linked, and the lock; fork takes that
// lock twice. To unlink costs lock and objects.
//
// Left out: the mutexes between.
#include "models/rmap/object_based.hpp"

#include "models/scheduler/task.hpp"
#include "models/system.hpp"

#include <spdlog/fmt/fmt.h>
#include <unordered_map>
#include <utility>

namespace mmsim {
namespace {

// anon_vma_lock_write() and its kind, of a root.
void anon_vma_lock_write(Task& task, AnonVma& root) {
  if (root.lock)
    root.lock->lock(task.core());
  else
    root.rwsem->down_write(task);
}

void anon_vma_unlock_write(Task& task, AnonVma& root) {
  if (root.lock)
    root.lock->unlock(task.core());
  else
    root.rwsem->up_write(task);
}

void anon_vma_lock_read(Task& task, AnonVma& root) {
  if (root.lock)
    root.lock->lock(task.core());
  else
    root.rwsem->down_read(task);
}

void anon_vma_unlock_read(Task& task, AnonVma& root) {
  if (root.lock)
    root.lock->unlock(task.core());
  else
    root.rwsem->up_read(task);
}

/// lock_anon_vma_root(): all anon_vmas of an area have the same one. Without a destructor: who is dismissed at the end of a
/// run unlocks nothing.
class RootLock {
 public:
  explicit RootLock(Task& task) : task_(task) {}
  RootLock(const RootLock&) = delete;
  RootLock& operator=(const RootLock&) = delete;
  void lock(AnonVma& anon_vma) {
    if (root_ == anon_vma.root) return;
    unlock();
    root_ = anon_vma.root;
    anon_vma_lock_write(task_, *root_);
  }
  void unlock() {
    if (root_ != nullptr) anon_vma_unlock_write(task_, *std::exchange(root_, nullptr));
  }

 private:
  Task& task_;
  AnonVma* root_ = nullptr;
};

class AnonVmaChainMap final : public ObjectBasedMap {
 public:
  explicit AnonVmaChainMap(System& system)
      : ObjectBasedMap(
            system), // include/linux/rmap.h: two pointers, a list_head, an rb_node, rb_subtree_last
        cache_(system.slabs.kmem_cache_create({.name = "anon_vma_chain", .size = 64})),
        spins_(read_parameters<PageCacheParameters>(system.configuration()).i_mmap_lock == "spinlock") {}

  bool anon_vma_prepare(Task& task, MmStruct& mm, Vma& vma) override {
    task.core().settle(); // another thread of the process may be at the same area
    if (vma.anon_vma != nullptr) return true;
    AnonVmaChain* avc = avc_alloc(task.core(), GFP_KERNEL);
    if (avc == nullptr) return false;
    AnonVma* anon_vma = find_mergeable_anon_vma(mm, vma);
    AnonVma* allocated = nullptr;
    if (anon_vma == nullptr) {
      anon_vma = allocated = anon_vma_alloc(task.core());
      if (anon_vma == nullptr) {
        avc_free(task.core(), *avc);
        return false;
      }
    }
    AnonVma& root = *anon_vma->root;
    anon_vma_lock_write(task, root);
    Core& core = task.core();
    mm.page_table_lock->lock(core);
    core.settle();
    if (vma.anon_vma == nullptr) {
      vma.anon_vma = anon_vma;
      link(core, vma, *std::exchange(avc, nullptr), *anon_vma);
      ++anon_vma->degree; // the area's, or of a new root its own
      allocated = nullptr;
    }
    mm.page_table_lock->unlock(core);
    anon_vma_unlock_write(task, root);
    if (allocated != nullptr) put_anon_vma(task.core(), *allocated);
    if (avc != nullptr) avc_free(task.core(), *avc);
    return true;
  }

  bool anon_vma_clone(Task& task, Vma& made, const Vma& source) override {
    if (source.anon_vma == nullptr) return true;
    made.anon_vma = source.anon_vma;
    return clone(task, made, source);
  }

  bool anon_vma_fork(Task& task, Vma& child, const Vma& parent) override {
    if (parent.anon_vma == nullptr) return true;
    if (!clone(task, child, parent)) return false;
    if (child.anon_vma != nullptr) return true; // an existing one is used again
    AnonVma* const anon_vma = anon_vma_alloc(task.core());
    AnonVmaChain* const avc = anon_vma != nullptr ? avc_alloc(task.core(), GFP_KERNEL) : nullptr;
    if (avc == nullptr) {
      if (anon_vma != nullptr) put_anon_vma(task.core(), *anon_vma);
      unlink_anon_vmas(task, child);
      return false;
    }
    AnonVma& root = *parent.anon_vma->root;
    anon_vma->root = &root;
    anon_vma->parent = parent.anon_vma;
    task.core().rmw(root.line); // get_anon_vma()
    ++root.refcount;
    child.anon_vma = anon_vma;
    anon_vma_lock_write(task, root);
    link(task.core(), child, *avc, *anon_vma);
    ++anon_vma->parent->degree;
    anon_vma_unlock_write(task, root);
    return true;
  }

  void unlink_anon_vmas(Task& task, Vma& vma) override {
    if (vma.chain == nullptr) return;
    RootLock root(task);
    AnonVmaChain* empty = nullptr; // those whose anon_vma goes, which must be without the lock
    while (AnonVmaChain* avc = vma.chain) {
      root.lock(*avc->anon_vma);
      task.core().settle();
      unlink(*avc);
      if (avc->anon_vma->areas.empty()) {
        --avc->anon_vma->parent->degree;
        avc->next = std::exchange(empty, avc);
      } else {
        avc_free(task.core(), *avc);
      }
    }
    if (vma.anon_vma != nullptr) --vma.anon_vma->degree;
    vma.anon_vma = nullptr;
    root.unlock();
    while (empty != nullptr) {
      AnonVmaChain& avc = *std::exchange(empty, empty->next);
      put_anon_vma(task.core(), *avc.anon_vma);
      avc_free(task.core(), avc);
    }
  }

  void begin_update(Task& task, Vma& vma, Vma* other) override {
    AnonVma* const root = root_of(vma, other);
    if (root == nullptr) return;
    anon_vma_lock_write(task, *root);
    task.core().settle();
    for (const Vma* each : {&vma, other})
      for (AnonVmaChain* avc = each != nullptr ? each->chain : nullptr; avc != nullptr; avc = avc->next)
        avc->anon_vma->areas.erase(avc->rb);
  }
  void end_update(Task& task, Vma& vma, Vma* other) override {
    AnonVma* const root = root_of(vma, other);
    if (root == nullptr) return;
    for (const Vma* each : {&vma, other})
      for (AnonVmaChain* avc = each != nullptr ? each->chain : nullptr; avc != nullptr; avc = avc->next) {
        avc->anon_vma->areas.insert(avc->rb, *avc, each->pgoff, each->last_pgoff());
        task.core().charge(task.core().costs().work.avc_link, Account::work);
      }
    anon_vma_unlock_write(task, *root);
  }
  void take_rmap_lock(Task& task, Vma& vma) override {
    if (vma.chain != nullptr) anon_vma_lock_write(task, *root_of(vma, nullptr));
  }
  void drop_rmap_lock(Task& task, Vma& vma) override {
    if (vma.chain != nullptr) anon_vma_unlock_write(task, *root_of(vma, nullptr));
  }

  bool is_mergeable_anon_vma(const AnonVma* a, const AnonVma* b, const Vma* vma) const override {
    if ((a == nullptr || b == nullptr) && (vma == nullptr || is_singular(*vma))) return true;
    return a == b;
  }

  void page_move_anon(Core&, FrameNumber frame, const Vma& vma) override {
    system_.pages.links(frame).rmap = vma.anon_vma;
  }

  std::uint64_t bytes() const override {
    return ObjectBasedMap::bytes() + cache_.in_use() * cache_.geometry().size;
  }

  void check_invariants() const override;

 protected:
  bool lock_for_walk(Task& task, AnonVma& anon_vma, FrameNumber frame) override {
    task.core().rmw(anon_vma.line); // page_get_anon_vma()
    if (anon_vma_of(frame) != &anon_vma) return false;
    ++anon_vma.refcount;
    anon_vma_lock_read(task, *anon_vma.root);
    task.core().settle();
    if (anon_vma_of(frame) == &anon_vma) return true;
    unlock_after_walk(task, anon_vma);
    return false;
  }
  void unlock_after_walk(Task& task, AnonVma& anon_vma) override {
    anon_vma_unlock_read(task, *anon_vma.root);
    put_anon_vma(task.core(), anon_vma);
  }
  void for_each_area(AnonVma& anon_vma, std::uint64_t pgoff, FunctionRef<Walk(Vma&)> visit) override {
    anon_vma.areas.for_each(pgoff, [&](AnonVmaChain& avc) { return visit(*avc.vma) == Walk::go_on; });
  }
  bool is_linked(const Vma& vma, const AnonVma& anon_vma) const override {
    for (const AnonVmaChain* avc = vma.chain; avc != nullptr; avc = avc->next)
      if (avc->anon_vma == &anon_vma) return avc->rb.first == vma.pgoff && avc->rb.last == vma.last_pgoff();
    return false;
  }
  AnonVma* reusable_anon_vma(const Vma& vma) const override {
    return is_singular(vma) ? vma.anon_vma : nullptr;
  }
  void add_anon(Core&, FrameNumber frame, const Mapping& mapping, RmapExclusive exclusive,
                RmapReserve*) override {
    if (system_.pages[frame].mapcount > 0) return;
    PageLinks& links = system_.pages.links(frame); // __page_set_anon_rmap()
    AnonVma* const own = mapping.vma.anon_vma;
    links.rmap = exclusive == RmapExclusive::yes || own == nullptr ? own : own->root;
    links.index = mapping.pgoff();
  }

 private:
  /// Of the anon_vmas of both, or null if neither has any.
  // Where another thread has named the anon_vma and is about to link the area to it, it has the root's lock.
  static AnonVma* root_of(const Vma& vma, const Vma* other) {
    for (const Vma* each : {&vma, other}) {
      if (each == nullptr) continue;
      if (each->chain != nullptr) return each->chain->anon_vma->root;
      if (each->anon_vma != nullptr) return each->anon_vma->root;
    }
    return nullptr;
  }
  /// list_is_singular(&vma->anon_vma_chain).
  static bool is_singular(const Vma& vma) { return vma.chain != nullptr && vma.chain->next == nullptr; }

  /// anon_vma_clone(): `made` may have its anon_vma already.
  bool clone(Task& task, Vma& made, const Vma& source) {
    const AnonVmaChain* oldest = source.chain;
    while (oldest->next != nullptr)
      oldest = oldest->next;
    RootLock root(task);
    for (const AnonVmaChain* each = oldest; each != nullptr; each = each->previous) {
      AnonVmaChain* avc = avc_alloc(task.core(), Gfp()); // GFP_NOWAIT
      if (avc == nullptr) {
        root.unlock();
        avc = avc_alloc(task.core(), GFP_KERNEL);
      }
      if (avc == nullptr) {
        made.anon_vma = nullptr; // its degree has not been raised
        unlink_anon_vmas(task, made);
        return false;
      }
      AnonVma& anon_vma = *each->anon_vma;
      root.lock(anon_vma);
      link(task.core(), made, *avc, anon_vma);
      if (made.anon_vma == nullptr && &anon_vma != source.anon_vma && anon_vma.degree < 2)
        made.anon_vma = &anon_vma;
    }
    if (made.anon_vma != nullptr) ++made.anon_vma->degree;
    root.unlock();
    return true;
  }

  AnonVmaChain* avc_alloc(Core& core, Gfp gfp) {
    const SlabObject object = cache_.alloc(core, gfp);
    return object == no_object ? nullptr : &avcs_.take(core.id(), object);
  }
  void avc_free(Core& core, AnonVmaChain& avc) {
    const SlabObject object = avc.object;
    avcs_.give_back(core.id(), avc);
    cache_.free(core, object);
  }
  AnonVma* anon_vma_alloc(Core& core) {
    const SlabObject object = system_.slabs.anon_vma.alloc(core, GFP_KERNEL);
    if (object == no_object) return nullptr;
    AnonVma& made = anon_vmas_.take(core.id(), object);
    if (spins_ && !made.lock)
      made.lock = system_.locks.make("anon_vma_lock", &made.line);
    else if (!spins_ && !made.rwsem)
      made.rwsem =
          std::make_unique<RwSemaphore>(system_.locks, system_.scheduler, "anon_vma_lock", &made.line);
    made.root = made.parent = &made;
    made.degree = made.refcount = 1;
    return &made;
  }
  void put_anon_vma(Core& core, AnonVma& anon_vma) {
    core.rmw(anon_vma.line);
    if (--anon_vma.refcount > 0) return;
    AnonVma& root = *anon_vma.root; // __put_anon_vma()
    anon_vma_free(core, anon_vma);
    if (&root == &anon_vma) return;
    core.rmw(root.line);
    if (--root.refcount == 0) anon_vma_free(core, root);
  }
  void anon_vma_free(Core& core, AnonVma& anon_vma) {
    const SlabObject object = anon_vma.object;
    anon_vmas_.give_back(core.id(), anon_vma);
    system_.slabs.anon_vma.free(core, object);
  }

  /// anon_vma_chain_link(), with the lock.
  static void link(Core& core, Vma& vma, AnonVmaChain& avc, AnonVma& anon_vma) {
    core.charge(core.costs().work.avc_link, Account::work);
    core.settle();
    avc.vma = &vma;
    avc.anon_vma = &anon_vma;
    avc.previous = nullptr;
    avc.next = vma.chain;
    if (vma.chain != nullptr) vma.chain->previous = &avc;
    vma.chain = &avc;
    anon_vma.areas.insert(avc.rb, avc, vma.pgoff, vma.last_pgoff());
  }
  static void unlink(AnonVmaChain& avc) {
    avc.anon_vma->areas.erase(avc.rb);
    (avc.previous != nullptr ? avc.previous->next : avc.vma->chain) = avc.next;
    if (avc.next != nullptr) avc.next->previous = avc.previous;
    avc.next = avc.previous = nullptr;
  }

  KmemCache& cache_;
  const bool spins_;
  RmapPool<AnonVmaChain> avcs_;
};

void AnonVmaChainMap::check_invariants() const {
  struct Found {
    std::size_t links = 0;
    std::uint32_t degree = 0, references = 0;
  };
  std::unordered_map<const AnonVma*, Found> found;
  std::uint64_t links = 0;
  system_.for_each_mm([&](MmStruct& mm) {
    for (const Vma& vma : mm.vmas) {
      bool has_own = false;
      for (const AnonVmaChain* avc = vma.chain; avc != nullptr; avc = avc->next) {
        ++links;
        ++found[avc->anon_vma].links;
        has_own = has_own || avc->anon_vma == vma.anon_vma;
        if (avc->vma != &vma || avc->rb.owner != avc || avc->rb.first != vma.pgoff ||
            avc->rb.last != vma.last_pgoff())
          throw Violation("a link of an area to an anon_vma is another area's, or knows other ends of it");
        if (avc->anon_vma->root != vma.chain->anon_vma->root)
          throw Violation("an area is among those of anon_vmas with different roots");
      }
      if (has_own != (vma.anon_vma != nullptr))
        throw Violation(fmt::format(
            "the area at page {:#x} has an anon_vma and no link to it, or links alone", vma.begin.value()));
      if (vma.anon_vma != nullptr) ++found[vma.anon_vma].degree;
    }
  });
  for (auto& [anon_vma, expected] : found) {
    const auto parent = found.find(anon_vma->parent), root = found.find(anon_vma->root);
    if (parent == found.end() || root == found.end()) // whoever inherits from it is among its areas
      throw Violation("an anon_vma's parent or root has no areas");
    ++parent->second.degree;
    ++expected.references;
    if (anon_vma->root != anon_vma) ++root->second.references;
  }
  for (const auto& [anon_vma, expected] : found) {
    if (anon_vma->areas.size() != expected.links || anon_vma->degree != expected.degree ||
        anon_vma->refcount != expected.references)
      throw Violation(
          fmt::format("an anon_vma has {} areas, degree {} and {} references, but {}, {} and {} can be found",
                      anon_vma->areas.size(), anon_vma->degree, anon_vma->refcount, expected.links,
                      expected.degree, expected.references));
  }
  account_for(system_.slabs.anon_vma, found.size());
  account_for(cache_, links);
}

const Registered<ReverseMap> anon_vma_chain{
    "anon_vma_chain", "an anon_vma a process, linked both ways by chains (2.6.34)",
    [](System& system) { return std::make_unique<AnonVmaChainMap>(system); }};

} // namespace
} // namespace mmsim
