#include "models/proc.hpp"

#include "models/system.hpp"

#include <algorithm>
#include <array>
#include <ranges>
#include <span>

namespace mmsim {
namespace {

struct Item {
  VmStatItem item;
  std::string_view name;
};

// vmstat_text[], of which the model updates these.
constexpr std::array<Item, 12> zone_items_2_6_24{{{NR_FREE_PAGES, "nr_free_pages"},
                                                  {NR_INACTIVE_ANON, "nr_inactive"},
                                                  {NR_ACTIVE_ANON, "nr_active"},
                                                  {NR_ANON_MAPPED, "nr_anon_pages"},
                                                  {NR_FILE_MAPPED, "nr_mapped"},
                                                  {NR_FILE_PAGES, "nr_file_pages"},
                                                  {NR_FILE_DIRTY, "nr_dirty"},
                                                  {NR_WRITEBACK, "nr_writeback"},
                                                  {NR_SLAB_RECLAIMABLE, "nr_slab_reclaimable"},
                                                  {NR_SLAB_UNRECLAIMABLE, "nr_slab_unreclaimable"},
                                                  {NR_PAGETABLE, "nr_page_table_pages"},
                                                  {NR_VMSCAN_WRITE, "nr_vmscan_write"}}};
constexpr std::array<Item, 6> zone_items_5_10{{{NR_FREE_PAGES, "nr_free_pages"},
                                               {NR_INACTIVE_ANON, "nr_zone_inactive_anon"},
                                               {NR_ACTIVE_ANON, "nr_zone_active_anon"},
                                               {NR_INACTIVE_FILE, "nr_zone_inactive_file"},
                                               {NR_ACTIVE_FILE, "nr_zone_active_file"},
                                               {NR_PAGETABLE, "nr_page_table_pages"}}};
constexpr std::array<Item, 14> node_items_5_10{{{NR_INACTIVE_ANON, "nr_inactive_anon"},
                                                {NR_ACTIVE_ANON, "nr_active_anon"},
                                                {NR_INACTIVE_FILE, "nr_inactive_file"},
                                                {NR_ACTIVE_FILE, "nr_active_file"},
                                                {NR_SLAB_RECLAIMABLE, "nr_slab_reclaimable"},
                                                {NR_SLAB_UNRECLAIMABLE, "nr_slab_unreclaimable"},
                                                {NR_ISOLATED_ANON, "nr_isolated_anon"},
                                                {NR_ISOLATED_FILE, "nr_isolated_file"},
                                                {NR_ANON_MAPPED, "nr_anon_pages"},
                                                {NR_FILE_MAPPED, "nr_mapped"},
                                                {NR_FILE_PAGES, "nr_file_pages"},
                                                {NR_FILE_DIRTY, "nr_dirty"},
                                                {NR_WRITEBACK, "nr_writeback"},
                                                {NR_VMSCAN_WRITE, "nr_vmscan_write"}}};

/// "pgalloc_normal": the zone's name in small letters, as TEXTS_FOR_ZONES has it.
constexpr std::array<std::string_view, zone_type_count> pgalloc_names{"pgalloc_dma", "pgalloc_dma32",
                                                                      "pgalloc_normal", "pgalloc_movable"};

std::vector<ProcCount> zone_counts(const PageAllocator& pages, const Zone& zone, ProcFormat format,
                                   VmStatReading reading) {
  const VmStat& vm_stat = pages.vm_stat();
  const std::span<const Item> items = format == ProcFormat::linux_2_6_24
                                          ? std::span<const Item>(zone_items_2_6_24)
                                          : std::span<const Item>(zone_items_5_10);
  std::vector<ProcCount> counts;
  for (const Item& item : items)
    if (vm_stat.counted_by_zone(item.item))
      counts.push_back({item.name, reading == VmStatReading::folded
                                       ? vm_stat.exact_now(zone.index(), item.item)
                                       : vm_stat.published(zone.index(), item.item)});
  const ZoneEvents& events = zone.events;
  for (const auto& [name, value] : {std::pair{"numa_hit", events.numa_hit},
                                    {"numa_miss", events.numa_miss},
                                    {"numa_foreign", events.numa_foreign},
                                    {"numa_local", events.numa_local},
                                    {"numa_other", events.numa_other}})
    counts.push_back({name, static_cast<std::int64_t>(value)});
  return counts;
}

std::vector<ProcCount> node_counts(const PageAllocator& pages, NodeId node, VmStatReading reading) {
  std::vector<ProcCount> counts;
  for (const Item& item : node_items_5_10)
    counts.push_back({item.name, reading == VmStatReading::folded
                                     ? pages.vm_stat().exact_of_node(node, item.item)
                                     : pages.vm_stat().published_of_node(node, item.item)});
  return counts;
}

ProcZone zone_of(const PageAllocator& pages, const Zone& zone, std::uint32_t cpus, ProcFormat format,
                 VmStatReading reading) {
  const ZoneSpan& span = zone.span();
  const ZoneLimits& limits = zone.limits();
  ProcZone shown{};
  shown.node = span.node.value();
  shown.name = name(span.type);
  for (std::size_t type = 0; type < migrate_type_count; ++type) {
    for (unsigned order = 0; order <= Buddy::max_order; ++order)
      shown.free_blocks[order][type] = zone.buddy().free_blocks(order, MigrateType(type));
    shown.pageblocks[type] = zone.buddy().pageblocks().count(MigrateType(type));
  }
  shown.min = limits.watermarks.min;
  shown.low = limits.watermarks.low;
  shown.high = limits.watermarks.high;
  shown.spanned = span.spanned;
  shown.present = span.present;
  shown.managed = span.managed;
  shown.protection.assign(limits.lowmem_reserve.begin(), limits.lowmem_reserve.end());
  shown.counts = zone_counts(pages, zone, format, reading);
  for (std::uint32_t cpu = 0; cpu < cpus; ++cpu) {
    ProcPageset& pageset = shown.pagesets.emplace_back();
    pageset.stat_threshold = pages.vm_stat().stat_threshold(zone.index());
    for (const PerCpuLists::Pageset& list : pages.lists_of(zone.index()).pageset(CoreId(cpu)))
      pageset.lists.push_back({list.count, list.limits.high, list.limits.batch});
  }
  return shown;
}

std::vector<ProcCount> events(const System& system, ProcFormat format) {
  const Counters::Snapshot counters = system.counters.snapshot();
  std::array<std::int64_t, zone_type_count> allocated{};
  std::array<bool, zone_type_count> there{};
  for (std::uint32_t i = 0; i < system.pages.zones(); ++i) {
    const auto type = static_cast<std::size_t>(system.pages.zone_at(i).type());
    allocated[type] += static_cast<std::int64_t>(system.pages.zone_at(i).events.pgalloc);
    there[type] = true;
  }
  std::vector<ProcCount> events;
  const auto add = [&](std::string_view name, Counter counter) {
    events.push_back({name, static_cast<std::int64_t>(counters[counter])});
  };
  add("pswpin", Counter::pswpin);
  add("pswpout", Counter::pswpout);
  for (std::size_t type = 0; type < zone_type_count; ++type)
    if (there[type]) events.push_back({pgalloc_names[type], allocated[type]});
  add("pgfree", Counter::pgfree);
  add("pgfault", Counter::pgfault);
  add("pgmajfault", Counter::pgmajfault);
  if (format == ProcFormat::linux_2_6_24) {
    add("kswapd_steal", Counter::kswapd_steal);
    add("pageoutrun", Counter::pageoutrun);
    add("allocstall", Counter::direct_reclaim);
    return events;
  }
  add("pgsteal_kswapd", Counter::kswapd_steal);
  events.push_back({"pgsteal_direct",
                    static_cast<std::int64_t>(counters[Counter::pgsteal] - counters[Counter::kswapd_steal])});
  add("pageoutrun", Counter::pageoutrun);
  add("oom_kill", Counter::oom_kill);
  return events;
}

ProcSlabCache slab_row(const SlabInfo& info) {
  return {info.name,         info.active_objs,  info.num_objs,  info.objsize,
          info.objperslab,   info.pagesperslab, info.limit,     info.batchcount,
          info.sharedfactor, info.active_slabs, info.num_slabs, info.sharedavail};
}

} // namespace

ProcSnapshot proc_snapshot(const System& system, VmStatReading reading) {
  const PageAllocator& pages = system.pages;
  ProcSnapshot snapshot{};
  snapshot.format = read_parameters<ProcParameters>(system.configuration()).format == "2.6.24"
                        ? ProcFormat::linux_2_6_24
                        : ProcFormat::linux_5_10;
  std::uint64_t start_pfn = 0; // counted through the zones, without the holes between nodes' frame numbers
  for (std::uint32_t i = 0; i < pages.zones(); ++i) {
    const Zone& zone = pages.zone_at(i);
    snapshot.zones.push_back(zone_of(pages, zone, system.machine.cpus(), snapshot.format, reading));
    snapshot.zones.back().start_pfn = start_pfn;
    start_pfn += zone.span().spanned;
  }
  snapshot.pageblock_order = pages.zone_at(0).buddy().pageblocks().order();
  if (snapshot.format == ProcFormat::linux_5_10)
    for (std::uint32_t node = 0; node < pages.layout().nodes(); ++node)
      snapshot.node_counts.push_back(node_counts(pages, NodeId(node), reading));
  snapshot.events = events(system, snapshot.format);
  for (const KmemCache* cache : system.slabs.all() | std::views::reverse) // the kernel lists the newest first
    snapshot.slab_caches.push_back(slab_row(cache->info()));
  return snapshot;
}

} // namespace mmsim
