#include "models/pages/vm_stat.hpp"

#include <algorithm>
#include <bit>

namespace mmsim {

namespace {

// calculate_threshold() of 2.6.24, calculate_normal_threshold() of 5.10: more for more CPUs and more memory,
// in units of 128 MiB, within what an s8 can hold.
std::int32_t threshold_of(std::uint32_t cpus, std::uint64_t pages) {
  constexpr std::uint64_t pages_of_128_mib = (std::uint64_t{128} << 20) / bytes_per_frame;
  const auto fls = [](std::uint64_t n) { return static_cast<std::int32_t>(std::bit_width(n)); };
  return std::min(125, 2 * fls(cpus) * (1 + fls(pages / pages_of_128_mib)));
}

} // namespace

void VmStatParameters::declare(Declaration& d, VmStatParameters& p) {
  d("kernel.vm_stat", p.counted, "node",
    "whose the counters of pages are: each zone's alone, or most of them their node's",
    "include/linux/mmzone.h: zone_stat_item alone up to 4.7, node_stat_item since 4.8")
      .one_of({"zone", "node"});
}

VmStat::VmStat(const Machine& machine, std::span<const ZoneSpan> zones, const Configuration& configuration) {
  const std::uint32_t cpus = machine.cpus();
  const bool by_node = read_parameters<VmStatParameters>(configuration).counted == "node";
  for (const ZoneSpan& span : zones) {
    Group& zone = zones_.emplace_back("zone vm_stat", cpus);
    zone.node = span.node;
    zone.threshold = threshold_of(cpus, span.pages);
    zone.value[NR_FREE_PAGES] = span.managed; // free_all_bootmem(), memblock_free_all()
    all_zones_.value[NR_FREE_PAGES] += span.managed;
    if (!by_node) continue;
    while (nodes_.size() <= span.node.value())
      nodes_.emplace_back("pglist_data vm_stat", cpus).node =
          NodeId(static_cast<std::uint32_t>(nodes_.size()) - 1);
    Group& node = nodes_[span.node.value()];
    node.threshold = std::max(node.threshold, zone.threshold);
  }
}

bool VmStat::counted_by_zone(VmStatItem item) const {
  switch (item) {
  case NR_FREE_PAGES:
  case NR_PAGETABLE:
  case NR_INACTIVE_ANON: // NR_ZONE_INACTIVE_ANON
  case NR_ACTIVE_ANON:
  case NR_INACTIVE_FILE:
  case NR_ACTIVE_FILE:
    return true;
  default:
    return nodes_.empty();
  }
}

bool VmStat::counted_by_node(VmStatItem item) const {
  return !nodes_.empty() && item != NR_FREE_PAGES && item != NR_PAGETABLE;
}

void VmStat::mod(Core& core, std::uint32_t zone, VmStatItem item, std::int32_t delta) {
  assert(core.irqs_masked());
  Group& group = zones_[zone];
  if (counted_by_node(item)) add(core, nodes_[group.node.value()], all_nodes_, item, delta);
  if (counted_by_zone(item)) add(core, group, all_zones_, item, delta);
}

void VmStat::count_at_boot(std::uint32_t zone, VmStatItem item, std::int32_t delta) {
  Group& group = zones_[zone];
  if (counted_by_node(item)) {
    nodes_[group.node.value()].value[item] += delta;
    all_nodes_.value[item] += delta;
  }
  if (!counted_by_zone(item)) return;
  group.value[item] += delta;
  all_zones_.value[item] += delta;
}

void VmStat::mod_irqsafe(Core& core, std::uint32_t zone, VmStatItem item, std::int32_t delta) {
  core.irq_disable();
  mod(core, zone, item, delta);
  core.irq_enable();
}

inline void VmStat::add(Core& core, Group& group, Global& all, VmStatItem item, std::int32_t delta) {
  std::int8_t& differential = group.differentials[core.id().value()][item];
  // An interrupt that was due before irqs went off comes when we settle, and may count too.
  if (std::abs(differential + delta) > group.threshold) core.settle();
  const std::int32_t x = differential + delta;
  if (std::abs(x) > group.threshold)
    publish(core, group, all, item, x, 0);
  else
    differential = static_cast<std::int8_t>(x);
}

void VmStat::step(Core& core, std::uint32_t zone, VmStatItem item, std::int32_t one) {
  assert(core.irqs_masked());
  Group& group = zones_[zone];
  if (counted_by_node(item)) step_in(core, nodes_[group.node.value()], all_nodes_, item, one);
  if (counted_by_zone(item)) step_in(core, group, all_zones_, item, one);
}

inline void VmStat::step_in(Core& core, Group& group, Global& all, VmStatItem item, std::int32_t one) {
  std::int8_t& differential = group.differentials[core.id().value()][item];
  if (std::abs(differential + one) > group.threshold) core.settle(); // as in add()
  const std::int32_t x = differential + one;
  const std::int32_t overstep = one * (group.threshold / 2);
  if (std::abs(x) > group.threshold)
    publish(core, group, all, item, x + overstep, -overstep);
  else
    differential = static_cast<std::int8_t>(x);
}

// zone_page_state_add(), node_page_state_add().
void VmStat::publish(Core& core, Group& group, Global& all, VmStatItem item, std::int32_t amount,
                     std::int32_t left) {
  core.rmw(group.line);
  group.value[item] += amount;
  group.differentials[core.id().value()][item] = static_cast<std::int8_t>(left);
  core.rmw(all.line); // atomic_long_add(x, &vm_stat[item])
  all.value[item] += amount;
}

void VmStat::fold(Core& core) {
  fold(core, zones_, all_zones_);
  fold(core, nodes_, all_nodes_);
}

void VmStat::fold(Core& core, std::deque<Group>& groups, Global& all) {
  Items changed{};
  for (Group& group : groups)
    for (std::size_t item = 0; item < vm_stat_items; ++item) {
      std::int8_t& differential = group.differentials[core.id().value()][item];
      if (differential == 0) continue;
      core.irq_disable();
      core.rmw(group.line);
      group.value[item] += differential;
      changed[item] += differential;
      differential = 0;
      core.irq_enable();
    }
  for (std::size_t item = 0; item < vm_stat_items; ++item) {
    if (changed[item] == 0) continue;
    core.rmw(all.line);
    all.value[item] += changed[item];
  }
}

std::int64_t VmStat::sum(const Group& group, VmStatItem item) {
  std::int64_t sum = group.value[item];
  for (const auto& differentials : group.differentials)
    sum += differentials[item];
  return sum;
}

std::int64_t VmStat::exact_of_node(NodeId node, VmStatItem item) const {
  if (counted_by_node(item)) return sum(nodes_[node.value()], item);
  std::int64_t all = 0;
  for (const Group& zone : zones_)
    if (zone.node == node) all += sum(zone, item);
  return all;
}

std::int64_t VmStat::published_of_node(NodeId node, VmStatItem item) const {
  std::int64_t all = 0;
  if (counted_by_node(item)) {
    all = nodes_[node.value()].value[item];
  } else {
    for (const Group& zone : zones_)
      if (zone.node == node) all += zone.value[item];
  }
  return std::max<std::int64_t>(all, 0);
}

} // namespace mmsim
