// The kernels as settings of a KernelWorld, as far as memory management differs.
#pragma once

#include "tests/support/kernel_world.hpp"

#include <ostream>

namespace mmsim::tests {

struct KernelVersion {
  const char* name;
  Settings settings;
};
inline void PrintTo(const KernelVersion& version, std::ostream* out) { *out << version.name; }

inline const std::vector<KernelVersion> versions{{"linux_5_10", {}},
                                                 {"linux_2_6_24",
                                                  {{"kernel.rwsem", "fifo"},
                                                   {"kernel.rmap", "anon_vma"},
                                                   {"kernel.munmap_downgrade", false},
                                                   {"kernel.pcp", "hot_cold"},
                                                   {"kernel.alloc_path", "classic"},
                                                   {"kernel.free_page_list", "single"},
                                                   {"kernel.page_mobility", "reserve"},
                                                   {"kernel.zone_pages", "present"},
                                                   {"kernel.watermark_scale_factor", std::int64_t{0}},
                                                   {"kernel.vm_stat", "zone"},
                                                   {"kernel.slab", "bufctl"},
                                                   {"kernel.lru", "zone"},
                                                   {"kernel.pagevec_size", std::int64_t{14}},
                                                   {"kernel.lru_new_anon", "active"},
                                                   {"kernel.fault_around", "4 KiB"},
                                                   {"kernel.fault_retry", false},
                                                   {"kernel.spurious_flush", true},
                                                   {"kernel.zero_page", false},
                                                   {"kernel.lockless_page_cache", false},
                                                   {"kernel.i_mmap_lock", "spinlock"},
                                                   {"kernel.dirty_throttle", "writeout"},
                                                   {"kernel.mark_accessed", "fault"},
                                                   {"kernel.dirty_background_ratio", std::int64_t{5}},
                                                   {"kernel.dirty_ratio", std::int64_t{10}},
                                                   {"kernel.swap_slots", "scan"},
                                                   {"kernel.swap_space", "0 B"},
                                                   {"kernel.swap_readahead", "aligned"},
                                                   {"kernel.swap_exclusive", "page_count"},
                                                   {"kernel.swap_in_accessed", true},
                                                   {"kernel.swap_token", "priority"},
                                                   {"kernel.wp_late_lru", true},
                                                   {"kernel.gather_pages", std::int64_t{506}},
                                                   {"kernel.gather_bundle", std::int64_t{506}},
                                                   {"kernel.gather_batch", std::int64_t{506}},
                                                   {"kernel.asid_bits", std::int64_t{8}},
                                                   {"kernel.active_mm_handed_on", false},
                                                   {"kernel.page_table", std::string("armv7_short")},
                                                   {"kernel.vma_cache", "mmap_cache"},
                                                   {"kernel.vma_gap_search", "free_area_cache"},
                                                   {"kernel.mmap_layout", "bottom_up"},
                                                   {"kernel.max_map_count", std::int64_t{65536}},
                                                   {"kernel.stack_guard_gap", std::int64_t{0}},
                                                   {"kernel.mprotect_flush", "always"},
                                                   {"kernel.mremap_flush", "page"},
                                                   {"kernel.mremap_rmap_locks", "file"},
                                                   {"kernel.zap_dirty_flush", false},
                                                   {"kernel.mremap_latency_limit", std::int64_t{64}},
                                                   {"kernel.fast_gup", false},
                                                   {"kernel.write_protect_seq", false},
                                                   {"kernel.cow_reuse", "mapcount"},
                                                   {"kernel.overcommit_guess", "free_pages"},
                                                   {"kernel.overcommit_reserve", "share"},
                                                   {"kernel.vm_committed_as", "committed_space"}}}};

/// What 6.1 has of its own, and 6.4: configs/kernels.
inline const Settings linux_6_1{{"kernel.vma_tree", "maple"},         {"kernel.vma_cache", "none"},
                                {"kernel.rwsem_spin", "writers"},     {"kernel.rwsem_trylock", "read"},
                                {"kernel.pcp_prefetch_buddy", false}, {"kernel.pgd_with_mmap_lock", false},
                                {"kernel.unmap_checks_young", false}, {"kernel.wp_move_anon_rmap", true}};
inline const std::vector<KernelVersion> maple_versions{
    {"linux_6_1", linux_6_1}, {"linux_6_4", linux_6_1 + Settings{{"kernel.vma_lock", true}}}};

inline const std::vector<KernelVersion> all_versions = [] {
  std::vector<KernelVersion> all = versions;
  all.insert(all.end(), maple_versions.begin(), maple_versions.end());
  return all;
}();

} // namespace mmsim::tests
