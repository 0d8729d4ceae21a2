#include "scenarios/process_image.hpp"

#include "models/operations/madvise.hpp"

#include <algorithm>

namespace mmsim {

std::vector<ImageArea> make_image(Experiment& x, Task& task, std::int64_t pages, std::int64_t vmas) {
  std::vector<ImageArea> areas;
  for (std::int64_t i = 0; i < vmas; ++i) {
    // Areas beyond the last page are mapped but empty: they cost fork its per-area work.
    const auto share = static_cast<std::uint64_t>(pages / vmas + (i < pages % vmas ? 1 : 0));
    const std::uint64_t mapped = std::max<std::uint64_t>(1, share);
    const PageNumber first = x.required(task, mmap(x.system(), task, mapped));
    // Neighbours must differ, as text, data and libraries do, or they would be one area.
    const Advice advice = i % 2 == 0 ? Advice::random : Advice::sequential;
    x.required(task, madvise(x.system(), task, first, mapped, advice), "madvise");
    for (std::uint64_t page = 0; page < share; ++page)
      touch(x.system(), task, first + page, AccessKind::write);
    areas.push_back({first, share});
  }
  return areas;
}

} // namespace mmsim
