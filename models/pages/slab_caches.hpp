// The slab caches of memory management.
//
//   SlabObject object = system.slabs.vm_area_struct.alloc(core);
//   for (KmemCache* cache : system.slabs.all()) print(cache->info());       // /proc/slabinfo
//
// Models the kmem_cache_create() calls of kernel/fork.c (proc_caches_init), mm/rmap.c (anon_vma_init) and,
// where kernel.table_pages is "slab", of arch/powerpc/mm for page tables (a constructor clears them, and they
// come back cleared). Objects have the size that they have in the version at hand, counted from its headers:
// 32-bit Arm for 2.6.24, arm64's defconfig for 5.10. An mm_struct or files_struct that is there at boot has
// no object.
//
// Left out: all other caches (task_struct, signal_struct, dentries, kmalloc's).
#pragma once

#include "models/pages/slab.hpp"

#include <memory>
#include <vector>

namespace mmsim {

struct TablePagesParameters {
  std::string source;
  static void declare(Declaration& d, TablePagesParameters& p) {
    d("kernel.table_pages", p.source, "buddy",
      "where pages for page tables come from: the page allocator (buddy), or a slab cache of cleared pages "
      "(slab)",
      "pte_alloc_one() of Arm and arm64: alloc_pages(); powerpc's pgtable_cache of 2.6.24")
        .one_of({"buddy", "slab"});
  }
};
inline const DeclareParameters<TablePagesParameters> declared_table_pages_parameters;

class SlabCaches {
 public:
  /// `clear_page` clears a page of page tables.
  SlabCaches(const SlabMeans& means, const std::function<void(Core&, FrameNumber)>& clear_page);

  KmemCache mm_struct, vm_area_struct, anon_vma, files;
  /// Page tables; null: they come from the page allocator.
  std::unique_ptr<KmemCache> pgtable;

  /// kmem_cache_create(): another one, of those that only some kernels have. Before connect().
  KmemCache& kmem_cache_create(const SlabSpec& spec);

  const std::vector<KmemCache*>& all() const { return all_; }
  /// Tasks that wait for memory may go on elsewhere.
  void connect(Scheduler& scheduler);
  /// Frames in slabs, all caches together.
  std::uint64_t frames() const;
  /// Throws Violation.
  void check_invariants() const;

 private:
  const SlabMeans means_;
  std::vector<std::unique_ptr<KmemCache>> more_;
  std::vector<KmemCache*> all_;
};

} // namespace mmsim
