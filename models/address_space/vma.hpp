// Areas of an address space and the tree that finds them.
//
// Models vm_area_struct and mm->mm_rb with its last-hit cache. What a look-up costs is charged by the levels that
// a balanced tree of that size has.
#pragma once

#include "models/pages/slab_object.hpp"
#include "sim/engine/strong_int.hpp"

#include <bit>
#include <boost/intrusive/set.hpp>
#include <cstdint>
#include <utility>

namespace mmsim {

class AnonVma;
class File;

/// vma->vm_flags, with the kernel's values.
enum VmFlag : std::uint32_t {
  VM_READ = 0x1,
  VM_WRITE = 0x2,
  VM_EXEC = 0x4,
  VM_SHARED = 0x8,
  VM_GROWSDOWN = 0x100,
  VM_SEQ_READ = 0x8000,
  VM_RAND_READ = 0x10000,
  VM_DONTCOPY = 0x20000,
  VM_ACCOUNT = 0x100000,   ///< its pages are promised: in vm_committed_as
  VM_NORESERVE = 0x200000, ///< MAP_NORESERVE
};
inline constexpr std::uint32_t vm_read_write = VM_READ | VM_WRITE;

using VmaHook = boost::intrusive::set_base_hook<boost::intrusive::link_mode<boost::intrusive::safe_link>>;

/// An area. Its address stays the same from VmaTree::insert() to erase().
struct Vma : VmaHook {
  PageNumber begin, end;               ///< [begin, end)
  std::uint32_t flags = vm_read_write; ///< of VmFlag
  File* file = nullptr;                ///< null: anonymous
  std::uint64_t pgoff = 0;             ///< page of the file at `begin`; of anonymous areas `begin` when it was mapped
  SlabObject object = no_object;       ///< its vm_area_struct
  AnonVma* anon_vma = nullptr;         ///< from its first anonymous page on

  bool has(VmFlag flag) const { return (flags & flag) != 0; }
  bool writable() const { return has(VM_WRITE); }
  /// Its pages are copied on write: is_cow_mapping(), but that mprotect could still make it writable.
  bool is_private() const { return !has(VM_SHARED); }
  std::uint64_t pages() const { return end - begin; }
  bool contains(PageNumber page) const { return begin <= page && page < end; }
};

class VmaTree {
 public:
  VmaTree() = default;
  ~VmaTree();
  VmaTree(const VmaTree&) = delete;
  VmaTree& operator=(const VmaTree&) = delete;

  /// The first area that ends after `page`, or null: find_vma().
  Vma* find(PageNumber page);
  /// Levels that the last find() went down; 0 if the cache knew.
  int levels_walked() const { return levels_; }
  /// The neighbours in address order, or null.
  Vma* previous(const Vma& vma);
  Vma* next(const Vma& vma);
  /// The lowest address from `from` on with room for `pages`, as arch_get_unmapped_area finds it bottom-up;
  /// `limit` if there is none.
  PageNumber find_gap(PageNumber from, std::uint64_t pages, PageNumber limit) const;
  /// The widest range around [begin, end) that no area touches, within [0, limit).
  std::pair<PageNumber, PageNumber> free_around(PageNumber begin, PageNumber end, PageNumber limit) const;

  /// A copy of `vma`, linked. It must overlap no other.
  Vma& insert(const Vma& vma);
  void erase(Vma& vma);
  /// __vma_adjust(): other ends, between the same neighbours.
  void resize(Vma& vma, PageNumber begin, PageNumber end);

  std::size_t size() const { return areas_.size(); }
  bool empty() const { return areas_.empty(); }
  auto begin() { return areas_.begin(); }
  auto end() { return areas_.end(); }

 private:
  struct ByBegin {
    using type = PageNumber;
    PageNumber operator()(const Vma& vma) const { return vma.begin; }
  };
  using Areas = boost::intrusive::set<Vma, boost::intrusive::key_of_value<ByBegin>>;
  Areas areas_;
  Vma* cached_ = nullptr;
  int levels_ = 0;
};

} // namespace mmsim
