#include "models/pages/frame.hpp"

#include <cerrno>
#include <spdlog/fmt/fmt.h>
#include <sys/mman.h>
#include <system_error>

namespace mmsim {

FrameTable::FrameTable(FrameNumber end) : end_(end.value()) {
  const std::size_t bytes = end_ * sizeof(Frame);
  void* memory =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED)
    throw std::system_error(
        errno, std::generic_category(),
        fmt::format("reserving {} bytes of addresses for a table of {} frames", bytes, end_));
  frames_ = static_cast<Frame*>(memory);
}

FrameTable::~FrameTable() { ::munmap(frames_, end_ * sizeof(Frame)); }

} // namespace mmsim
