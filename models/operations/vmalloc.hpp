// Kernel memory in pages that need not lie together: vmalloc and vfree.
//
//   Vmalloc vmalloc(system);
//   const PageNumber area = vmalloc.vmalloc(core, 16);      // no_area if there is no memory
//   vmalloc.access(core, area);                             // kernel code uses it
//   vmalloc.vfree(core, area, 16);
//
// Models mm/vmalloc.c, 5.10 (__vmalloc_node_range, vfree -> remove_vm_area -> free_vmap_area_noflush) and
// 2.6.24: addresses under vmap_area_lock (vmlist_lock), pages one by one, entries in init_mm's tables; vfree
// clears the entries and gives the pages back. Entries of kernel pages are global in the TLB: every core may
// hold them, whatever it runs, lazy or not, so flush_tlb_kernel_range() reaches all that are online. 2.6.24
// flushes in each vfree, before the pages go. Since 2.6.28 the flush is lazy: addresses wait (vmap_lazy_nr,
// an atomic counter) until they are more than lazy_max_pages(), fls(cpus) * kernel.vmalloc_lazy pages, and
// then one flush covers them all (__purge_vmap_area_lazy(), under vmap_purge_lock), while their pages have
// been given back at once: nobody may use an address after vfree, and it is not handed out again before the
// flush. kmap() of high memory (kmap.hpp) does the same over its few hundred addresses.
//
// Left out: the search tree of areas (a first fit in a list, at the cost of one), per-CPU blocks of
// vm_map_ram(), guard pages, vmap_area and vm_struct objects, tables of vmalloc space going away again (they
// never do), huge vmalloc.
#pragma once

#include "models/system.hpp"

#include <vector>

namespace mmsim {

struct VmallocParameters {
  std::int64_t lazy_pages;
  static void declare(Declaration& d, VmallocParameters& p);
};
inline const DeclareParameters<VmallocParameters> declared_vmalloc;

/// No address.
inline constexpr PageNumber no_area{~std::uint64_t{0}};

class Vmalloc {
 public:
  explicit Vmalloc(System& system);

  /// On a task's core, with irqs on and no spinlock held.
  [[nodiscard]] PageNumber vmalloc(Core& core, std::uint64_t pages);
  /// `area` must be what vmalloc() returned for as many pages; std::logic_error if not.
  void vfree(Core& core, PageNumber area, std::uint64_t pages);
  /// __purge_vmap_area_lazy(): flushes for all addresses that wait. Nothing if another core is at it.
  void purge(Core& core);
  /// One access by kernel code: access_kernel_page().
  void access(Core& core, PageNumber page);

  /// Pages whose addresses wait for a flush.
  std::uint64_t lazy_pages() const { return lazy_nr_; }

 private:
  struct Area {
    PageNumber begin, end;
  };
  PageNumber take_addresses(std::uint64_t pages);
  void give_addresses_back(const Area& area);
  /// Clears the entries; their frames.
  std::vector<FrameNumber> unmap(Core& core, const Area& area);
  void free_pages(Core& core, const std::vector<FrameNumber>& frames);

  System& system_;
  MmStruct& init_mm_;
  const bool lazy_;
  const std::uint64_t lazy_max_;
  const PageNumber first_, end_;
  std::unique_ptr<SpinLock> area_lock_;
  std::vector<Area> areas_;   ///< in use or waiting, in the order of addresses
  std::vector<Area> waiting_; ///< vmap_purge_list
  CacheLine lazy_line_{"vmap_lazy_nr"}, purge_line_{"vmap_purge_lock"};
  std::uint64_t lazy_nr_ = 0;
  bool purging_ = false;
};

} // namespace mmsim
