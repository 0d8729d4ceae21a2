// A user task on each CPU, bound to it: processes, or threads of one process.
//
//   d("scenario.mode", p.mode, "threads", "...").one_of({"threads", "processes"});
//   spawn_users(x, p.mode, "mapper", [this, &x](Task& task, CoreId cpu) { map_and_unmap(x, task, cpu); });
#pragma once

#include "scenarios/scenario.hpp"

#include <functional>
#include <string_view>

namespace mmsim {

/// `name` is of one of them: "<name> on cpu 3". Any other mode than "threads" means processes.
void spawn_users(Experiment& x, std::string_view mode, std::string_view name,
                 const std::function<void(Task&, CoreId)>& body);

/// How many pages a thread maps, at a multiple of TablePage::entries, that uses `pages` of them: one more,
/// which is never touched, where the areas of several threads would else follow each other without a gap and
/// become one (vma_merge()).
inline std::uint64_t pages_apart(std::uint64_t pages) {
  return pages % TablePage::entries == 0 ? pages + 1 : pages;
}

} // namespace mmsim
