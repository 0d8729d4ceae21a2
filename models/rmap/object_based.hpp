// What reverse maps by areas have in common: the way from a page to the areas that may map it, and on to their entries.
//
// Models rmap_walk_anon(), rmap_walk_file() and page_vma_mapped_walk() of mm/rmap.c, 5.10, in 2.6.24 try_to_unmap_anon(),
// try_to_unmap_file() and page_check_address():
// - an anonymous page names its anon_vma (page->mapping), whose lock keeps its areas (page_lock_anon_vma_read()); since
//   2.6.39 a reference keeps it while the lock is waited for, and whoever finds the page unmapped then has come too late;
// - a page of a file has its file's i_mmap, whose lock is taken for reading (a spinlock in 2.6.24);
// - each area is counted (rmap_visits) and costs machine.work.rmap_visit, whether it maps the page or not;
// - the page's address in it (vma_address()) follows from its index; a look without a lock, then with the table's lock;
// - it ends once nothing maps the page any more.
//
// bytes(): 4 a frame (_mapcount, which came with it; 2.6.0 had a pointer there), the anon_vmas and their chains, and
// what a vm_area_struct has of it: anon_vma, the link to it, and the prio_tree's or interval tree's node.
//
// Left out: VM_NONLINEAR areas of files; the fast path of page_lock_anon_vma_read(), which tries the lock before it takes
// a reference.
#pragma once

#include "models/rmap/anon_vma.hpp"
#include "models/rmap/reverse_map.hpp"

namespace mmsim {

class KmemCache;

class ObjectBasedMap : public ReverseMap {
 public:
  void for_each_mapping(Task& task, FrameNumber frame, FunctionRef<Walk(const Mapping&)> visit) final;
  bool has_anon_pages(const Vma& vma) const final { return vma.anon_vma != nullptr; }
  std::uint64_t bytes() const override;
  void check_mapping(FrameNumber frame, const Mapping& mapping) const final;

 protected:
  explicit ObjectBasedMap(System& system);

  /// Before and after a walk, with the anon_vma's lock in between. False: it has come too late.
  virtual bool lock_for_walk(Task& task, AnonVma& anon_vma, FrameNumber frame) = 0;
  virtual void unlock_after_walk(Task& task, AnonVma& anon_vma) = 0;
  /// Calls `visit` for the areas that the anon_vma has for `pgoff`, until it says stop.
  virtual void for_each_area(AnonVma& anon_vma, std::uint64_t pgoff, FunctionRef<Walk(Vma&)> visit) = 0;
  /// Whether `vma` is among the areas of `anon_vma`.
  virtual bool is_linked(const Vma& vma, const AnonVma& anon_vma) const = 0;

  /// find_mergeable_anon_vma(): that of a neighbour with which `vma` may be merged one day.
  AnonVma* find_mergeable_anon_vma(MmStruct& mm, Vma& vma) const;
  /// reusable_anon_vma(): that of `vma`, if others may join.
  virtual AnonVma* reusable_anon_vma(const Vma& vma) const { return vma.anon_vma; }

  AnonVma* anon_vma_of(FrameNumber frame) const;
  /// Without them: none is in use but those that live here.
  static void account_for(const KmemCache& cache, std::uint64_t found);

  RmapPool<AnonVma> anon_vmas_;

 private:
  Walk visit_area(Task& task, FrameNumber frame, Vma& vma, std::uint64_t pgoff,
                  FunctionRef<Walk(const Mapping&)> visit);
  std::uint64_t word() const { return wide_ ? 8 : 4; }
  const bool wide_; // 64-bit pointers
};

} // namespace mmsim
