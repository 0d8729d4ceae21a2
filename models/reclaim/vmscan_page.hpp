// What reclaim does with one page, whatever the version: the steps of which shrink_page_list() is made.
//
//   if (page.in_use()) ...                       // page_mapping_inuse()
//   switch (page.pageout(task)) ...              // begins to write it
//   if (page.remove_mapping(core)) ...           // it is nobody's but ours now
//
// Models pageout(), remove_mapping() and __remove_mapping() of mm/vmscan.c. Left out: PAGE_ACTIVATE, by which a file
// says that it does not want to write.
#pragma once

#include "models/system.hpp"

namespace mmsim {

/// pageout_t.
enum class Pageout : std::uint8_t {
  keep,    ///< somebody else has it
  success, ///< it is being written, and unlocked
  clean    ///< there was nothing to write
};

/// A page that was isolated: off the LRU, with a reference of the one who did so.
class IsolatedPage {
 public:
  IsolatedPage(System& system, FrameNumber frame)
      : system_(system), frame_(frame), page_(system.pages[frame]) {}

  bool has(std::uint32_t flag) const { return (page_.flags & flag) != 0; }
  void set(std::uint32_t flag) { page_.flags |= flag; }
  void clear(std::uint32_t flag) { page_.flags &= ~flag; }
  bool mapped() const { return page_.mapcount > 0; }
  /// PageAnon().
  bool anonymous() const { return !has(PG_file); }
  CachedPage* cached() const { return system_.pages.links(frame_).cached; }
  /// page_mapping() is not null: it is a file's, or in the swap cache.
  bool has_mapping() const {
    if (has(PG_swapcache)) return true;
    return has(PG_file) && cached() != nullptr && cached()->mapping != nullptr;
  }
  /// page_mapping_inuse() of 2.6.24.
  bool in_use() const {
    return mapped() || has(PG_swapcache) || (has_mapping() && cached()->mapping->areas() > 0);
  }

  bool trylock(Core& core) { return system_.page_cache.waits.trylock_page(core, frame_); }
  void unlock(Core& core) { system_.page_cache.waits.unlock_page(core, frame_); }

  /// pageout() of a locked page.
  Pageout pageout(Task& task);
  /// __remove_mapping() of a locked page: it has left its file or the swap cache, and the caller's reference is the
  /// last one. False if it is dirty or somebody else has it.
  [[nodiscard]] bool remove_mapping(Core& core);
  /// The last reference goes: the page may be freed.
  void release() { page_.refcount = 0; }

 private:
  System& system_;
  const FrameNumber frame_;
  Frame& page_;
};

} // namespace mmsim
