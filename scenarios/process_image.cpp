#include "scenarios/process_image.hpp"

#include <algorithm>

namespace mmsim {

std::vector<ImageArea> make_image(Experiment& x, Task& task, std::int64_t pages, std::int64_t vmas) {
  std::vector<ImageArea> areas;
  for (std::int64_t i = 0; i < vmas; ++i) {
    // Areas beyond the last page are mapped but empty: they cost fork its per-area work.
    const auto share = static_cast<std::uint64_t>(pages / vmas + (i < pages % vmas ? 1 : 0));
    // A free page behind each area: neighbours of the same kind would become one.
    MmapRequest request;
    request.pages = std::max<std::uint64_t>(1, share);
    if (!areas.empty())
      request.hint = areas.back().first + std::max<std::uint64_t>(1, areas.back().pages) + 1;
    const PageNumber first = x.required(task, mmap(x.system(), task, request).first);
    for (std::uint64_t page = 0; page < share; ++page)
      touch(x.system(), task, first + page, AccessKind::write);
    areas.push_back({first, share});
  }
  return areas;
}

} // namespace mmsim
