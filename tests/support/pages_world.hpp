// Machines with little memory on several nodes, for tests that use all of it: by kind of per-CPU lists and version.
#pragma once

#include "tests/support/paged_machine.hpp"
#include "tests/support/violation.hpp"

#include <array>
#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace mmsim::tests {

/// Settings that are appended to others.
inline std::vector<Setting> operator+(std::vector<Setting> a, const std::vector<Setting>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// The page allocator of a kernel version.
inline std::vector<Setting> version(const std::string& name) {
  if (name == "5.10") return {};
  return {{"kernel.alloc_path", "classic"},
          {"kernel.page_mobility", "reserve"},
          {"kernel.pageblock_order", std::int64_t{10}},
          {"kernel.vm_stat", "zone"},
          {"kernel.free_page_list", "single"},
          {"kernel.zone_pages", "present"},
          {"kernel.zonelist_order", "default"},
          {"kernel.watermark_scale_factor", std::int64_t{0}}};
}

/// Two sockets of 19 MiB, which is no multiple of 4 MiB, so that nodes run empty and neighbours help out. Of these
/// the kernel has a page or two.
inline const std::vector<Setting> two_small_sockets{{"machine.sockets", std::int64_t{2}},
                                                    {"machine.cores_per_cluster", std::int64_t{4}},
                                                    {"machine.memory", "38 MiB"},
                                                    {"kernel.image", "0 B"},
                                                    {"kernel.page_struct", std::int64_t{1}}};

struct ListsAndVersion {
  const char *lists, *version;
  std::vector<Setting> settings() const {
    return tests::version(version) + std::vector<Setting>{{"kernel.pcp", lists}};
  }
};
inline void PrintTo(const ListsAndVersion& kind, std::ostream* out) {
  *out << kind.lists << " " << kind.version;
}
inline const auto all_lists_and_versions =
    testing::Values(ListsAndVersion{"none", "2.6.24"}, ListsAndVersion{"none", "5.10"},
                    ListsAndVersion{"hot_cold", "2.6.24"}, ListsAndVersion{"hot_cold", "5.10"},
                    ListsAndVersion{"merged", "2.6.24"}, ListsAndVersion{"merged", "5.10"});
inline std::string test_name(const testing::TestParamInfo<ListsAndVersion>& info) {
  return std::string(info.param.lists) +
         (info.param.version == std::string("5.10") ? "_in_5_10" : "_in_2_6_24");
}

using FreeBlocks = std::array<std::uint32_t, Buddy::max_order + 1>;
inline FreeBlocks free_blocks(const Buddy& buddy) {
  FreeBlocks blocks;
  for (unsigned order = 0; order < blocks.size(); ++order)
    blocks[order] = buddy.free_blocks(order);
  return blocks;
}
inline std::vector<FreeBlocks> free_blocks(const PageAllocator& pages) {
  std::vector<FreeBlocks> blocks;
  for (std::uint32_t zone = 0; zone < pages.zones(); ++zone)
    blocks.push_back(free_blocks(pages.zone_at(zone).buddy()));
  return blocks;
}

} // namespace mmsim::tests
