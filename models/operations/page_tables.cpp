#include "models/operations/page_tables.hpp"

#include "models/operations/gather.hpp"

namespace mmsim {

namespace {

// Whose constructor counts the page: that of a last-level table (pgtable_pte_page_ctor()), and in 5.10 that
// of a middle directory (pgtable_pmd_page_ctor()), which the root is not even where it stands in for one.
bool is_counted(const System& system, bool root, int level) {
  return level == 0 || (level == 1 && !root && system.pages.vm_stat().has_nodes());
}

// get_pgd_slow() of arch/arm (2.6.24): __get_free_pages(); the user part is cleared, the kernel's copied.
FrameNumber alloc_large_root(System& system, Core& core, unsigned order) {
  const FrameNumber first = system.pages.alloc_pages(core, order, GFP_KERNEL);
  if (first == no_frame) return no_frame;
  const std::uint32_t frames = 1u << order;
  for (std::uint32_t i = 0; i + 1 < frames; ++i)
    system.contents.clear_page(core, first + i);
  system.contents.copy_page(core, system.pages.layout().kernel_root(), first + (frames - 1));
  return first;
}

// Null if there is no memory.
TablePage* new_table(System& system, Core& core, std::size_t entries, bool root, int level) {
  FrameNumber frame;
  SlabObject object = no_object;
  const unsigned order = root ? system.page_table_shape().root_order : 0;
  if (order > 0) {
    frame = alloc_large_root(system, core, order);
    if (frame == no_frame) return nullptr;
  } else if (system.slabs.pgtable != nullptr) { // cleared when its slab was made, and again when it was freed
    object = system.slabs.pgtable->alloc(core, GFP_KERNEL);
    if (object == no_object) return nullptr;
    frame = system.slabs.pgtable->frame_of(object);
  } else {
    frame = system.contents.alloc_page(core, GFP_KERNEL | gfp_zero); // PGALLOC_GFP, GFP_PGTABLE_USER
    if (frame == no_frame) return nullptr;
  }
  core.charge(core.costs().work.table_init, Account::work);
  TablePage& table = system.table_pages.take(core.id(), entries, level > 0);
  table.frame = frame;
  table.object = object;
  table.order = order;
  table.counted = is_counted(system, root, level);
  if (table.counted) system.pages.count_page(core, frame, NR_PAGETABLE, 1);
  if (level == 0 && !table.lock) table.lock = system.new_pte_lock();
  return &table;
}

// Hangs a new table in under page_table_lock, unless another thread was faster: then it goes back.
template <class Present, class Link>
void publish_unless(System& system, Core& core, MmStruct& mm, TablePage& made, Present&& present,
                    Link&& link) {
  mm.page_table_lock->lock(core);
  core.settle();
  const bool late = present();
  if (!late) {
    link();
    core.charge(core.costs().work.pte_set, Account::work);
  }
  mm.page_table_lock->unlock(core);
  if (late) free_table(system, core, made);
}

} // namespace

void free_table(System& system, Core& core, TablePage& table) {
  if (table.counted) system.pages.count_page(core, table.frame, NR_PAGETABLE, -1);
  if (table.object != no_object)
    system.slabs.pgtable->free(core, table.object);
  else if (table.order == 0)
    put_page(system, core, table.frame);
  else if (--system.pages[table.frame].refcount == 0) // free_pages()
    system.pages.free_pages(core, table.frame, table.order);
  system.table_pages.give_back(core.id(), table);
}

bool alloc_root(System& system, Core& core, MmStruct& mm) {
  PageTable& tables = mm.tables;
  TablePage* made =
      new_table(system, core, std::size_t{1} << tables.shape().root_bits, true, tables.shape().levels - 1);
  if (made == nullptr) return false;
  publish_unless(
      system, core, mm, *made, [&] { return tables.root() != nullptr; }, [&] { tables.set_root(made); });
  return true;
}

std::optional<PteSlot> alloc_pte(System& system, Core& core, MmStruct& mm, PageNumber page) {
  PageTable& tables = mm.tables;
  const int top = tables.shape().levels - 1;
  // A process that is there at boot gets its directory at its first fault.
  if (tables.root() == nullptr && !alloc_root(system, core, mm)) return {};
  TablePage* table = tables.root();
  for (int level = top; level > 0; --level) {
    core.charge(core.costs().work.table_walk_level, Account::work);
    const std::size_t index = tables.index(page, level);
    if (table->children[index] == nullptr) core.settle(); // another thread may be linking one just now
    if (table->children[index] == nullptr) {
      TablePage* made = new_table(system, core, TablePage::entries, false, level - 1);
      if (made == nullptr) return {};
      publish_unless(
          system, core, mm, *made, [&] { return table->children[index] != nullptr; },
          [&] { tables.link(*table, index, *made); });
    }
    table = table->children[index];
  }
  return PteSlot{*table, tables.index(page, 0)};
}

namespace {

// Unhooks below `table` (of `level`, whose first page is `base`) what lies wholly inside [begin, end).
void unhook_below(System& system, Core& core, PageTable& tables, TablePage& table, int level, PageNumber base,
                  PageNumber begin, PageNumber end, std::vector<UnhookedTable>& unhooked) {
  const std::uint64_t span = std::uint64_t{1} << (9 * level);
  const std::size_t first = begin <= base ? 0 : (begin - base) / span;
  for (std::size_t index = first; index < table.children.size() && base + index * span < end; ++index) {
    TablePage* child = table.children[index];
    if (child == nullptr) continue;
    const PageNumber child_base = base + index * span;
    if (level > 1) unhook_below(system, core, tables, *child, level - 1, child_base, begin, end, unhooked);
    if (child->live != 0 || child_base < begin || end < child_base + span) continue;
    system.before_entries_change(core);
    core.charge(core.costs().work.pte_clear, Account::work);
    unhooked.push_back({child, table.words[index].word(), child_base});
    tables.unlink(table, index);
  }
}

} // namespace

std::vector<UnhookedTable> unhook_tables(System& system, Core& core, MmStruct& mm, PageNumber begin,
                                         PageNumber end) {
  std::vector<UnhookedTable> unhooked;
  if (mm.tables.root() == nullptr) return unhooked;
  unhook_below(system, core, mm.tables, *mm.tables.root(), mm.tables.shape().levels - 1, PageNumber(0), begin,
               end, unhooked);
  core.settle();
  return unhooked;
}

void free_tables(System& system, Core& core, MmStruct& mm, std::vector<UnhookedTable>& tables) {
  core.settle();
  for (const UnhookedTable& table : tables) {
    system.oracle.check_table_free(mm, table.word);
    free_table(system, core, *table.page);
  }
  tables.clear();
}

} // namespace mmsim
