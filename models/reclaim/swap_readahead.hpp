// Reading more of swap than a fault asks for.
//
//   CachedPage* page = readahead.swapin_readahead(swap, fault);   // what was asked for, locked while it is read
//
// Which slots are read along is an implementation each, one file (kernel.swap_readahead):
//   aligned  swap_readahead_aligned.cpp: 2.6.24, the slots of an aligned window around it that are in use
//   cluster  swap_readahead_cluster.cpp: 3.13 and later on rotating disks, a window that grows with its hits
//   vma      swap_readahead_vma.cpp: 4.14 and later on SSDs, a window of the area's own entries
// kernel.page_cluster bounds the window: 2 to the power of it.
//
// Left out: the choice by what the device is (nr_rotate_swap, vma_ra_enabled): the parameter stands for it; plugging of
// the requests; pages of tmpfs; memory policies of areas (a page is on the node of who reads it).
#pragma once

#include "models/address_space/mm_struct.hpp"
#include "models/reclaim/page_lock.hpp"
#include "sim/engine/parameter.hpp"
#include "sim/engine/registry.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

namespace mmsim {

class Swap;
class Task;

/// Who swaps in what, and where its entry is.
struct SwapInFault {
  Task& task;
  Vma& vma;
  PageNumber page;
  SwapEntry entry;
  const TablePage& table;
  std::size_t index; ///< of `page` there
};

class SwapReadahead {
 public:
  static constexpr std::string_view registry_path = "kernel.swap_readahead";
  /// `page_cluster` is the parameter.
  using Factory = std::function<std::unique_ptr<SwapReadahead>(std::uint32_t page_cluster)>;

  virtual ~SwapReadahead() = default;
  /// With a reference. Null if there is no memory, or the slot is no longer used. Sleeps only for memory.
  virtual CachedPage* swapin_readahead(Swap& swap, const SwapInFault& fault) = 0;
  /// lookup_swap_cache() has found the page, which `ahead` says was read along.
  virtual void found(Vma& vma, PageNumber page, bool ahead) { (void)vma, (void)page, (void)ahead; }

 protected:
  /// __swapin_nr_pages(): how many pages, after `hits` in a window of `previous` pages. `sequential`: next to the last.
  static std::uint32_t swapin_nr_pages(bool sequential, std::uint32_t hits, std::uint32_t most,
                                       std::uint32_t previous);
};

} // namespace mmsim
