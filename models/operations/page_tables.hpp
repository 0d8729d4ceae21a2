// Growing and shrinking page tables: __pte_alloc() and its kind, free_pgtables().
//
// Models mm/memory.c: a missing table is allocated and cleared (kernel.table_pages says from where) without a
// lock and then hung in under page_table_lock, unless somebody else was faster. Tables are unhooked when
// munmap leaves nothing of the range that they cover.
#pragma once

#include "models/system.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace mmsim {

/// A last-level table and the index of a page in it.
struct PteSlot {
  TablePage& table;
  std::size_t index;
  Pte entry() const { return table.words[index]; }
};

/// The page directory of a new address space: pgd_alloc(). False if there is no memory for it.
[[nodiscard]] bool alloc_root(System& system, Core& core, MmStruct& mm);

/// Gives a table that nothing points to back: __free_page(), or kmem_cache_free() where kernel.table_pages is
/// "slab".
void free_table(System& system, Core& core, TablePage& table);

/// The slot of `page`, with the tables that it needs. Must be called with mmap_lock held. Nothing if there is
/// no memory for one of them; those above it stay.
[[nodiscard]] std::optional<PteSlot> alloc_pte(System& system, Core& core, MmStruct& mm, PageNumber page);

/// The end of what the last-level table of `page` maps.
inline PageNumber table_end(PageNumber page) { return PageNumber((page.value() | 511) + 1); }

/// Walks down from the root to the last-level table of `page`. Null if there is none.
inline TablePage* walk_to_table(Core& core, PageTable& tables, PageNumber page) {
  core.charge((tables.shape().levels - 1) * core.costs().work.table_walk_level, Account::work);
  return tables.leaf(page);
}

/// Calls visit(table, begin, end) for each last-level table of a range, with what of the range it maps, until one says
/// false. Each is walked down to from the root (pgd_addr_end() and its kind). False if one did.
template <class Visit>
bool for_each_table(Core& core, PageTable& tables, PageNumber begin, PageNumber end, Visit&& visit) {
  for (PageNumber page = begin; page < end;) {
    const PageNumber next = std::min(end, table_end(page));
    TablePage* const table = walk_to_table(core, tables, page);
    if (table != nullptr && !visit(*table, page, next)) return false;
    page = next;
  }
  return true;
}

/// A table page that has been unhooked, with the word that pointed to it and the first page that it could
/// map.
struct UnhookedTable {
  TablePage* page;
  std::uint64_t word;
  PageNumber base;
};

/// Unhooks all tables that cover nothing outside [begin, end). No lock: no area is left there, so nobody else
/// comes by. The caller flushes, then frees.
std::vector<UnhookedTable> unhook_tables(System& system, Core& core, MmStruct& mm, PageNumber begin,
                                         PageNumber end);

/// Gives unhooked table pages back. Their flush must have completed: the oracle looks.
void free_tables(System& system, Core& core, MmStruct& mm, std::vector<UnhookedTable>& tables);

} // namespace mmsim
