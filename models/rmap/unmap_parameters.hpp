// What versions do differently when they look at a page's mappings or take them away (unmap.hpp).
#pragma once

#include "sim/engine/parameter.hpp"

#include <string>

namespace mmsim {

struct UnmapParameters {
  std::string young_flush;
  bool unmap_checks_young, seq_read_unreferenced;
  static void declare(Declaration& d, UnmapParameters& p) {
    d("kernel.young_flush", p.young_flush, "nosync",
      "what follows when reclaim makes an entry old: a flush of the page (sync), a TLBI that nobody waits "
      "for, where "
      "TLBI is broadcast (nosync), or nothing",
      "arm64, arch/arm64/include/asm/pgtable.h ptep_clear_flush_young: no DSB since 4.20; asm-generic: "
      "flush_tlb_page; "
      "x86: nothing since 3.15")
        .one_of({"none", "nosync", "sync"});
    d("kernel.unmap_checks_young", p.unmap_checks_young, true,
      "try_to_unmap gives up at an entry that was used since page_referenced looked",
      "mm/rmap.c try_to_unmap_one: ptep_clear_flush_young from 2.6.7 on, without TTU_IGNORE_ACCESS; not "
      "since 5.11");
    d("kernel.seq_read_unreferenced", p.seq_read_unreferenced, true,
      "page_referenced does not count entries of areas that are read sequentially (MADV_SEQUENTIAL)",
      "mm/rmap.c page_referenced_one, since 2.6.29");
  }
};
inline const DeclareParameters<UnmapParameters> declared_unmap_parameters;

} // namespace mmsim
