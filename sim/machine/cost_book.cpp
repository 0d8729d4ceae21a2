#include "sim/machine/cost_book.hpp"

namespace mmsim {

namespace {
constexpr const char* slowest_device = "1 KiB/s"; // slower is a slip: a page would take seconds
} // namespace

void LineCosts::declare(Declaration& d, LineCosts& c) {
  d("machine.line.hit", c.hit, "1 ns", "load or store to a line that the core holds",
    "Neoverse N1 TRM: 4-cycle L1 load-to-use, partly hidden")
      .at_least("1 ps"); // or a loop of hits would take no time, and never end
  d("machine.line.atomic", c.atomic, "5 ns",
    "atomic read-modify-write on a line held exclusively, on top of the access",
    "perfbook Table 'CPU 0 View', same-CPU CAS 7.0 ns at 2.1 GHz");
  d("machine.line.transfer", c.transfer, "25 ns", "core-to-core transfer of a line, without the distance",
    "Kunpeng 920 same-cluster CAS 34.5 ns (core-to-core-latency) less machine.interconnect.cluster")
      .at_least("1 ps");
  d("machine.line.dram", c.dram, "95 ns", "fetching a line that no core holds",
    "estimate: idle load-to-use latency of a DDR4 server, 90 to 110 ns")
      .at_least("1 ps"); // as each way of a line: its next way begins later than it did itself
  d("machine.line.request", c.request, "12 ns",
    "the part of line.transfer that is over when a request's turn comes: its way to the queue",
    "estimate: half of a transfer, as on an E7-8870 (thesis series 'ben': a lone miss takes 106 cycles, "
    "one of three saturating cores 54)");
  d("machine.line.share", c.share, "8 ns",
    "time between two answers to reads of a line that the die holds clean",
    "estimate: 28 cycles at 2.4 GHz on an E7-8870 (thesis series 'ben', loads of 2 and 3 cores), less on "
    "newer meshes")
      .at_least("1 ps");
  d("machine.line.arbitration", c.arbitration, "fifo",
    "which request for a line is granted next: the oldest (fifo), or one of the die that holds the line "
    "(nearest)",
    "fifo: strict order as in CHI's and QPI's home nodes; nearest: local requests queue before snoops of "
    "other dies")
      .one_of({"fifo", "nearest"});
  d("machine.line.overtakes", c.overtakes, 32, "with nearest: how often the oldest request may be overtaken",
    "estimate: a snoop queues behind one request of each core of the die")
      .at_least(0)
      .at_most(1'000'000);
}

void InterruptCosts::declare(Declaration& d, InterruptCosts& c) {
  d("machine.ipi.send", c.send, "80 ns", "one write of the register that generates interrupts, at the sender",
    "estimate: ICC_SGI1R write and the DSB and ISB around it drain the store buffer, two or three uncached "
    "accesses");
  d("machine.ipi.deliver", c.deliver, "300 ns",
    "from the interconnect through the interrupt controller to the core",
    "estimate: GICv4.1 virtual SGI takes 750 ns in all (kvm-unit-tests ipi_hw), less send and entry");
  d("machine.ipi.targets_per_send", c.targets_per_send, 1, "targets that one register write can reach",
    "GICv3: the cores of one Aff1 cluster; on Neoverse N1 and Kunpeng 920 each core is its own")
      .at_least(1);
  d("machine.irq.entry", c.entry, "250 ns",
    "taking an interrupt: exception, saving registers, acknowledging, dispatch",
    "estimate: exception and register save 60 to 100 cycles, IAR read 100 to 200 cycles, irq_enter and "
    "dispatch");
  d("machine.irq.exit", c.exit, "120 ns", "returning from it: EOI, irq_exit, restoring registers",
    "estimate: EOIR write 50 to 100 cycles and an exception return");
  d("machine.idle.exit", c.idle_exit, "800 ns", "waking a core that waits for an interrupt",
    "estimate: WFI with clocks gated wakes in under 1 us; deeper states are not modelled");
}

void TlbCosts::declare(Declaration& d, TlbCosts& c) {
  d("machine.tlb.l1_entries", c.l1_entries, 48, "entries of the first-level data TLB", "Neoverse N1 TRM, MMU")
      .at_least(1);
  d("machine.tlb.l1_ways", c.l1_ways, 48, "its ways", "Neoverse N1 TRM: fully associative").at_least(1);
  d("machine.tlb.l2_entries", c.l2_entries, 1280, "entries of the second-level TLB", "Neoverse N1 TRM, MMU")
      .at_least(1);
  d("machine.tlb.l2_ways", c.l2_ways, 5, "its ways", "Neoverse N1 TRM").at_least(1);
  d("machine.tlb.walk_cache_entries", c.walk_cache_entries, 32, "last-level tables that the walker remembers",
    "estimate: size not published; tens of entries in comparable cores")
      .at_least(1);
  d("machine.tlb.asid_bits", c.asid_bits, 16, "bits of an address-space id; kernel.asid_bits cannot be more",
    "ID_AA64MMFR0_EL1.ASIDBits of servers; 8 on Armv6 and Armv7")
      .one_of({8, 16});
  d("machine.tlb.l2_hit", c.l2_hit, "2 ns", "a hit in the second level", "estimate: about 5 cycles");
  d("machine.tlb.walk_level", c.walk_level, "5 ns", "one level of a table walk, descriptor in a cache",
    "estimate: an L2 cache hit of 11 to 13 cycles a level");
  d("machine.tlb.broadcast", c.broadcast, true, "TLBI instructions reach the inner-shareable domain",
    "Armv7 multiprocessing extensions and Armv8");
  d("machine.mmu.hardware_access_flag", c.hardware_access_flag, true,
    "walkers set the access flag of an entry themselves; else the first access to an old page faults",
    "Armv8.1 FEAT_HAFDBS; Linux uses it where it is (CONFIG_ARM64_HW_AFDBM)");
  d("machine.mmu.hardware_dirty", c.hardware_dirty, true,
    "walkers set the dirty state of a writable entry themselves; else the first write to a clean page faults",
    "ditto");
  d("machine.tlbi.page", c.invalidate_page, "6 ns", "one TLBI by address on the core itself",
    "estimate: issue and one slot of the maintenance pipeline, 15 to 20 cycles");
  d("machine.tlbi.all", c.invalidate_all, "20 ns", "one TLBI of a whole id or everything on the core itself",
    "estimate: sweeps the second level by sets, tens of cycles");
  d("machine.tlbi.dsb", c.dsb, "30 ns", "DSB and ISB after local maintenance",
    "estimate: drains the store buffer, 50 to 100 cycles");
  d("machine.tlbi.broadcast_issue", c.broadcast_issue, "10 ns", "issuing one inner-shareable TLBI",
    "estimate: 20 to 30 cycles until the next may be issued");
  d("machine.tlbi.broadcast_channel", c.broadcast_channel, "25 ns",
    "one TLBI on the interconnect, which carries the maintenance of all cores one after the other",
    "estimate: 32 cores with mprotect 15.6 times slower with broadcast than with local TLBI (eMAG, 5.6-rc, "
    "linux-arm-kernel)");
  d("machine.tlbi.broadcast_complete", c.broadcast_complete, "120 ns",
    "completion of a DSB after broadcasts, beside the way to the farthest core and back",
    "estimate: every core drains accesses that used old entries before it answers");
  d("machine.tlbi.broadcast_stall", c.broadcast_stall, "15 ns",
    "what one broadcast TLBI takes from every other busy core",
    "estimate: the lookup pipeline is held for some 30 to 40 cycles");
  d("machine.tlbi.broadcast_sync", c.broadcast_sync, "120 ns",
    "how long the barrier after broadcasts (DVM Sync) keeps the interconnect from other maintenance, a "
    "part of its completion",
    "estimate: one Sync at a time, until the last core has answered: broadcast_complete. 32 cores with "
    "mprotect 15.6 times slower (eMAG, 5.6-rc) ask for half a local mprotect of serialised service a flush");
  d("machine.tlb.range", c.range, false, "TLBI instructions that take a range of pages (FEAT_TLBIRANGE)",
    "Armv8.4; optional in Armv8.3 and before it none");
  d("machine.tlbi.range", c.invalidate_range, "12 ns", "one TLBI of a range on the core itself",
    "estimate: twice a TLBI by address, as zy20-range has it for a broadcast one");
  d("machine.tlbi.broadcast_range_channel", c.broadcast_range_channel, "60 ns",
    "one TLBI of a range on the interconnect, however many pages it has",
    "zy20-range-02 less the fixed part of zy20-classic: 1050 units where a page takes 529 (FPGA prototype)");
  d("machine.tlbi.broadcast_range_stall", c.broadcast_range_stall, "30 ns",
    "what one broadcast TLBI of a range takes from every other busy core",
    "estimate: the TLB is swept once by sets, twice the look-up of a page; zy20-range takes the same time "
    "for 2 to 512 pages");
  d("machine.tlb.erratum_798181", c.erratum_798181, false,
    "a barrier after broadcast TLBIs does not wait for the other cores' accesses: they must "
    "execute one themselves",
    "Cortex-A15 up to r3p2, erratum 798181 (Linux: CONFIG_ARM_ERRATA_798181)");
}

void MemoryCosts::declare(Declaration& d, MemoryCosts& c) {
  d("machine.memory", c.memory, "64 GiB", "memory of the machine, in equal parts on the sockets")
      .at_least("16 MiB");
  d("machine.dram.bandwidth", c.node_bandwidth, "150 GiB/s",
    "bandwidth of a socket's memory, shared by its cores",
    "estimate: eight DDR4-2933 channels, about 80 % of the peak")
      .at_least("1 MiB/s");
  d("machine.page.zero", c.page_zero, "260 ns", "clearing a page, by a core that has the memory to itself",
    "estimate: DC ZVA at about 16 GB/s a core");
  d("machine.page.copy", c.page_copy, "480 ns", "copying a page, by a core that has the memory to itself",
    "estimate: copy_page streams at about 8.5 GB/s a core");
  d("machine.cache.size", c.cache_size, "1 MiB",
    "largest cache that a core has for itself; of a page that is still in it, clearing and copying cost the "
    "*_hot entries; less than a page: none",
    "Neoverse N1 TRM: L2 of 256 KiB to 1 MiB a core; 1 MiB in Ampere Altra and Graviton2")
      .at_most("1 GiB");
  d("machine.page.zero_hot", c.page_zero_hot, "75 ns", "clearing a page that is in the core's own cache",
    "estimate: 64 lines by DC ZVA, three cycles of 2.6 GHz each in the second-level cache");
  d("machine.page.copy_hot", c.page_copy_hot, "150 ns",
    "copying between two pages that are both in the core's own cache",
    "estimate: 64 lines, each read and written through 32 bytes a cycle with half the cycles lost: six "
    "cycles a line");
}

void DiskCosts::declare(Declaration& d, DiskCosts& c) {
  const char* source = "data sheet of a server's NVMe drive (Intel P4510, 2017), quoted from memory";
  d("machine.disk.latency", c.latency, "80 us", "from a request to the disk to its first byte", source);
  d("machine.disk.read_bandwidth", c.read_bandwidth, "3.2 GB/s",
    "bandwidth of the disk for reads, shared by the requests under way", source)
      .at_least(slowest_device);
  d("machine.disk.write_bandwidth", c.write_bandwidth, "3 GB/s", "bandwidth of the disk for writes", source)
      .at_least(slowest_device);
  d("machine.disk.queue_depth", c.queue_depth, ncq_depth,
    "requests that the disk works on at a time; the others wait for their turn",
    "AHCI 1.3: 32 commands a port, as native command queuing of SATA; an NVMe drive takes more")
      .at_least(1)
      .at_most(65'536);
}

void SwapCosts::declare(Declaration& d, SwapCosts& c) {
  const char* source = "as machine.disk, which such a server has its swap partition on";
  d("machine.swap.size", c.size, "0 B", "swap space, all areas together; 0 B: none",
    "estimate: servers are set up without, or with a small part of their memory");
  d("machine.swap.areas", c.areas, 1,
    "areas of equal priority that it is split into, used in turn; they share the device",
    "estimate: one partition")
      .at_least(1)
      .at_most(8);
  d("machine.swap.latency", c.latency, "80 us", "from a request to the swap device to its first byte",
    source);
  d("machine.swap.bandwidth", c.bandwidth, "3 GB/s",
    "bandwidth of the swap device, for reads and for writes, each shared by the requests under way", source)
      .at_least(slowest_device);
  d("machine.swap.queue_depth", c.queue_depth, ncq_depth,
    "requests that the swap device works on at a time; the others wait for their turn", "as machine.disk")
      .at_least(1)
      .at_most(65'536);
}

void EntryCosts::declare(Declaration& d, EntryCosts& c) {
  d("machine.entry.syscall", c.syscall, "160 ns", "entering and leaving a system call",
    "host.csv F0, getppid on a comparable server core: 160 ns");
  d("machine.entry.fault", c.fault, "300 ns",
    "taking a translation or permission fault and returning from it",
    "estimate: system call plus reading the syndrome and fault address, and refetching");
  d("machine.entry.user_access", c.user_access, "1 ns",
    "one load or store of user code that hits in the first level",
    "Neoverse N1 TRM: 4-cycle L1 load-to-use, partly hidden");
  d("machine.entry.switch_registers", c.switch_registers, "90 ns",
    "cpu_switch_to: registers, stack, FP state",
    "estimate: 30 registers and 512 bytes of FP state, saved and restored");
  d("machine.entry.switch_mm", c.switch_mm, "60 ns", "writing TTBR0 with an id, with its ISB",
    "estimate: two system-register writes and a context synchronisation");
  d("machine.entry.switch_ttbr", c.switch_ttbr, "30 ns", "writing TTBR0 without an id, with its ISB",
    "estimate: half of switch_mm: one system-register write and a context synchronisation");
  d("machine.entry.rollover", c.rollover, "400 ns", "book-keeping of an id roll-over, without its flushes",
    "estimate: clearing the id bitmap (8 KiB) and reserving the running ids");
}

void WorkCosts::declare(Declaration& d, WorkCosts& c) {
  const char* fork_base =
      "host.csv F1: fork with 0 pages takes 38 us, exec'd binary of 26 areas; split by the areas' share (F4)";
  const char* fork_page = "host.csv F1 and F1b: 64 ns a page, 13 of them the write-protection";
  const char* estimate = "estimate: instructions on lines that are in the cache, 0.3 to 0.5 ns each";
  d("machine.work.task_create", c.task_create, "12 us",
    "copy_process without its mm: task, stack, files, signals", fork_base);
  d("machine.work.task_exit", c.task_exit, "9 us", "do_exit without its mm",
    "host.csv F2: exit of a small process");
  d("machine.work.mm_create", c.mm_create, "700 ns", "mm_init and a page directory", fork_base);
  d("machine.work.mm_destroy", c.mm_destroy, "500 ns", "__mmdrop without its directory", fork_base);
  d("machine.work.vma_find_level", c.vma_find_level, "4 ns", "one level of the tree in find_vma", estimate);
  d("machine.work.vma_insert", c.vma_insert, "90 ns", "linking an area: list, tree, rebalancing", estimate);
  d("machine.work.vma_dup", c.vma_dup, "260 ns", "duplicating one area in dup_mmap",
    "host.csv F4a: about 0.6 us an untouched area, with its reverse-map links");
  d("machine.work.vma_remove", c.vma_remove, "120 ns", "unlinking and freeing an area", estimate);
  d("machine.work.vmacache_find", c.vmacache_find, "2 ns",
    "vmacache_find: a task's four slots, lines in the cache",
    "estimate: four slots on one line, two compares each");
  d("machine.work.maple_node", c.maple_node, "8 ns",
    "one node on a way down a maple tree: header, slot among up to 15 pivots, lines in the cache",
    "estimate: two lines of 64 bytes, half of the pivots compared; twice a level of an rbtree");
  d("machine.work.maple_write", c.maple_write, "45 ns",
    "writing a maple node: gathering slots and pivots and copying them, its memory apart",
    "estimate: some 20 words in and out of a maple_big_node, and the pointers of its children and parent");
  d("machine.work.rmap_link", c.rmap_link, "120 ns", "linking an area into the reverse map",
    "host.csv F4a, as above");
  d("machine.work.table_walk_level", c.table_walk_level, "2 ns", "one level of a software walk", estimate);
  d("machine.work.pte_scan", c.pte_scan, "600 ps", "passing over an empty entry", estimate);
  d("machine.work.pte_copy", c.pte_copy, "35 ns",
    "copy_one_pte: reading, page lookup, counting, writing the child's", fork_page);
  d("machine.work.pte_set", c.pte_set, "15 ns", "set_pte_at of one entry", estimate);
  d("machine.work.pte_clear", c.pte_clear, "14 ns", "ptep_get_and_clear of one entry, in a row", estimate);
  d("machine.work.pte_wrprotect", c.pte_wrprotect, "13 ns", "ptep_set_wrprotect of one entry, in a row",
    fork_page);
  d("machine.work.table_init", c.table_init, "80 ns", "constructor of a table page, without clearing it",
    estimate);
  d("machine.work.page_ref", c.page_ref, "8 ns", "get_page and map count of a page, lines in the cache",
    fork_page);
  d("machine.work.page_unref", c.page_unref, "12 ns", "put_page and map count of a page, lines in the cache",
    estimate);
  d("machine.work.fault_handle", c.fault_handle, "180 ns", "handle_mm_fault and its callers, fixed part",
    "host.csv M5: COW reuse 620 ns with entry, mmap_lock, walk");
  d("machine.work.page_cache_add", c.page_cache_add, "60 ns",
    "add_to_page_cache or its undoing, without locks: fields of struct page, a slot of the tree, counts",
    "estimate: 150 instructions on lines that are in the cache");
  d("machine.work.io_submit", c.io_submit, "1500 ns",
    "readpage of one page: a bio, its request, the doorbell",
    "estimate: 4 KiB reads by io_uring on NVMe cost a core some 2 us in all (kernel 5.10)");
  d("machine.work.io_complete", c.io_complete, "700 ns",
    "end of a request in its interrupt, without what it wakes", "estimate: the other part of those 2 us");
  d("machine.work.mmap", c.mmap, "450 ns", "do_mmap, fixed part", estimate);
  d("machine.work.munmap", c.munmap, "500 ns", "do_munmap, fixed part",
    "host.csv S1: munmap of one page 2.17 us in all");
  d("machine.work.mprotect", c.mprotect, "300 ns", "do_mprotect and mprotect_fixup of one area, fixed part",
    "estimate: as munmap's, without what it has to take apart");
  d("machine.work.madvise", c.madvise, "150 ns", "do_madvise, fixed part",
    "estimate: the loop over areas of mprotect, without its checks");
  d("machine.work.mremap", c.mremap, "350 ns", "sys_mremap and move_vma, fixed part",
    "estimate: as mprotect's, with a second area; what munmap of the old one costs comes on top");
  d("machine.work.brk", c.brk, "250 ns", "sys_brk and do_brk_flags, fixed part",
    "estimate: as mmap's, without a search and a file");
  d("machine.work.pcp_alloc", c.pcp_alloc, "25 ns", "taking a page from a per-CPU list",
    "published.csv page-alloc, 4.10-rc2");
  d("machine.work.pcp_free", c.pcp_free, "20 ns", "putting a page on a per-CPU list", estimate);
  d("machine.work.buddy_alloc", c.buddy_alloc, "60 ns", "__rmqueue of one block, without splits", estimate);
  d("machine.work.buddy_free", c.buddy_free, "50 ns", "__free_one_page, without merges", estimate);
  d("machine.work.buddy_step", c.buddy_step, "12 ns", "one split or merge", estimate);
  d("machine.work.pagevec_add", c.pagevec_add, "9 ns",
    "adding a page to the core's pagevec, with the reference that it takes",
    "estimate: an atomic operation (machine.line.atomic) and a dozen instructions");
  d("machine.work.pagevec_put", c.pagevec_put, "7 ns", "dropping a pagevec's reference to a page",
    "estimate: an atomic operation and half a dozen instructions of release_pages");
  d("machine.work.lru_add", c.lru_add, "12 ns",
    "putting a page of a pagevec on its LRU list, lines in the cache: flag, links, statistics",
    "estimate: an atomic bit operation, two stores to links, a per-CPU counter; 30 instructions");
  d("machine.work.lru_del", c.lru_del, "10 ns",
    "taking a page off its LRU list, lines in the cache: flag, links, statistics",
    "estimate: as lru_add without the atomic (__ClearPageLRU)");
  d("machine.work.slab_alloc", c.slab_alloc, "12 ns",
    "kmem_cache_alloc of an object that the CPU's array has",
    "estimate: irqs off and on, a load and two stores, 20 to 30 instructions on lines that are in the cache");
  d("machine.work.slab_free", c.slab_free, "14 ns", "kmem_cache_free into the CPU's array",
    "estimate: as an allocation, and from the object to its page and node");
  d("machine.work.slab_object", c.slab_object, "6 ns", "moving an object between a CPU's array and its slab",
    "estimate: ten instructions, the slab's place in its lists, part of a miss on its free list");
  d("machine.work.slab_copy", c.slab_copy, "1 ns",
    "moving an object between a CPU's array and a shared array",
    "estimate: copying a pointer, an eighth of a line of 64 bytes, which is mostly fetched ahead");
  d("machine.work.slab_grow", c.slab_grow, "150 ns",
    "setting up a slab: its management and free list, without its pages",
    "estimate: some 30 objects of a few instructions each, and the fields of struct page");
  d("machine.work.enqueue", c.enqueue, "120 ns", "putting a task on a run queue", estimate);
  d("machine.work.dequeue", c.dequeue, "110 ns", "taking a task off a run queue", estimate);
  d("machine.work.pick_next", c.pick_next, "150 ns", "choosing the next task", estimate);
  d("machine.work.wake", c.wake, "200 ns", "try_to_wake_up without locks and queue", estimate);
  d("machine.work.tick", c.tick, "700 ns", "scheduler tick and timekeeping",
    "estimate: 1 to 2 us with interrupt entry on arm64 servers");
  d("machine.work.balance", c.balance, "900 ns", "one attempt to balance the load", estimate);
  d("machine.work.kthread_step", c.kthread_step, "300 ns", "one item of a kernel thread's work, fixed part",
    estimate);
  d("machine.work.mask_scan", c.mask_scan, "40 ns", "building the mask of cores to interrupt", estimate);
  d("machine.work.call_queue", c.call_queue, "12 ns",
    "one entry of a call queue, at the sender or at the target", estimate);
  d("machine.work.flush_setup", c.flush_setup, "30 ns", "deciding what a flush covers", estimate);
  d("machine.work.rcu_callback", c.rcu_callback, "10 ns",
    "queueing an RCU callback, or taking one off to call it, without what it does", estimate);
  d("machine.work.rcu_core", c.rcu_core, "100 ns",
    "one pass of RCU's softirq without locks and callbacks: raising it, looking at the CPU's lists",
    estimate);
  // Reclaim.
  d("machine.work.reclaim_round", c.reclaim_round, "250 ns",
    "one look of reclaim at a zone or node: how much of which list it scans, without locks and lists",
    "estimate: some 20 counters read, a dozen multiplications and divisions, half of it out of the cache");
  d("machine.work.reclaim_page", c.reclaim_page, "40 ns",
    "shrink_page_list's or shrink_active_list's own look at a page, without its lock, the reverse map, its "
    "unmapping and what takes it off and puts it on a list",
    "estimate: some 80 instructions and the branches between 15 outcomes; the struct page is in the cache");
  d("machine.work.oom_task", c.oom_task, "60 ns", "how bad one process is: oom_badness, badness",
    "estimate: a task_struct, its signal and mm, whose lines nobody holds: half a dozen loads and some "
    "misses");
  // Reverse map.
  d("machine.work.avc_link", c.avc_link, "40 ns",
    "linking an anon_vma_chain to its area and into its anon_vma's interval tree",
    "estimate: two of them are in the 0.6 us of host.csv F4a, beside three objects of slabs");
  d("machine.work.rmap_visit", c.rmap_visit, "25 ns",
    "an area that a walk of the reverse map looks at: the link to it, its ends, its mm",
    "estimate: three lines that were last used by another process, mostly in a cache of the cluster");
  d("machine.work.pte_chain_entry", c.pte_chain_entry, "1500 ps",
    "an entry of a pte_chain that a search passes",
    "estimate: a load and a comparison, its line in the cache");
  // Swap slots.
  d("machine.work.swap_slot", c.swap_slot, "20 ns",
    "taking a slot of a swap area or giving it back, or changing its count: the slot, the area's bounds and "
    "sums",
    "estimate: 40 to 60 instructions and a miss of swap_map now and then");
  d("machine.work.swap_scan", c.swap_scan, "500 ps",
    "passing over a slot that is in use, looking for a free one",
    "estimate: a load, a compare and the test of how long it has lasted; a line of swap_map has 64 slots or "
    "32");
}

void CostBook::declare(Declaration& d, CostBook& c) {
  d("machine.clock", c.clock, "2.6 GHz", "clock of the cores: what durations in cycles refer to",
    "Kunpeng 920-6426");
  LineCosts::declare(d, c.line);
  InterruptCosts::declare(d, c.irq);
  TlbCosts::declare(d, c.tlb);
  MemoryCosts::declare(d, c.memory);
  DiskCosts::declare(d, c.disk);
  SwapCosts::declare(d, c.swap);
  EntryCosts::declare(d, c.entry);
  WorkCosts::declare(d, c.work);
}

} // namespace mmsim
