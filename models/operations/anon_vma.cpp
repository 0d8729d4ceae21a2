#include "models/operations/anon_vma.hpp"

namespace mmsim {

namespace {

void anon_vma_free(System& system, Core& core, AnonVma& anon_vma) {
  const SlabObject object = anon_vma.object();
  system.anon_vmas.give_back(anon_vma);
  system.slabs.anon_vma.free(core, object);
}

} // namespace

bool anon_vma_prepare(System& system, Core& core, MmStruct& mm, Vma& vma) {
  core.settle(); // another thread of the process may be at the same area
  if (vma.anon_vma != nullptr) return true;
  const SlabObject object = system.slabs.anon_vma.alloc(core, GFP_KERNEL);
  if (object == no_object) return false;
  AnonVma& made = system.anon_vmas.take(object);
  mm.page_table_lock->lock(core);
  core.settle();
  const bool first = vma.anon_vma == nullptr;
  if (first) {
    vma.anon_vma = &made;
    made.link(core);
    core.charge(core.costs().work.rmap_link, Account::work);
  }
  mm.page_table_lock->unlock(core);
  if (!first) anon_vma_free(system, core, made);
  return true;
}

void anon_vma_unlink(System& system, Core& core, const Vma& vma) {
  if (vma.anon_vma == nullptr) return;
  if (vma.anon_vma->unlink(core)) anon_vma_free(system, core, *vma.anon_vma);
}

} // namespace mmsim
