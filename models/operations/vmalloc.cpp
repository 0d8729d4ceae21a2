#include "models/operations/vmalloc.hpp"

#include "models/operations/gather.hpp"
#include "models/operations/kernel_access.hpp"
#include "models/operations/page_tables.hpp"

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <utility>

namespace mmsim {

void VmallocParameters::declare(Declaration& d, VmallocParameters& p) {
  d("kernel.vmalloc_lazy", p.lazy_pages, 8192,
    "freed addresses of vmalloc wait for one common flush until they are more than this many pages times "
    "fls(cpus); 0: each vfree flushes",
    "lazy_max_pages() since Linux 2.6.28: 32 MiB")
      .at_least(0);
}

Vmalloc::Vmalloc(System& system)
    : system_(system), init_mm_(system.init_mm()),
      lazy_(read_parameters<VmallocParameters>(system.configuration()).lazy_pages > 0),
      lazy_max_(
          static_cast<std::uint64_t>(read_parameters<VmallocParameters>(system.configuration()).lazy_pages) *
          static_cast<std::uint64_t>(std::bit_width(system.machine.cpus()))),
      // The kernel has tables of its own: the upper half of them will do.
      first_(PageNumber(init_mm_.tables.shape().end().value() / 2)), end_(init_mm_.tables.shape().end()),
      area_lock_(system.locks.make(lazy_ ? "vmap_area_lock" : "vmlist_lock")) {}

PageNumber Vmalloc::take_addresses(std::uint64_t pages) {
  PageNumber begin = first_;
  auto at = areas_.begin();
  for (; at != areas_.end() && at->begin < begin + pages; ++at)
    begin = at->end;
  if (end_ < begin + pages) return no_area;
  areas_.insert(at, {begin, begin + pages});
  return begin;
}

void Vmalloc::give_addresses_back(const Area& area) {
  const auto at =
      std::find_if(areas_.begin(), areas_.end(), [&](const Area& a) { return a.begin == area.begin; });
  if (at == areas_.end() || at->end != area.end) throw std::logic_error("vfree of what is not an area");
  areas_.erase(at);
}

PageNumber Vmalloc::vmalloc(Core& core, std::uint64_t pages) {
  const WorkCosts& work = core.costs().work;
  core.charge(static_cast<std::int64_t>(std::bit_width(areas_.size())) * work.vma_find_level +
                  work.vma_insert,
              Account::work);
  area_lock_->lock(core);
  core.settle();
  const PageNumber begin = take_addresses(pages);
  area_lock_->unlock(core);
  if (begin == no_area) return no_area;
  for (PageNumber page = begin; page < begin + pages; ++page) {
    const FrameNumber frame = system_.pages.alloc_page(core, GFP_KERNEL);
    const std::optional<PteSlot> slot =
        frame != no_frame ? alloc_pte(system_, core, init_mm_, page) : std::nullopt;
    if (!slot) {
      if (frame != no_frame) put_page(system_, core, frame);
      vfree(core, begin, pages); // __vfree(area->addr): what has been mapped so far
      return no_area;
    }
    core.settle();
    PageTable::set(slot->table, slot->index,
                   slot->entry().mapped(frame, pte_writable | pte_young | pte_dirty));
    core.charge(work.pte_set, Account::work);
  }
  core.settle();
  return begin;
}

std::vector<FrameNumber> Vmalloc::unmap(Core& core, const Area& area) {
  std::vector<FrameNumber> frames;
  system_.before_entries_change(core);
  for (PageNumber page = area.begin; page < area.end; ++page) {
    TablePage* table = init_mm_.tables.leaf(page);
    if (table == nullptr) continue;
    const std::size_t index = init_mm_.tables.index(page, 0);
    const Pte entry = table->words[index];
    if (!entry.valid()) continue;
    frames.push_back(entry.frame());
    PageTable::set(*table, index, entry.cleared());
  }
  if (!frames.empty()) system_.oracle.entry_changed(init_mm_, area.begin, area.end);
  const auto cleared = static_cast<std::int64_t>(frames.size());
  core.charge(static_cast<std::int64_t>(area.end - area.begin) * core.costs().work.pte_scan +
                  cleared * core.costs().work.pte_clear,
              Account::work);
  core.settle();
  return frames;
}

void Vmalloc::free_pages(Core& core, const std::vector<FrameNumber>& frames) {
  for (const FrameNumber frame : frames)
    put_page(system_, core, frame);
}

void Vmalloc::vfree(Core& core, PageNumber begin, std::uint64_t pages) {
  const Area area{begin, begin + pages};
  if (!lazy_) { // 2.6.24, remove_vm_area(): all of it under vmlist_lock
    area_lock_->lock(core);
    const std::vector<FrameNumber> frames = unmap(core, area);
    system_.flusher.flush_kernel_range(core, init_mm_, area.begin, area.end);
    give_addresses_back(area);
    area_lock_->unlock(core);
    return free_pages(core, frames);
  }
  const std::vector<FrameNumber> frames = unmap(core, area);
  core.rmw(lazy_line_);
  lazy_nr_ += pages;
  waiting_.push_back(area);
  if (lazy_nr_ > lazy_max_) purge(core); // try_purge_vmap_area_lazy()
  free_pages(core, frames);
}

void Vmalloc::purge(Core& core) {
  core.rmw(purge_line_); // mutex_trylock()
  if (std::exchange(purging_, true)) return;
  const std::vector<Area> purged = std::exchange(waiting_, {});
  if (!purged.empty()) {
    Area all = purged.front();
    for (const Area& area : purged) {
      all.begin = std::min(all.begin, area.begin);
      all.end = std::max(all.end, area.end);
    }
    system_.flusher.flush_kernel_range(core, init_mm_, all.begin, all.end);
    area_lock_->lock(core);
    for (const Area& area : purged) {
      core.charge(core.costs().work.vma_remove, Account::work);
      core.rmw(lazy_line_);
      lazy_nr_ -= area.end - area.begin;
      give_addresses_back(area);
    }
    area_lock_->unlock(core);
  }
  core.write(purge_line_);
  purging_ = false;
}

void Vmalloc::access(Core& core, PageNumber page) { access_kernel_page(system_, core, page); }

} // namespace mmsim
