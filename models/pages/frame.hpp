// Page frames: what the kernel keeps in its mem_map, 24 bytes a frame.
//
//   FrameTable frames(FrameNumber(1 << 20));   // numbers below this; costs nothing yet
//   ++frames[frame].refcount;
//
// Models struct page of 2.6.24 and 5.10 as far as user memory and page tables need it: _refcount,
// _mapcount, the lru/private words as two 32-bit links, the buddy order, flags. What the kernel does not
// have: `epoch`, by which the stale-translation oracle tells a frame that was freed and used again from the
// one that a TLB entry still names.
//
// Left out: mapping and index (a reverse map keeps them in side tables), compound pages (of a block of
// 2^order frames only the first is more than part of it), zone and node bits (they follow from the number,
// see PageAllocator).
#pragma once

#include "sim/engine/strong_int.hpp"
#include "sim/machine/core_cache.hpp"

#include <cassert>
#include <cstddef>
#include <cstdint>

namespace mmsim {

inline constexpr std::uint64_t bytes_per_frame = 4096;

/// No frame has this number: the first ones are never memory. Ends lists, and says "out of memory".
inline constexpr FrameNumber no_frame{0};

/// Whose a frame is. All zero is a frame as the machine starts, so that the table needs no initialisation.
enum class FrameState : std::uint8_t {
  part,      ///< never used yet, inside a block whose first frame says what it is, or between two owners
  free,      ///< first of a free block: PageBuddy()
  per_cpu,   ///< on a per-CPU list
  allocated, ///< first of an allocated block
};

/// Flags of an allocated frame; all clear after allocation.
enum FrameFlag : std::uint32_t {
  PG_lru = 1,           ///< on a list of the LRU
  PG_active = 2,        ///< on an active one, or on its way to it
  PG_slab = 4,          ///< of a slab cache
  PG_file = 8,          ///< of a file: what is not PageAnon(), so that the LRU knows it (page_is_file_lru())
  PG_locked = 0x10,     ///< page_lock.hpp
  PG_referenced = 0x20, ///< met once since it was looked at
  PG_dirty = 0x40,      ///< what memory has is newer than what the device has
  PG_writeback = 0x80,  ///< on its way to the device
  PG_swapcache = 0x100, ///< anonymous, with a slot of a swap area
  PG_uptodate = 0x200,  ///< of a file or the swap cache: its contents are there
  PG_reclaim =
      0x400,        ///< to be freed as soon as it is written; of a page that is read: read-ahead goes on here
  PG_error = 0x800, ///< the device has failed it
  PG_waiters = 0x1000, ///< somebody waits for its lock or its write-back (page_lock.hpp)
  /// PageAnonExclusive(): anonymous, mapped by one entry at most and named by no swap entry, and nobody but that
  /// mapping's process may see what is written there (kernel.cow_reuse = "exclusive").
  PG_anon_exclusive = 0x2000,
};

/// Flags that a page must not have when it is freed, whoever frees it; the others go without a word
/// (free_pages_check() of 2.6.24, free_pages_prepare() of 5.10).
inline constexpr std::uint32_t page_flags_check_at_free =
    PG_lru | PG_active | PG_slab | PG_locked | PG_writeback | PG_swapcache;

struct Frame {
  std::int32_t refcount; ///< page_count(): 1 after allocation; 0 while free
  std::uint32_t next;    ///< links of its list (frame_list.hpp); the owner's to use while it is on none
  std::uint32_t previous;
  CacheStamp touched; ///< whose cache last held its contents, and when (core_cache.hpp); outlives a free
  std::int32_t
      mapcount : 24; ///< page_mapcount(): entries that map it. 0 is none (the kernel stores one less)
  FrameState state : 4;
  std::uint32_t order : 4;  ///< of the block that it is the first of
  std::uint32_t epoch : 16; ///< how often it was freed, modulo 2^16
  std::uint32_t flags : 16; ///< of FrameFlag
};
static_assert(sizeof(Frame) == 24);

/// The frames by number. Host memory is spent on touched ones only.
class FrameTable {
 public:
  /// Frames 0 to `end` - 1, all bytes zero. Throws std::system_error if the host has no room for that many
  /// addresses.
  explicit FrameTable(FrameNumber end);
  ~FrameTable();
  FrameTable(const FrameTable&) = delete;
  FrameTable& operator=(const FrameTable&) = delete;

  Frame& operator[](FrameNumber frame) { return at(frame.value()); }
  const Frame& operator[](FrameNumber frame) const {
    return const_cast<FrameTable&>(*this).at(frame.value());
  }
  /// The frame that a list's link names.
  Frame& at(std::uint32_t number) {
    assert(number < end_);
    return frames_[number];
  }
  FrameNumber end() const { return FrameNumber(end_); }

 private:
  Frame* frames_;
  std::uint32_t end_;
};

} // namespace mmsim
