// Areas of an address space: struct vm_area_struct. How they are found: vma_tree.hpp.
#pragma once

#include "models/address_space/interval_tree.hpp"
#include "models/pages/slab_object.hpp"
#include "sim/engine/strong_int.hpp"

#include <cstdint>

namespace mmsim {

class AnonVma;
class AnonVmaChain;
class File;
class MmStruct;
struct VmaLock;

/// vma->vm_flags, with the kernel's values.
enum VmFlag : std::uint32_t {
  VM_READ = 0x1,
  VM_WRITE = 0x2,
  VM_EXEC = 0x4,
  VM_SHARED = 0x8,
  VM_GROWSDOWN = 0x100,
  VM_LOCKED = 0x2000, ///< mlock(): its pages stay in memory
  VM_SEQ_READ = 0x8000,
  VM_RAND_READ = 0x10000,
  VM_DONTCOPY = 0x20000,
  VM_RESERVED = 0x80000,   ///< to 3.6: a driver's, which swap_out() passes over
  VM_ACCOUNT = 0x100000,   ///< its pages are promised: in vm_committed_as
  VM_NORESERVE = 0x200000, ///< MAP_NORESERVE
};
inline constexpr std::uint32_t vm_read_write = VM_READ | VM_WRITE;

/// vma->swap_readahead_info: where the area was last swapped in, with what window, and what came of it.
struct SwapReadaheadInfo {
  PageNumber last{};
  std::uint32_t window = 0, hits = 4; // GET_SWAP_RA_VAL() of an area that has not been swapped in yet
};

/// An area. Its address stays the same from VmaPool::take() to give_back(): what finds it through the reverse map may
/// do so until it has left that, which is after it has left its tree.
struct Vma {
  PageNumber begin, end;               ///< [begin, end)
  std::uint32_t flags = vm_read_write; ///< of VmFlag
  File* file = nullptr;                ///< null: anonymous
  std::uint64_t pgoff = 0; ///< page of the file at `begin`; of anonymous areas `begin` when it was mapped
  SlabObject object = no_object;    ///< its vm_area_struct
  MmStruct* mm = nullptr;           ///< whose area it is
  AnonVma* anon_vma = nullptr;      ///< from its first anonymous page on
  AnonVmaChain* chain = nullptr;    ///< the first of its links to anon_vmas (kernel.rmap = "anon_vma_chain")
  SwapReadaheadInfo swap_readahead; ///< kernel.swap_readahead = "vma"
  Vma *anon_next = nullptr, *anon_previous = nullptr; ///< anon_vma_node (kernel.rmap = "anon_vma")
  IntervalNode<Vma> shared;                           ///< its place in its file's i_mmap
  VmaLock* lock = nullptr;                            ///< with kernel.vma_lock (vma_lock.hpp)
  bool detached = false; ///< is in no tree: for who finds it under RCU, or by the reverse map

  bool has(VmFlag flag) const { return (flags & flag) != 0; }
  bool writable() const { return has(VM_WRITE); }
  /// Its pages are copied on write: is_cow_mapping(), but that mprotect could still make it writable.
  bool is_private() const { return !has(VM_SHARED); }
  std::uint64_t pages() const { return end - begin; }
  /// linear_page_index() of its first page is pgoff; of its last one:
  std::uint64_t last_pgoff() const { return pgoff + pages() - 1; }
  bool contains(PageNumber page) const { return begin <= page && page < end; }
};

} // namespace mmsim
