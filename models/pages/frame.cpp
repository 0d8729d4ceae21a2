#include "models/pages/frame.hpp"

#include "models/pages/page_links.hpp"

#include <cerrno>
#include <spdlog/fmt/fmt.h>
#include <sys/mman.h>
#include <system_error>

namespace mmsim {

namespace {
// Zeroes that occupy nothing until they are touched.
template <class Row>
Row* reserve_table(std::uint32_t rows) {
  const std::size_t bytes = rows * sizeof(Row);
  void* memory =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED)
    throw std::system_error(
        errno, std::generic_category(),
        fmt::format("reserving {} bytes of addresses for a table of {} frames", bytes, rows));
  return static_cast<Row*>(memory);
}
} // namespace

FrameTable::FrameTable(FrameNumber end) : frames_(reserve_table<Frame>(end.value())), end_(end.value()) {}
FrameTable::~FrameTable() { ::munmap(frames_, end_ * sizeof(Frame)); }

PageLinksTable::PageLinksTable(FrameNumber end)
    : links_(reserve_table<PageLinks>(end.value())), end_(end.value()) {}
PageLinksTable::~PageLinksTable() { ::munmap(links_, end_ * sizeof(PageLinks)); }

} // namespace mmsim
