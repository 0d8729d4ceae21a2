// Every page names every entry that maps it.
//
// Models mm/rmap.c of 2.6.0 (2.5.27 to 2.6.6): struct page has one word, the entry itself as long as there is one mapping
// (PG_direct), else a chain of blocks of a cache line with NRPTE entries each, filled from their ends, of which only the
// first may have room (page_add_rmap()). To unmap, the chain is searched for the entry, whose place the newest one takes
// (page_remove_rmap()). All of it under a lock bit of struct page (PG_chainlock). Faults, forks and exits pay for it entry
// by entry, pages of files included. Blocks come from the slab cache pte_chain, by way of one that each CPU keeps
// (local_pte_chain), before the locks (pte_chain_alloc(); fork tries GFP_ATOMIC with them). A walk holds the chain's lock
// and may only try to take the page-table lock of a mapping (page_table_lock nests outside), whose area it then finds by
// find_vma(); what it cannot lock it passes over, and the page stays mapped.
//
// NRPTE is (L1_CACHE_BYTES - a word) / a pointer: 7 with 32-byte lines of 32-bit machines (kernel.slab = "bufctl"), and 7
// with the 64 bytes of others, which a block then occupies.
//
// Costs: the lock bit is an atomic operation on struct page, whose line is fetched where it is missing
// (struct_page_miss.hpp), for a page with one mapping; what several map has a CacheLine of its own, which they hand each
// other. A search costs machine.work.pte_chain_entry an entry, and the miss of a line for each further block. A walk costs
// machine.work.rmap_visit an entry (the table's struct page and its mm: ptep_to_mm()), and find_vma().
//
// bytes(): the word in struct page, and the blocks.
//
// Left out: that page_referenced() makes a chain of one a direct entry again, and looks at entries without their tables'
// locks; the pte_chain_alloc() of faults that bring a new page, which goes back to the CPU unused; lockdep does not know
// PG_chainlock; mremap keeps the entry's place, where the kernel takes it out and puts it in again.
#include "models/rmap/anon_vma.hpp"
#include "models/rmap/reverse_map.hpp"

#include "models/pages/struct_page_miss.hpp"
#include "models/system.hpp"

#include <spdlog/fmt/fmt.h>
#include <utility>
#include <vector>

namespace mmsim {
namespace {

constexpr std::size_t nrpte = 7;

/// An entry, and what the struct page of its table says of it.
struct PteAddress {
  MmStruct* mm;
  TablePage* table;
  std::size_t index;
  PageNumber page;
};

/// page->pte of a mapped page.
struct PageEntries {
  SlabObject object = no_object; // the host's pool asks for it
  CacheLine line{"pte_chain"};
  std::vector<PteAddress> entries; // the newest at the end, which is the head of the chain
  std::vector<SlabObject> blocks;  // none: PG_direct
  bool locked = false;             // PG_chainlock
  CoreId holder{};
  std::uint32_t waiters = 0; // who is on the way to the lock

  bool direct() const { return blocks.empty(); }
};

class PteChainMap final : public ReverseMap {
 public:
  explicit PteChainMap(System& system)
      : ReverseMap(system),
        wide_(read_parameters<SlabParameters>(system.configuration()).version != "bufctl"),
        cache_(system.slabs.kmem_cache_create(
            {.name = "pte_chain", .size = wide_ ? 64u : 32u, .hwcache_align = true})),
        local_pte_chain_(system.machine.cpus(), no_object) {}

  void for_each_mapping(Task& task, FrameNumber frame, FunctionRef<Walk(const Mapping&)> visit) override;
  bool tracks_entries() const override { return true; }

  bool reserve(Core& core, RmapReserve& reserve, Gfp gfp) override { // pte_chain_alloc()
    if (reserve.block != no_object) return true;
    reserve.block = std::exchange(local_pte_chain_[core.id().value()], no_object);
    if (reserve.block == no_object) reserve.block = cache_.alloc(core, gfp);
    return reserve.block != no_object;
  }
  void unreserve(Core& core, RmapReserve& reserve) override {
    if (reserve.block != no_object) pte_chain_free(core, std::exchange(reserve.block, no_object));
  }

  void page_move(Core& core, FrameNumber frame, TablePage& table, std::size_t index,
                 const Mapping& mapping) override {
    PageEntries& page = lock(core, frame);
    page.entries[search(core, frame, page, table, index)] = address_of(mapping);
    unlock(core, page);
  }

  std::uint64_t bytes() const override {
    return system_.pages.managed_frames() * (wide_ ? 8 : 4) + cache_.in_use() * cache_.geometry().size;
  }
  void check_invariants() const override;
  void check_mapping(FrameNumber frame, const Mapping& mapping) const override;

 protected:
  void add_anon(Core& core, FrameNumber frame, const Mapping& mapping, RmapExclusive,
                RmapReserve* reserve) override {
    system_.pages.links(frame).index = mapping.pgoff();
    page_add_rmap(core, frame, mapping, reserve);
  }
  void add_file(Core& core, FrameNumber frame, const Mapping& mapping, RmapReserve* reserve) override {
    page_add_rmap(core, frame, mapping, reserve);
  }
  void duplicate(Core& core, FrameNumber frame, const Mapping& mapping, RmapReserve* reserve) override {
    page_add_rmap(core, frame, mapping, reserve);
  }
  void remove(Core& core, FrameNumber frame, TablePage& table, std::size_t index) override;

 private:
  static PteAddress address_of(const Mapping& mapping) {
    return {&mapping.mm, &mapping.table, mapping.index, mapping.page};
  }
  PageEntries* entries_of(FrameNumber frame) const {
    return static_cast<PageEntries*>(system_.pages.links(frame).rmap);
  }
  void page_add_rmap(Core& core, FrameNumber frame, const Mapping& mapping, RmapReserve* reserve);
  std::size_t search(Core& core, FrameNumber frame, const PageEntries& page, const TablePage& table,
                     std::size_t index) const;
  bool visit_entry(Task& task, FrameNumber frame, PteAddress at, FunctionRef<Walk(const Mapping&)> visit);

  /// pte_chain_lock(). The page gets its entries if it has none.
  PageEntries& lock(Core& core, FrameNumber frame);
  void acquire(Core& core, FrameNumber frame, PageEntries& page);
  static void enter(Core& core, PageEntries& page) {
    --page.waiters;
    page.locked = true;
    page.holder = core.id();
  }
  void unlock(Core& core, PageEntries& page);
  void pte_chain_free(Core& core, SlabObject block) { // __pte_chain_free()
    const SlabObject old = std::exchange(local_pte_chain_[core.id().value()], block);
    if (old != no_object) cache_.free(core, old);
  }

  const bool wide_; // 64-bit pointers
  KmemCache& cache_;
  std::vector<SlabObject> local_pte_chain_; // by CPU
  RmapPool<PageEntries> pages_;
  std::uint64_t blocks_ = 0; // of all pages
};

void PteChainMap::acquire(Core& core, FrameNumber frame, PageEntries& page) {
  core.preempt_disable();
  ++page.waiters; // keeps it from becoming another page's
  if (page.direct() && !page.locked) {
    core.charge(struct_page_miss(core, system_.pages[frame]) + core.costs().line.atomic, Account::coherence,
                system_.pages.struct_page());
    core.settle();
    if (!page.locked && page.direct()) return enter(core, page);
  }
  for (core.rmw(page.line); page.locked; core.rmw(page.line, Account::lock_spin))
    core.spin_until(page.line, Account::lock_spin, [&] { return !page.locked; });
  enter(core, page);
}

PageEntries& PteChainMap::lock(Core& core, FrameNumber frame) {
  for (;;) {
    core.settle();
    void*& word = system_.pages.links(frame).rmap;
    if (word == nullptr) word = &pages_.take(core.id(), no_object);
    PageEntries& page = *static_cast<PageEntries*>(word);
    acquire(core, frame, page);
    if (word == &page) return page;
    unlock(core, page); // its last mapping has gone meanwhile
  }
}

void PteChainMap::unlock(Core& core, PageEntries& page) {
  if (page.direct() && page.waiters == 0) {
    core.charge(core.costs().line.hit, Account::coherence, system_.pages.struct_page());
    core.settle();
  }
  if (!page.direct() || page.waiters > 0) core.write(page.line);
  page.locked = false;
  if (page.entries.empty() && page.waiters == 0)
    pages_.give_back(core.id(), page); // nobody can find it any more
  core.preempt_enable();
}

void PteChainMap::page_add_rmap(Core& core, FrameNumber frame, const Mapping& mapping, RmapReserve* reserve) {
  PageEntries& page = lock(core, frame);
  const std::size_t count = page.entries.size() + 1;
  const bool full = page.blocks.size() * nrpte < count;
  if (full && !(count == 1 && page.direct())) {
    RmapReserve own; // for who has none: without memory the block is nobody's
    RmapReserve& from = reserve != nullptr ? *reserve : own;
    if (from.block == no_object && !this->reserve(core, from, GFP_ATOMIC)) from.block = no_object;
    page.blocks.push_back(std::exchange(from.block, no_object));
    blocks_ += page.blocks.back() != no_object;
    while (page.blocks.size() * nrpte < count)
      page.blocks.push_back(no_object);
  }
  page.entries.push_back(address_of(mapping));
  unlock(core, page);
}

// From the head of the chain on.
std::size_t PteChainMap::search(Core& core, FrameNumber frame, const PageEntries& page,
                                const TablePage& table, std::size_t index) const {
  std::size_t at = page.entries.size();
  while (at > 0 && (page.entries[at - 1].table != &table || page.entries[at - 1].index != index))
    --at;
  if (at == 0)
    throw Violation(fmt::format("frame {}: the entry that is to be unmapped is none of the {} in its chain",
                                frame.value(), page.entries.size()));
  if (page.direct()) return at - 1;
  const std::size_t passed = page.entries.size() - at + 1;
  const auto lines = static_cast<std::int64_t>((page.entries.size() - 1) / nrpte - (at - 1) / nrpte);
  core.charge(static_cast<std::int64_t>(passed) * core.costs().work.pte_chain_entry, Account::work);
  const Duration miss = struct_page_miss(core, system_.pages[frame]);
  if (lines > 0 && miss.count() > 0)
    core.charge(lines * miss, Account::coherence, system_.pages.struct_page());
  return at - 1;
}

void PteChainMap::remove(Core& core, FrameNumber frame, TablePage& table, std::size_t index) {
  core.settle();
  PageEntries* const known = entries_of(frame);
  if (known == nullptr)
    throw Violation(fmt::format("frame {} is unmapped, but its chain is empty", frame.value()));
  const bool walking = known->locked && known->holder == core.id(); // try_to_unmap() holds the lock
  PageEntries& page = walking ? *known : lock(core, frame);
  const std::size_t at = search(core, frame, page, table, index);
  core.settle();
  page.entries[at] = page.entries.back();
  page.entries.pop_back();
  SlabObject emptied = no_object;
  if (page.blocks.size() > (page.entries.size() + nrpte - 1) / nrpte) {
    emptied = page.blocks.back();
    page.blocks.pop_back();
  }
  if (page.entries.empty()) {
    system_.pages.links(frame).rmap = nullptr;
    system_.pages.links(frame).index = 0;
  }
  if (emptied != no_object) {
    --blocks_;
    pte_chain_free(core, emptied);
  }
  if (!walking) unlock(core, page);
}

// try_to_unmap_one(), as far as the area.
bool PteChainMap::visit_entry(Task& task, FrameNumber frame, PteAddress at,
                              FunctionRef<Walk(const Mapping&)> visit) {
  Core& core = task.core();
  system_.counters.add(Counter::rmap_visits);
  core.charge(core.costs().work.pte_chain_entry + core.costs().work.rmap_visit, Account::work);
  SpinLock& table_lock = system_.pte_lock(*at.mm, *at.table);
  if (!table_lock.trylock(core)) return true;
  Walk outcome = Walk::go_on;
  const Pte entry = at.table->words[at.index];
  if (entry.present() && entry.frame() == frame) { // else it is being zapped
    Vma* const vma = at.mm->vmas.find(at.page);
    core.charge(at.mm->vmas.levels_walked() * at.mm->vmas.level_cost(core), Account::work);
    core.settle();
    if (vma != nullptr && vma->contains(at.page))
      outcome = visit({*at.mm, *vma, at.page, *at.table, at.index});
  }
  core.settle();
  table_lock.unlock(core);
  return outcome == Walk::go_on && system_.pages[frame].mapcount > 0;
}

void PteChainMap::for_each_mapping(Task& task, FrameNumber frame, FunctionRef<Walk(const Mapping&)> visit) {
  Core& core = task.core();
  core.settle();
  PageEntries* const page = entries_of(frame);
  if (page == nullptr) return;
  acquire(core, frame, *page);
  // From the newest down: what takes the place of one that goes has been shown already.
  if (entries_of(frame) == page)
    for (std::size_t at = page->entries.size(); at > 0; --at)
      if (!visit_entry(task, frame, page->entries[at - 1], visit)) break;
  unlock(core, *page);
}

void PteChainMap::check_invariants() const {
  std::uint64_t with_cpus = 0;
  for (const SlabObject block : local_pte_chain_)
    with_cpus += block != no_object;
  if (cache_.in_use() != blocks_ + with_cpus)
    throw Violation(fmt::format("pte_chain: {} objects are in use, but pages have {} and CPUs {}",
                                cache_.in_use(), blocks_, with_cpus));
}

void PteChainMap::check_mapping(FrameNumber frame, const Mapping& mapping) const {
  const PageEntries* const page = entries_of(frame);
  const auto count = static_cast<std::size_t>(system_.pages[frame].mapcount);
  if (page == nullptr || page->locked || page->entries.size() != count)
    throw Violation(fmt::format("frame {}: {} entries map it, but its chain has {}, or is locked",
                                frame.value(), count, page != nullptr ? page->entries.size() : 0));
  for (const PteAddress& at : page->entries)
    if (at.table == &mapping.table && at.index == mapping.index && at.mm == &mapping.mm &&
        at.page == mapping.page)
      return;
  throw Violation(fmt::format("frame {}, which mm {} maps at page {:#x}: the entry is not in its chain",
                              frame.value(), mapping.mm.id, mapping.page.value()));
}

const Registered<ReverseMap> pte_chain{"pte_chain",
                                       "every page names the entries that map it (2.5.27 to 2.6.6)",
                                       [](System& system) { return std::make_unique<PteChainMap>(system); }};

} // namespace
} // namespace mmsim
