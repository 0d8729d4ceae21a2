// A process's page tables: a radix tree of table pages whose frames come from the same zones as everything
// else.
//
//   Pte* entry = mm.tables.find(page);            // null if a level is missing
//   TablePage* leaf = mm.tables.leaf(page);       // the last-level table, with its lock
//
// Models the page tables of arm64 (4 levels of 512 entries) and of classic 32-bit Arm as Linux sees them (2
// levels: 2048 entries of 2 MiB, tables of 512 entries). Table pages of the host are never given back to it
// before the end of the run: TLBs keep pointers to words of them (tlb.hpp). A table page that is freed has
// had all its entries cleared, and keeps their generations when it is used again.
//
// Left out: block mappings, contiguous hints, folding of levels, kernel tables.
#pragma once

#include "models/address_space/pte.hpp"
#include "models/locks/spinlock.hpp"
#include "models/pages/slab_object.hpp"
#include "sim/engine/strong_int.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

namespace mmsim {

/// A page of 512 entries, or the root with more.
struct TablePage {
  static constexpr std::size_t entries = 512;
  FrameNumber frame{};
  SlabObject object = no_object;    ///< where tables are a slab cache's
  std::uint32_t live = 0;           ///< valid entries
  bool counted = false;             ///< in NR_PAGETABLE
  std::unique_ptr<SpinLock> lock;   ///< of a last-level table under split locks; else null
  std::vector<Pte> words;           ///< what the hardware reads
  std::vector<TablePage*> children; ///< beside `words` in upper levels
};

/// Table pages of the host, used again and again.
class TablePagePool {
 public:
  TablePage& take(std::size_t entries, bool upper);
  void give_back(TablePage& page);
  /// Bytes of host memory that table pages occupy.
  std::size_t host_bytes() const { return host_bytes_; }

 private:
  std::deque<TablePage> pages_;
  std::vector<TablePage*> free_leaves_, free_uppers_, free_roots_;
  std::size_t host_bytes_ = 0;
};

class PageTable {
 public:
  /// The shape: levels including the root and the last one; bits of the page number that the root resolves.
  struct Shape {
    int levels;
    int root_bits;
    static Shape of_levels(std::int64_t levels) {
      return {static_cast<int>(levels), levels == 2 ? 11 : 9}; // pgd of 2048 entries on 32-bit Arm
    }
    /// One past the last page of the user address space.
    PageNumber end() const { return PageNumber(std::uint64_t{1} << (root_bits + 9 * (levels - 1))); }
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
        static_cast<std::uint32_t>(value.valid()) - static_cast<std::uint32_t>(leaf.words[index].valid());
    leaf.words[index] = value;
  }

 private:
  TablePagePool& pool_;
  Shape shape_;
  TablePage* root_ = nullptr;
};

} // namespace mmsim
