// A process's page tables: a radix tree of table pages whose frames come from the same zones as everything
// else.
//
//   Pte* entry = mm.tables.find(page);            // null if a level is missing
//   TablePage* leaf = mm.tables.leaf(page);       // the last-level table, with its lock
//
// Formats (kernel.page_table), as Linux sees them:
//   armv7_short  short descriptors of Armv6 and v7: a root of 2048 entries of 2 MiB (in 16 KiB), tables of
//                512: the two hardware tables of 256 and Linux's copies of them with young and dirty share a
//                page; 3 GiB of user space less 16 MiB
//   lpae         long descriptors of Armv7 with LPAE: a root of 4 entries of 1 GiB, then tables of 512; as
//                much
//   arm64_39     three levels of 512: 512 GiB
//   arm64_48     four levels of 512: 256 TiB
// Table pages of the host are never given back to it before the end of the run: TLBs keep pointers to words
// of them (tlb.hpp). A table page that is freed has had all its entries cleared, and keeps their generations
// when it is used again.
//
// Left out: block mappings, contiguous hints, kernel tables; the root of lpae fills a page here (32 bytes of
// a slab there).
#pragma once

#include "models/address_space/pte.hpp"
#include "models/locks/last_used_here.hpp"
#include "models/locks/spinlock.hpp"
#include "models/pages/slab_object.hpp"
#include "sim/engine/strong_int.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>
#include <vector>

namespace mmsim {

/// A page of 512 entries, or the root with more.
struct TablePage {
  static constexpr std::size_t entries = 512;
  FrameNumber frame{};
  SlabObject object = no_object;    ///< where tables are a slab cache's
  std::uint32_t live = 0;           ///< entries that are not none
  unsigned order = 0;               ///< it fills 2^order frames
  bool counted = false;             ///< in NR_PAGETABLE
  std::unique_ptr<SpinLock> lock;   ///< of a last-level table under split locks; else null
  std::vector<Pte> words;           ///< what the hardware reads
  std::vector<TablePage*> children; ///< beside `words` in upper levels
};

/// Table pages of the host, used again and again: their locks, in the struct pages of frames from per-CPU lists.
class TablePagePool {
 public:
  TablePage& take(CoreId core, std::size_t entries, bool upper);
  void give_back(CoreId core, TablePage& page);
  /// Bytes of host memory that table pages occupy.
  std::size_t host_bytes() const { return host_bytes_; }

 private:
  std::deque<TablePage> pages_;
  LastUsedHere<TablePage> free_leaves_, free_uppers_, free_roots_;
  std::size_t host_bytes_ = 0;
};

class PageTable {
 public:
  struct Shape {
    int levels;           ///< the root and the last one included
    int root_bits;        ///< of the page number that the root resolves
    unsigned root_order;  ///< the root is 2^root_order frames
    PageNumber task_size; ///< TASK_SIZE: one past the last page of the user address space
    /// The format of that name.
    static Shape of_format(std::string_view format);
    PageNumber end() const { return task_size; }
  };

  PageTable(TablePagePool& pool, Shape shape) : pool_(pool), shape_(shape) {}

  const Shape& shape() const { return shape_; }
  TablePage* root() { return root_; }
  void set_root(TablePage* root) { root_ = root; }

  /// The last-level table of `page`, or null.
  TablePage* leaf(PageNumber page) const {
    TablePage* table = root_;
    for (int level = shape_.levels - 1; level > 0 && table != nullptr; --level)
      table = table->children[index(page, level)];
    return table;
  }
  /// The entry of `page`, or null if its table does not exist.
  Pte* find(PageNumber page) const {
    TablePage* table = leaf(page);
    return table ? &table->words[index(page, 0)] : nullptr;
  }
  /// Where `page` stands in a table of that level (0: last).
  std::size_t index(PageNumber page, int level) const {
    const std::uint64_t shifted = page.value() >> (9 * level);
    return level == shape_.levels - 1 ? shifted & ((std::uint64_t{1} << shape_.root_bits) - 1)
                                      : shifted & 511;
  }

  /// Hangs a table page below `parent`.
  void link(TablePage& parent, std::size_t index, TablePage& child);
  void unlink(TablePage& parent, std::size_t index);

  /// Writes an entry of a last-level table and keeps its count of live ones.
  static void set(TablePage& leaf, std::size_t index, Pte value) {
    leaf.live +=
        static_cast<std::uint32_t>(!value.none()) - static_cast<std::uint32_t>(!leaf.words[index].none());
    leaf.words[index] = value;
  }

 private:
  TablePagePool& pool_;
  Shape shape_;
  TablePage* root_ = nullptr;
};

} // namespace mmsim
