// Addresses for pages of high memory, from a pool of a few hundred: kmap and kunmap.
//
//   Kmap pool(system);
//   if (!pool.init(core)) ...                            // once: kmap_init()
//   const PageNumber address = pool.kmap(task, frame);   // may sleep until an address is free
//   pool.access(core, address);                          // kernel code uses it, on any core
//   pool.kunmap(task.core(), frame);
//
// Models mm/highmem.c of 2.6.24: kmap_high(), map_new_virtual(), flush_all_zero_pkmaps() and kunmap_high(), all under
// the spinlock kmap_lock. An address has a count: 0 it is free, 1 nobody uses it, but TLBs may still have it, n + 1 it
// has n users. The next address is looked for from the last one on and round; a page that has one already keeps it, also
// when nobody uses it. Each time the search comes round to the first address, flush_all_zero_pkmaps() takes the
// entries of all whose count is 1 away, makes them free, and flushes the whole pool with one flush_tlb_kernel_range(),
// with kmap_lock held: that reaches every online core, lazy or not. So no address is used for another page before
// every core has dropped the old translation, and a flush is paid once in kernel.last_pkmap mappings. If no
// address is free the task sleeps until a kunmap() leaves one without users (pkmap_map_wait).
//
// Every page is taken for one of high memory: there is no ZONE_HIGHMEM here. Arm has kmap since 2.6.29, with the 512
// addresses of one table page (LAST_PKMAP = PTRS_PER_PTE); 2.6.24's is x86's, m68k's and others', in the same file. 64-bit
// kernels have no high memory, so the scenario refuses it there.
//
// Left out: flush_cache_kmaps(); page_address_htable with its locks, here a map that costs nothing; since
// 3.x, that a search which finds no entry to take away does not flush, and colours; kmap_atomic(), whose addresses are
// their CPU's own and are flushed by it alone; that Arm looks for a page's address without taking it
// (kmap_high_get()). A frame that is freed keeps its address until the next round, and there is found again by whoever gets
// the frame next; here that one gets another address, since the oracle could not tell it from a stale translation.
#pragma once

#include "models/system.hpp"

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

namespace mmsim {

struct KmapParameters {
  std::int64_t last_pkmap;
  static void declare(Declaration& d, KmapParameters& p);
};
inline const DeclareParameters<KmapParameters> declared_kmap;

class Kmap final : public Waitable {
 public:
  explicit Kmap(System& system);

  /// kmap_init(): the tables of the pool. False if there is no memory for them. With irqs on and no spinlock held.
  [[nodiscard]] bool init(Core& core);
  /// The address of `frame`, whose user `task` is until kunmap(). With irqs on and no spinlock held. May sleep.
  PageNumber kmap(Task& task, FrameNumber frame);
  /// Gives a use up. std::logic_error if nobody uses `frame`.
  void kunmap(Core& core, FrameNumber frame);
  /// One access by kernel code: access_kernel_page().
  void access(Core& core, PageNumber page);

  PageNumber first() const { return first_; }
  std::uint64_t addresses() const { return entries_.size(); }
  /// How often flush_all_zero_pkmaps() has run.
  std::uint64_t rounds() const { return rounds_; }
  std::string describe() const override { return "an address of kmap's pool"; }

 private:
  /// One of pkmap_count, and the page that has the address.
  struct Entry {
    std::uint32_t count = 0;
    FrameNumber frame{};
    std::uint32_t epoch = 0; ///< of the frame, when it got the address
  };
  PageNumber address(std::size_t nr) const { return first_ + nr; }
  std::optional<std::size_t> page_address(FrameNumber frame) const;
  std::size_t map_new_virtual(Task& task, FrameNumber frame);
  void wait_for_address(Task& task);
  void flush_all_zero_pkmaps(Core& core);

  System& system_;
  const PageNumber first_;
  std::unique_ptr<SpinLock> lock_;
  std::vector<Entry> entries_;
  std::unordered_map<std::uint64_t, std::size_t> numbers_; ///< by frame: page_address_htable
  std::vector<Task*> waiters_;                             ///< pkmap_map_wait
  std::size_t last_ = 0;                                   ///< last_pkmap_nr
  std::uint64_t rounds_ = 0;
};

} // namespace mmsim
