// A core's translations: a two-level TLB tagged with address-space ids, and the walker's memory of last-level
// tables.
//
// An entry keeps a copy of the page-table word that it was made from and that word's address. So whether a
// translation is still what the tables say is one comparison, and the oracle can look at every hit. The
// tables' memory must stay readable as long as the TLB lives (it does: freed tables go to a pool, and their
// words change).
//
// Invalidating an id starts a new era of it: entries of older eras no longer match and fall to replacement.
// So a full flush costs the host O(1), not a sweep. Replacement is round robin in a set, as the TRMs leave it
// open; an invalid way is not preferred, which makes a flushed TLB refill a little worse than a real one.
//
// Entries of kernel pages are global: they have no id, match whichever is in use, and go only when their page
// or everything is invalidated. Where a page is said to be `global`, its number is one of the kernel's
// address space.
//
// What is not modelled: entries for several pages (contiguous hint, blocks), instruction TLBs, what the
// walker remembers of the kernel's tables.
#pragma once

#include "sim/engine/strong_int.hpp"
#include "sim/machine/cost_book.hpp"

#include <boost/container/flat_map.hpp>
#include <cstdint>
#include <vector>

namespace mmsim {

class Tlb {
 public:
  explicit Tlb(const TlbCosts& costs);

  /// Bits of a page-table word that walkers set: accessed and dirty.
  static constexpr std::uint64_t noted_by_hardware = 4 | 8;

  struct Translation {
    std::uint64_t word = 0;                ///< the page-table word when it was read
    const std::uint64_t* source = nullptr; ///< where it was read
    std::uint32_t stamp = 0;               ///< what the kernel wants to remember with it: the frame's epoch
    /// But for what the hardware notes in it by itself.
    bool current() const { return ((*source ^ word) & ~noted_by_hardware) == 0; }
  };
  enum class Level : std::uint8_t { first, second, miss };
  struct Hit {
    Level level;
    Translation* translation; ///< null for a miss; valid until the TLB changes
  };

  /// Translations are looked up and inserted under the id chosen here.
  void use(Asid asid);
  Asid asid() const { return asid_; }

  Hit look_up(PageNumber page) { return look_up_tag(base_ | page.value(), page); }
  void insert(PageNumber page, Translation translation) {
    insert_tag(base_ | page.value(), page, translation);
  }
  Hit look_up_global(PageNumber page) { return look_up_tag(global_base | page.value(), page); }
  void insert_global(PageNumber page, Translation translation) {
    insert_tag(global_base | page.value(), page, translation);
  }

  /// True if an entry of `page` under `asid` was read from `source`. A look from outside, which moves
  /// nothing.
  bool holds(Asid asid, PageNumber page, const std::uint64_t* source) const;

  /// True if there was something to drop.
  /// `last_level`: what the walker remembers of the tables above stays (VALE1), else it goes as well (VAE1).
  bool invalidate_page(Asid asid, PageNumber page, bool last_level = false);
  /// The pages [first, first + pages), as invalidate_page() of each.
  bool invalidate_range(Asid asid, PageNumber first, std::uint64_t pages, bool last_level = false);
  bool invalidate_global(PageNumber first, std::uint64_t pages);
  void invalidate_asid(Asid asid);
  void invalidate_all();

  /// The walker's shortcut for the 2 MiB around `page`: the word of the table above, or null.
  Translation* walk_cached(PageNumber page);
  void remember_walk(PageNumber page, Translation translation);
  /// True if an entry of that id is left. A look from outside.
  bool holds(Asid asid) const;
  /// True if the walker may still follow the table entry that read `word`: for the oracle, when that table is
  /// freed. Entries of ids that are not in use do not count: nobody walks with them.
  bool may_walk(std::uint64_t word) const;

 private:
  // Tag: valid bit, global bit, 10 bits of era, 16 bits of id, 36 bits of page number. A global one has no
  // id.
  static constexpr int page_bits = 36, asid_bits = 16, era_bits = 10;
  static constexpr std::uint64_t valid = std::uint64_t{1} << 63;
  static constexpr std::uint64_t global_base = valid | std::uint64_t{1} << 62;
  static constexpr std::uint64_t era_and_asid = ~((std::uint64_t{1} << page_bits) - 1);
  static Asid asid_of(std::uint64_t tag) { return Asid(tag >> page_bits & 0xffff); }
  std::uint64_t tag_base(Asid asid) const;
  Hit look_up_tag(std::uint64_t tag, PageNumber page);
  void insert_tag(std::uint64_t tag, PageNumber page, const Translation& translation);
  bool erase_range(std::uint64_t base, PageNumber first, std::uint64_t pages);

  struct Entry {
    std::uint64_t tag = 0;
    Translation translation;
  };
  // One level. Tags stand apart from translations, so that a look-up in a wide set reads few host cache
  // lines.
  struct Array {
    Array(std::int64_t entries, std::int64_t ways);
    std::size_t first_way(PageNumber page) const { return page.value() % sets * ways; }
    int find(std::uint64_t tag, PageNumber page);
    bool holds(std::uint64_t tag, PageNumber page, const std::uint64_t* source) const;
    void put(std::uint64_t tag, PageNumber page, const Translation& translation);
    bool erase(std::uint64_t tag, PageNumber page);
    bool erase_between(std::uint64_t first_tag, std::uint64_t last_tag);
    std::size_t sets, ways;
    std::vector<std::uint64_t> tags;
    std::vector<Translation> translations;
    std::vector<std::uint32_t> next_victim; // a set
    std::size_t last = 0;                   // where the last look-up hit
  };
  void new_era(Asid asid);

  Array first_, second_;
  std::vector<Entry> walks_;
  boost::container::flat_map<std::uint32_t, std::uint32_t> eras_; // ids that were ever invalidated
  Asid asid_{};
  std::uint64_t base_ = valid;
};

} // namespace mmsim
