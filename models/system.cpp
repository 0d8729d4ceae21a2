#include "models/system.hpp"

#include "models/operations/page_tables.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>

namespace mmsim {

void KernelParameters::declare(Declaration& d, KernelParameters& p) {
  d("kernel.pt_lock", p.pt_lock, "split",
    "what guards last-level page tables: one lock for the mm, or one a table page",
    "CONFIG_SPLIT_PTLOCK_CPUS")
      .one_of({"mm", "split"});
  d("kernel.cow_reuse", p.cow_reuse, "page_count",
    "when a write fault may take the page over: no other mapping (mapcount), or no other reference "
    "(page_count)",
    "do_wp_page: can_share_swap_page in 2.6.24, page_count in 5.10")
      .one_of({"mapcount", "page_count"});
  d("kernel.asid_bits", p.asid_bits, 16,
    "bits of an address-space id; 0: none, the TLB is flushed on every switch",
    "ID_AA64MMFR0_EL1.ASIDBits of servers")
      .one_of({0, 8, 16});
  d("kernel.page_table", p.page_table, "arm64_48",
    "format of page tables: arm64 with 48 or 39 bits, 32-bit Arm with long (lpae) or short descriptors",
    "CONFIG_ARM64_VA_BITS of arm64's defconfig")
      .one_of({"armv7_short", "lpae", "arm64_39", "arm64_48"});
  d("kernel.zero_page", p.zero_page, true, "a read of untouched anonymous memory maps the zero page",
    "not in 2.6.24 to 2.6.31: mm/memory.c");
  d("kernel.gather_pages", p.gather_pages, 9698,
    "pages that munmap and exit collect before they flush and free",
    "5.10: 8 in mmu_gather and up to 19 batches of 510")
      .at_least(1);
  d("kernel.gather_bundle", p.gather_bundle, 8, "pages of a gather that are given back first",
    "MMU_GATHER_BUNDLE of 3.0 and later: the array in mmu_gather itself")
      .at_least(1);
  d("kernel.gather_batch", p.gather_batch, 510, "pages of a gather that are given back at a time after that",
    "MAX_GATHER_BATCH of 3.0 and later, with 4 KiB pages: one page of pointers")
      .at_least(1);
  d("kernel.exit_flush", p.exit_flush, "tables",
    "what an address space that goes flushes: nothing but what page tables were freed under, since its id "
    "is not used again (tables), or with every batch of pages (always)",
    "arm64, 5.10, arch/arm64/include/asm/tlb.h tlb_flush(): fullmm")
      .one_of({"tables", "always"});
  d("kernel.munmap_downgrade", p.munmap_downgrade, true,
    "munmap goes on as a reader of mmap_lock once the areas are taken out", "since Linux 4.20");
  d("kernel.fast_gup", p.fast_gup, true,
    "pages are pinned without mmap_lock where their tables already map them (get_user_pages_fast)",
    "arm64 since Linux 3.18; 2.6.24 has only get_user_pages under mmap_sem");
  d("kernel.write_protect_seq", p.write_protect_seq, true,
    "fork makes mm->write_protect_seq odd while it copies page tables, which sends fast page pinning to the "
    "slow path, and copies pages that may be pinned at once",
    "since Linux 5.11, in 5.10.35: mm/memory.c copy_page_range, copy_present_page");
  d("kernel.wp_late_lru", p.wp_late_lru, false,
    "do_wp_page sets the entry before it puts the copy on the LRU, and gives the old page back before it "
    "drops the table's lock",
    "2.6.24; since 2.6.28 the entry comes last, since 4.2 the old page goes without the lock");
  d("kernel.wp_move_anon_rmap", p.wp_move_anon_rmap, false,
    "a write fault that takes an anonymous page over makes it name the area's own anon_vma, so that the "
    "reverse "
    "map looks nowhere else (with kernel.rmap = \"anon_vma_chain\")",
    "page_move_anon_rmap in do_wp_page: 2.6.34 to 5.8, and again since 5.19; not in 5.10");
  d("kernel.fault_around", p.fault_around, "64 KiB",
    "a read fault on a file also maps what is in memory of so much around it; a page: only the page itself",
    "fault_around_bytes, since 3.15: mm/memory.c do_fault_around");
  d("kernel.fault_retry", p.fault_retry, true,
    "a fault that waits for a page of a file drops mmap_lock, and starts again",
    "FAULT_FLAG_ALLOW_RETRY since 2.6.37, for all waits since 5.1: mm/filemap.c maybe_unlock_mmap_for_io");
  d("kernel.spurious_flush", p.spurious_flush, false,
    "a fault that finds nothing to do, or an entry become young, flushes the page from all TLBs",
    "2.6.24: mm/memory.c handle_pte_fault; arm64 does not since October 2020: flush_tlb_fix_spurious_fault");
  d("kernel.pgd_with_mmap_lock", p.pgd_with_mmap_lock, true,
    "mm->pgd, which every fault reads, stands on the line of mmap_lock's count; else on one that hardly "
    "anybody writes",
    "by the order of mm_struct's fields: so in 2.6.24 and 5.10, and on x86 in 6.2; not on arm64 from 6.1 on");
  d("kernel.stack_limit", p.stack_limit, "8 MiB", "how large a stack may grow: RLIMIT_STACK",
    "include/uapi/linux/resource.h _STK_LIM");
  d("kernel.max_map_count", p.max_map_count, 65530, "areas that a process may have",
    "vm.max_map_count; DEFAULT_MAX_MAP_COUNT, 65536 before 2.6.27")
      .at_least(1);
  d("kernel.stack_guard_gap", p.stack_guard_gap, 256,
    "pages below a stack that new areas leave free, and that it leaves free when it grows",
    "stack_guard_gap, since Linux 4.12; one page of the stack itself before that")
      .at_least(0);
  d("kernel.mprotect_flush", p.mprotect_flush, "changed",
    "when mprotect flushes: if it has met a present entry (changed), or always",
    "change_protection: only if there were pages, since Linux 3.8")
      .one_of({"changed", "always"});
  d("kernel.mremap_flush", p.mremap_flush, "table",
    "what mremap flushes at a time, under the tables' locks: what it has moved of one table (table), or "
    "each entry before it is set again (page)",
    "move_ptes: ptep_clear_flush to 3.1; flush_tlb_range before the locks are dropped since 4.19")
      .one_of({"table", "page"});
  d("kernel.mark_accessed", p.mark_accessed, "unmap",
    "when the LRU is told that a file's page was used through a mapping: by the entry that goes (unmap), or "
    "by the "
    "fault (fault)",
    "mark_page_accessed in zap_pte_range since 2.6.29, before that in filemap_fault")
      .one_of({"unmap", "fault"});
  d("kernel.mremap_rmap_locks", p.mremap_rmap_locks, "merged",
    "while mremap moves entries nobody walks the reverse map: of a file's area (file), or of any area whose "
    "new place "
    "a walk may pass before the old one, since the two have merged (merged)",
    "move_ptes: i_mmap_lock to 3.6; take_rmap_locks if need_rmap_locks since 3.7")
      .one_of({"merged", "file"});
  d("kernel.zap_dirty_flush", p.zap_dirty_flush, true,
    "who unmaps a dirty page of a file flushes before the table's lock is dropped, so that nobody can write "
    "the page "
    "back while another CPU still writes to it",
    "force_flush of mm/memory.c zap_pte_range, since 3.16");
  d("kernel.mremap_latency_limit", p.mremap_latency_limit, 512,
    "pages that mremap moves before it drops the tables' locks, at most a table's",
    "LATENCY_LIMIT, 64 pages, until 2018; since then a table")
      .at_least(1)
      .at_most(512);
  d("run.quantum", p.quantum, "1 us",
    "how much work under a lock is charged in bulk where page-table walkers look without it",
    "estimate: 32 entries of copy_pte_range, after which the kernel looks at its lock");
}

namespace {
std::unique_ptr<Lru> make_lru(Machine& machine, SpinLocks& locks, PageAllocator& pages,
                              const Configuration& configuration) {
  const auto parameters = read_parameters<LruParameters>(configuration);
  return Registry<Lru>::instance().create(parameters.implementation,
                                          LruMeans{machine, locks, pages, parameters});
}
} // namespace

System::System(Engine& engine, const Configuration& configuration, Counters& counters, std::uint32_t cpus,
               std::uint64_t seed)
    : configuration_(configuration), parameters(read_parameters<KernelParameters>(configuration)),
      unmap(read_parameters<UnmapParameters>(configuration)), engine(engine), counters(counters),
      machine(engine, configuration, counters, cpus), locks(machine, configuration),
      pages(machine, locks, configuration), stamps(read_parameters<CheckParameters>(configuration).checks
                                                       ? std::make_unique<ContentStamps>(pages.frames().end())
                                                       : nullptr),
      contents(machine, pages), lru(make_lru(machine, locks, pages, configuration)),
      overcommit(machine, locks, pages, configuration),
      slabs({machine, locks, pages, configuration},
            [this](Core& core, FrameNumber frame) { contents.clear_page(core, frame); }),
      ids(machine, locks, parameters.asid_bits, configuration),
      calls(Registry<CrossCalls>::instance().create(
          read_parameters<CrossCallParameters>(configuration).implementation, machine, locks)),
      policy(Registry<TlbFlushPolicy>::instance().create(
          read_parameters<TlbFlushParameters>(configuration).policy,
          FlushMeans{machine, *calls, ids, configuration, [this](Core& core) { leave_borrowed_mm(core); }})),
      oracle(machine, pages.frames()), mm_switch(machine, ids, *policy, configuration),
      scheduler(machine, locks, mm_switch, configuration, RandomStream(seed, "tick phases")),
      vma_trees(configuration, static_cast<std::uint64_t>(parameters.stack_guard_gap), slabs, locks,
                scheduler),
      block(machine), page_cache({machine, locks, scheduler, block, pages, *lru, configuration}),
      rmap(Registry<ReverseMap>::instance().create(
          read_parameters<ReverseMapParameters>(configuration).generation, *this)),
      swap(*this, configuration), writeback(*this), reclaim(*this, configuration),
      lazy_shootdown(machine, *calls, scheduler, mm_switch, *policy),
      flusher(*policy, oracle, machine, configuration),
      page_table_shape_(PageTable::Shape::of_format(parameters.page_table)) {
  pages.stamps = stamps.get();
  pages.set_reclaim(reclaim);
  page_cache.waits.connect(reclaim);
  overcommit.connect(swap.slots(), [this] { return swap.free_slots(); });
  pages[pages.layout().empty_zero_page()].refcount = 1; // the kernel's own: never freed
  slabs.connect(scheduler);
  init_mm_ = &new_mm();
  if (!rmap->finds_mappings()) mm_list = std::make_unique<MmList>(locks, *init_mm_);
  mm_switch.connect(*init_mm_, [this](Core& core, MmStruct& mm) { free_mm(core, mm); });
  // The core goes on with `next`, whose bit it has just set. What the policy does takes time, in which others
  // may free an mm: so the map is looked at again each time.
  ids.after_rollover_flush = [this](Core& core, const MmStruct& next) {
    for (auto it = mms_.begin(); it != mms_.end();) {
      const std::uint32_t id = it->first;
      MmStruct& mm = *it->second;
      // What the core is leaving it leaves by itself: until then a lazy shootdown must find it in the mask.
      const bool leaving = !mm_switch.counted() && &mm == &mm_switch.loaded(core.id());
      if (&mm != &next && !leaving && mm.cpumask.contains(core.id())) policy->dropped_all(core, mm);
      it = mms_.upper_bound(id);
    }
  };
  scheduler.boot(init_mm_);
  rcu_ = Registry<Rcu>::instance().create(read_parameters<RcuParameters>(configuration).implementation,
                                          RcuMeans{machine, locks, scheduler, configuration});
  page_cache.connect(*rcu_);
  page_cache.connect(writeback);
  observers_.add(*rcu_);
  if (CpuObserver* own = policy->cpu_observer()) observers_.add(*own);
  scheduler.observe(observers_);
}

System::~System() { engine.dismiss_fibers(); }

MmStruct& System::new_mm(SlabObject object) {
  const std::uint32_t id = next_mm_++;
  auto mm = std::make_unique<MmStruct>(id, locks, scheduler, table_pages, page_table_shape_, vma_trees,
                                       machine.cpus());
  mm->object = object;
  return *mms_.emplace(id, std::move(mm)).first->second;
}

// Whoever counts still has his reference on what he had borrowed.
void System::leave_borrowed_mm(Core& core) {
  MmStruct& init = mm_switch.leave_for_init_mm(core);
  if (!mm_switch.counted()) scheduler.running_on(core).active_mm = &init;
}

// pgd_free() of arch/arm with LPAE: the address space ends within what the last entry of the directory covers, so that
// free_pgtables(), whose ceiling is TASK_SIZE there, leaves that middle directory. (The kernel makes it in pgd_alloc(),
// since modules lie above; here it comes with the first page below it.)
static void free_table_across_the_end(System& system, Core& core, PageTable& tables) {
  const PageTable::Shape& shape = tables.shape();
  TablePage& root = *tables.root();
  const std::uint64_t span = std::uint64_t{1} << (9 * (shape.levels - 1));
  if (shape.end().value() % span == 0) return;
  const std::size_t last = tables.index(shape.end() - 1, shape.levels - 1);
  TablePage* const table = root.children[last];
  if (table == nullptr || table->live != 0) return;
  tables.unlink(root, last);
  free_table(system, core, *table);
}

// The page directory, if it has one yet, and the mm_struct itself.
void System::free_mm(Core& core, MmStruct& mm) {
  if (!mm_switch.counted()) lazy_shootdown.clean_up(core, mm);
  core.charge(core.costs().work.mm_destroy, Account::work);
  if (TablePage* root = mm.tables.root()) {
    free_table_across_the_end(*this, core, mm.tables);
    if (root->live != 0)
      throw Violation(
          fmt::format("mm {} is freed with {} tables still hanging below its root", mm.id, root->live));
    free_table(*this, core, *root); // pgd_free()
  }
  const SlabObject object = mm.object;
  mms_.erase(mm.id);
  if (object != no_object) slabs.mm_struct.free(core, object);
}

} // namespace mmsim
