// Anonymous memory of our own, mapped and touched.
#pragma once

#include <sys/mman.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <system_error>
#include <utility>

namespace mmsim::host {

inline constexpr std::size_t page_size =
    4096; ///< what the model and the trials step by; mappings may be coarser

class MemoryBlock {
 public:
  enum Pages {
    huge_if_possible, ///< asked for by madvise and aligned to 2 MiB, so that TLBs do not matter
    small             ///< never huge
  };

  /// Touched unless `touch` is false; in whole huge pages if they are asked for. Children do not get it:
  /// copy-on-write would disturb later trials. Throws std::system_error if the kernel refuses.
  MemoryBlock(std::size_t bytes, Pages pages, bool touch = true) : bytes_(bytes) {
    if (pages == huge_if_possible) bytes_ = (bytes + alignment - 1) / alignment * alignment;
    mapped_ = bytes_ + alignment;
    void* start = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
    start_ = static_cast<char*>(start);
    const auto address = reinterpret_cast<std::uintptr_t>(start_);
    data_ = start_ + (alignment - address % alignment) % alignment;
    madvise(data_, bytes_, pages == huge_if_possible ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    madvise(data_, bytes_, MADV_DONTFORK);
    if (touch)
      for (std::size_t at = 0; at < bytes_; at += page_size)
        *static_cast<volatile char*>(data_ + at) = 1;
  }
  ~MemoryBlock() {
    if (mapped_) munmap(start_, mapped_);
  }
  MemoryBlock(MemoryBlock&& other) noexcept
      : start_(other.start_), data_(other.data_), bytes_(other.bytes_),
        mapped_(std::exchange(other.mapped_, 0)) {}
  MemoryBlock& operator=(MemoryBlock&&) = delete;

  char* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }

 private:
  static constexpr std::size_t alignment = std::size_t(2) << 20;
  char* start_ = nullptr;
  char* data_ = nullptr;
  std::size_t bytes_, mapped_ = 0;
};

/// Memory that can be taken without harm: what is available, also within our memory cgroup.
std::uint64_t spare_memory();

} // namespace mmsim::host
