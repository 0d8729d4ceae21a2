// What the policies that broadcast TLBI have in common: the instructions and the barrier.
//
// Models __flush_tlb_range(), flush_tlb_mm() and flush_tlb_kernel_range() of
// arch/arm64/include/asm/tlbflush.h, 5.10: a TLBI for every page, or for ranges where the core has Armv8.4's
// instructions (tlb_range.hpp), up to a ceiling, else one for the whole id; kernel pages one by one, under no
// id; then a DSB that returns when every core of the domain has completed.
#pragma once

#include "models/tlb_flush/tlb_flush_policy.hpp"

#include <string_view>

namespace mmsim {

class BroadcastInstructions {
 public:
  /// Throws InputError in the name of `policy` if the machine has no broadcast TLBI.
  BroadcastInstructions(const FlushMeans& means, std::string_view policy);
  void flush(Core& core, MmStruct& mm, const FlushRange& range);
  void flush_kernel_range(Core& core, PageNumber begin, PageNumber end, bool all);
  /// __flush_tlb_page_nosync(): the instruction alone.
  void flush_page_nosync(Core& core, MmStruct& mm, PageNumber page);
  /// The DSB alone.
  void barrier(Core& core);

 private:
  Maintenance& maintenance_;
  AsidAllocator& ids_;
};

} // namespace mmsim
