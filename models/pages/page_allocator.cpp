#include "models/pages/page_allocator.hpp"

#include "models/pages/page_mobility.hpp"

#include <algorithm>
#include <array>
#include <spdlog/fmt/fmt.h>

namespace mmsim {

PageAllocator::PageAllocator(Machine& machine, SpinLocks& locks, const Configuration& configuration)
    : struct_page_(machine.wait_names().id(WaitKind::line, "struct page")), layout_(machine, configuration),
      limits_(layout_, configuration), frames_(layout_.end()), links_(layout_.end()),
      vm_stat_(machine, layout_.zones(), configuration) {
  const auto path = read_parameters<AllocPathParameters>(configuration);
  path_ = Registry<AllocPath>::instance().create(path.path, *this);
  free_batched_ = path.free_list == "batched";
  for (const ZoneSpan& span : layout_.zones())
    managed_ += span.managed;
  const auto mobility = read_parameters<PageMobilityParameters>(configuration);
  const bool counts_each = read_parameters<VmStatParameters>(configuration).counted == "zone";
  const ZoneMeans means{frames_, locks, vm_stat_, mobility, path_->watermark_rule(), counts_each, managed_};
  const auto lists = read_parameters<PcpParameters>(configuration).lists;
  const auto& make_lists = Registry<PerCpuLists>::instance().factory(lists);
  const auto list_parameters = read_parameters<PcpListParameters>(configuration);
  for (std::uint32_t i = 0; i < layout_.zones().size(); ++i) {
    ZoneEntry& entry = zones_.emplace_back();
    entry.zone = std::make_unique<Zone>(means, i, layout_.zones()[i], limits_.zones[i]);
    entry.lists = make_lists(*entry.zone, machine.cpus(), list_parameters);
  }
  for (std::size_t type = 0; type < migrate_type_count; ++type)
    groups_[type] = zones_.front().zone->buddy().group_of(static_cast<MigrateType>(type));
  build_zonelists();
  for (std::uint32_t cpu = 0; cpu < machine.cpus(); ++cpu)
    home_.push_back(machine.topology().node_of(CoreId(cpu)));
}

PageAllocator::~PageAllocator() = default;

void PageAllocator::build_zonelists() {
  for (std::uint32_t node = 0; node < layout_.nodes(); ++node) {
    auto& lists = zonelists_.emplace_back();
    for (std::size_t highest = 0; highest < zone_type_count; ++highest) {
      Zonelist& list = lists[highest];
      list.zones = layout_.zonelist(NodeId(node), static_cast<ZoneType>(highest));
      if (list.zones.empty()) continue;
      const std::uint32_t preferred = list.zones.front();
      list.preferred = &zones_[preferred];
      const bool dma32 = preferred > 0 && zone_at(preferred - 1).node() == zone_at(preferred).node() &&
                         zone_at(preferred - 1).type() == ZoneType::dma32;
      list.first.no_fragment = path_->avoids_fragments(zone_at(preferred), layout_.nodes() == 1 || dma32);
    }
  }
}

// __alloc_pages(). Nearly always the first zone has what is wanted: that much in a straight line, and the
// request only where others have to be asked.
FrameNumber PageAllocator::alloc_pages(Core& core, unsigned order, Gfp gfp) {
  if (order > Buddy::max_order) [[unlikely]]
    bad_order(order);
  const ZoneType highest = gfp_zone(gfp);
  const Zonelist& list = zonelists_[home_[core.id().value()].value()][static_cast<std::size_t>(highest)];
  ZoneEntry* const preferred = list.preferred;
  if (preferred != nullptr && preferred->zone->watermark_ok(core, order, list.first, highest)) [[likely]] {
    const MigrateType type = groups_[index(migrate_type_of(gfp))];
    const FrameNumber frame = rmqueue(core, *preferred, *preferred->zone, order, gfp, type, list.first);
    if (frame != no_frame) [[likely]]
      return frame;
  }
  return alloc_elsewhere(core, order, gfp, list);
}

// The first attempt behind the first zone, and all others.
FrameNumber PageAllocator::alloc_elsewhere(Core& core, unsigned order, Gfp gfp, const Zonelist& list) {
  const AllocRequest request{order,         gfp,        groups_[index(migrate_type_of(gfp))],
                             gfp_zone(gfp), list.zones, list.first};
  const FrameNumber frame = search(core, request, list.first, 1);
  if (frame != no_frame) return frame;
  Core* here = &core;
  return path_->slowpath(here, request);
}

FrameNumber PageAllocator::alloc_page_at_boot(NodeId node) {
  const Zonelist& list = zonelists_[node.value()][static_cast<std::size_t>(ZoneType::movable)];
  for (const std::uint32_t index_of_zone : list.zones) {
    Zone& zone = *zones_[index_of_zone].zone;
    const FrameNumber frame = zone.take_at_boot(groups_[index(MigrateType::movable)]);
    if (frame == no_frame) continue;
    Frame& f = frames_[frame];
    f.state = FrameState::allocated;
    f.refcount = 1;
    f.mapcount = 0;
    f.flags = 0;
    ++allocated_;
    ++zone.events.pgalloc;
    return frame;
  }
  return no_frame;
}

FrameNumber PageAllocator::get_page_from_freelist(Core& core, const AllocRequest& request, AllocFlags flags) {
  return search(core, request, flags, 0);
}

FrameNumber PageAllocator::search(Core& core, const AllocRequest& request, AllocFlags flags,
                                  std::size_t from) {
  for (bool again = true; again; flags.no_fragment = false, from = 0) {
    again = flags.no_fragment;
    for (std::size_t i = from; i < request.zonelist.size(); ++i) {
      ZoneEntry& entry = zones_[request.zonelist[i]];
      Zone& preferred = *zones_[request.zonelist.front()].zone;
      // Memory of the own node, mixed pageblocks or not, comes before that of another one.
      if (flags.no_fragment && entry.zone->node() != preferred.node()) break;
      if (!flags.no_watermarks && !entry.zone->watermark_ok(core, request.order, flags, request.highest))
        continue;
      const FrameNumber frame =
          rmqueue(core, entry, preferred, request.order, request.gfp, request.type, flags);
      if (frame != no_frame) return frame;
    }
  }
  return no_frame;
}

// buffered_rmqueue(), rmqueue(), with prep_new_page().
inline FrameNumber PageAllocator::rmqueue(Core& core, ZoneEntry& entry, Zone& preferred, unsigned order,
                                          Gfp gfp, MigrateType type, const AllocFlags& flags) {
  core.irq_disable();
  FrameNumber frame;
  if (order == 0) [[likely]] {
    const Temperature temperature = gfp.has(gfp_cold) ? Temperature::cold : Temperature::hot;
    frame = entry.lists->take(core, {type, temperature, flags.no_fragment});
  } else {
    frame = entry.zone->take(core, order, type, flags);
  }
  if (frame != no_frame) [[likely]] {
    count_allocation(core, *entry.zone, preferred, order);
    Frame& f = frames_[frame];
    f.state = FrameState::allocated;
    f.refcount = 1;
    f.mapcount = 0;
    f.flags = 0;
  }
  core.irq_enable();
  if (order > 0 && flags.harder && frame != no_frame) entry.zone->reserve_highatomic(core, frame);
  return frame;
}

// __count_zone_vm_events(PGALLOC), zone_statistics().
inline void PageAllocator::count_allocation(Core& core, Zone& zone, Zone& preferred, unsigned order) {
  const std::uint64_t frames = std::uint64_t{1} << order;
  allocated_ += frames;
  core.counters().add(Counter::pgalloc, frames);
  zone.events.pgalloc += frames;
  if (zone.node() == preferred.node()) {
    ++zone.events.numa_hit;
  } else {
    ++zone.events.numa_miss;
    ++preferred.events.numa_foreign;
  }
  if (zone.node() == home_[core.id().value()])
    ++zone.events.numa_local;
  else
    ++zone.events.numa_other;
}

void PageAllocator::wake_kswapd(Core& core, Zone& zone, unsigned order) {
  core.counters().add(Counter::kswapd_wake);
  reclaim_->wake_kswapd(core, zone, order);
}

std::uint64_t PageAllocator::try_to_free_pages(Core*& core, const AllocRequest& request) {
  core->counters().add(Counter::direct_reclaim);
  return reclaim_->try_to_free_pages(core, request.order, request.gfp);
}

void PageAllocator::drain_all_pages(Core*& core) {
  drain_local_pages(*core);
  reclaim_->drain_other_cpus(core);
}

// free_pages_check(), free_pages_prepare(). From here on the frame is nobody's, though it may have to wait
// for a lock on its way to a list.
inline void PageAllocator::retire(Core& core, FrameNumber frame, unsigned order) {
  if (frame >= frames_.end()) [[unlikely]]
    bad_free(frame, order);
  Frame& f = frames_[frame];
  if (f.state != FrameState::allocated || f.order != order || f.refcount != 0 || f.mapcount != 0 ||
      (f.flags & page_flags_check_at_free) != 0) [[unlikely]]
    bad_free(frame, order);
  f.flags = 0;
  f.state = FrameState::part;
  ++f.epoch;
  const std::uint32_t size = std::uint32_t{1} << order;
  for (std::uint32_t i = 1; i < size; ++i)
    ++frames_[frame + i].epoch;
  allocated_ -= size;
  core.counters().add(Counter::pgfree, size);
}

void PageAllocator::free_page(Core& core, FrameNumber frame, Temperature temperature) {
  retire(core, frame, 0);
  core.irq_disable();
  entry_of(frame).lists->put(core, frame, temperature);
  core.irq_enable();
}

void PageAllocator::free_page_list(Core& core, std::span<const FrameNumber> list, Temperature temperature) {
  constexpr std::size_t swap_cluster_max = 32;
  if (!free_batched_) {
    for (std::size_t i = list.size(); i-- > 0;)
      free_page(core, list[i], temperature);
    return;
  }
  for (const FrameNumber frame : list)
    retire(core, frame, 0);
  while (!list.empty()) {
    const std::span<const FrameNumber> masked = list.first(std::min(list.size(), swap_cluster_max));
    core.irq_disable();
    for (const FrameNumber frame : masked)
      entry_of(frame).lists->put(core, frame, temperature);
    core.irq_enable();
    list = list.subspan(masked.size());
  }
}

void PageAllocator::free_pages(Core& core, FrameNumber frame, unsigned order) {
  if (order == 0) return free_page(core, frame);
  retire(core, frame, order);
  core.irq_disable();
  entry_of(frame).zone->put(core, frame, order);
  core.irq_enable();
}

void PageAllocator::drain_local_pages(Core& core) {
  core.irq_disable();
  for (ZoneEntry& entry : zones_)
    entry.lists->drain(core);
  core.irq_enable();
}

bool PageAllocator::has_pages_on_lists(CoreId core) const {
  return std::any_of(zones_.begin(), zones_.end(), [core](const ZoneEntry& entry) {
    const auto pageset = entry.lists->pageset(core);
    return std::any_of(pageset.begin(), pageset.end(), [](const auto& list) { return list.count != 0; });
  });
}

std::uint64_t PageAllocator::free_frames() const {
  std::uint64_t free = 0;
  for (const ZoneEntry& entry : zones_)
    free += entry.zone->buddy().free_frames();
  return free;
}

void PageAllocator::bad_order(unsigned order) {
  throw std::logic_error(
      fmt::format("alloc_pages: order {}, but the largest is {}", order, Buddy::max_order));
}

void PageAllocator::bad_free(FrameNumber frame, unsigned order) const {
  if (frame >= frames_.end())
    throw Violation(
        fmt::format("freeing frame {}, but the last one is {}", frame.value(), frames_.end().value() - 1));
  const Frame& f = frames_[frame];
  constexpr std::array<const char*, 4> states{"part of a block", "free", "on a per-CPU list", "allocated"};
  throw Violation(
      fmt::format("freeing frame {} as a block of order {}: it is {} (order {}), refcount {}, mapcount {}, "
                  "flags {}, freed {} times before",
                  frame.value(), order, states.at(static_cast<std::size_t>(f.state)), unsigned{f.order},
                  f.refcount, int{f.mapcount}, unsigned{f.flags}, unsigned{f.epoch}));
}

} // namespace mmsim
