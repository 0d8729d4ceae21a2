// Areas of an address space: struct vm_area_struct. How they are found: vma_tree.hpp.
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

} // namespace mmsim
