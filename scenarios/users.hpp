// A user task on each CPU, bound to it: processes, or threads of one process.
//
//   d("scenario.mode", p.mode, "threads", "...").one_of({"threads", "processes"});
//   spawn_users(x, p.mode, "mapper", [this, &x](Task& task, CoreId cpu) { map_and_unmap(x, task, cpu); });
#pragma once

#include "scenarios/process_image.hpp"

#include <functional>
#include <string_view>

namespace mmsim {

/// `name` is of one of them: "<name> on cpu 3". Any other mode than "threads" means processes. `placement` is that of
/// the areas that they are going to map.
void spawn_users(Experiment& x, std::string_view mode, std::string_view name,
                 const std::function<void(Task&, CoreId)>& body, Placement placement = Placement::apart);

/// scenario.placement: where the users' areas lie.
struct PlacementParameter {
  static constexpr const char* help = "where areas lie: each in page tables of its own, which an munmap "
                                      "frees, or where mmap puts them, next to "
                                      "each other, so that neighbours share tables and keep them";
  static Placement of(std::string_view name) {
    return name == "packed" ? Placement::packed : Placement::apart;
  }
};

/// How many pages a thread maps, at a multiple of TablePage::entries, that uses `pages` of them: one more,
/// which is never touched, where the areas of several threads would else follow each other without a gap and
/// become one (vma_merge()).
inline std::uint64_t pages_apart(std::uint64_t pages) {
  return pages % TablePage::entries == 0 ? pages + 1 : pages;
}

/// How many users share an address space, of whom `others` map nothing.
std::uint64_t users_of_an_mm(const Configuration& configuration, std::string_view mode,
                             std::int64_t others = 0);

/// What a user maps who uses `pages` pages.
struct UserArea {
  std::uint64_t pages, alignment;
  UserArea(Placement placement, std::string_view mode, std::uint64_t used)
      : pages(placement == Placement::apart && mode == "threads" ? pages_apart(used) : used),
        alignment(placement == Placement::apart ? TablePage::entries : 1) {}
};

} // namespace mmsim
