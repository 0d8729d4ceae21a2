// Areas of an address space and the tree that finds them.
//
// Models vm_area_struct and mm->mm_rb with its last-hit cache (mmap_cache of 2.6.24; vmacache of 5.10 is per
// task and another issue's). The tree is std::map's red-black tree; what a look-up costs is charged by the
// levels that a balanced tree of that size has. Left out: files, merging of neighbours, guard gaps, hints.
#pragma once

#include "models/pages/slab_object.hpp"
#include "sim/engine/strong_int.hpp"

#include <bit>
#include <cstdint>
#include <map>
#include <utility>

namespace mmsim {

class AnonVma;

struct Vma {
  PageNumber begin, end; ///< [begin, end)
  bool writable = true;
  bool accounted = false; ///< VM_ACCOUNT: its pages are in vm_committed_as
  SlabObject object = no_object; ///< its vm_area_struct
  AnonVma* anon_vma = nullptr;   ///< from its first anonymous page on
  std::uint64_t pages() const { return end - begin; }
};

class VmaTree {
 public:
  /// The first area that ends after `page`, or null: find_vma().
  Vma* find(PageNumber page);
  /// Levels that the last find() went down; 0 if the cache knew.
  int levels_walked() const { return levels_; }
  /// The lowest address from `from` on with room for `pages`, as arch_get_unmapped_area finds it bottom-up.
  PageNumber find_gap(PageNumber from, std::uint64_t pages, PageNumber limit) const;
  /// The widest range around [begin, end) that no area touches, within [0, limit).
  std::pair<PageNumber, PageNumber> free_around(PageNumber begin, PageNumber end, PageNumber limit) const;
  Vma& insert(const Vma& vma);
  void erase(const Vma& vma);

  std::size_t size() const { return areas_.size(); }
  auto begin() { return areas_.begin(); }
  auto end() { return areas_.end(); }

 private:
  std::map<PageNumber, Vma> areas_; // by begin
  Vma* cached_ = nullptr;
  int levels_ = 0;
};

} // namespace mmsim
