#include "models/pages/zone_sizes.hpp"

#include "models/pages/buddy.hpp"

#include <algorithm>
#include <initializer_list>
#include <ranges>
#include <spdlog/fmt/fmt.h>

namespace mmsim {

std::string_view name(ZoneType type) {
  constexpr std::array<std::string_view, zone_type_count> names{"DMA", "DMA32", "Normal", "Movable"};
  return names.at(static_cast<std::size_t>(type));
}

std::string NodeMemory::text() const {
  return fmt::format("machine.memory = \"{}\" on {} socket{}", to_text(all), nodes, nodes == 1 ? "" : "s");
}

void LayoutParameters::declare(Declaration& d, LayoutParameters& p) {
  d("machine.zones.dma", p.dma, "0 B",
    "memory below this address, counted from the start of node 0's, is ZONE_DMA; 0: there is none",
    "what arm64 has if all devices reach all memory; the machine files say what theirs have");
  d("machine.zones.dma32", p.dma32, "0 B",
    "memory below this address, counted from the start of node 0's, and above ZONE_DMA is ZONE_DMA32; 0: "
    "none",
    "as machine.zones.dma");
  d("machine.numa.distance", p.distance, 20, "node_distance() of two nodes, 10 being a node's own memory",
    "include/linux/topology.h REMOTE_DISTANCE: what ACPI's SLIT is taken to say if there is none")
      .at_least(11)
      .at_most(254);
  d("kernel.movablecore", p.movablecore, "0 B",
    "memory for ZONE_MOVABLE, spread over the nodes and rounded up to 4 MiB; 0: as kernelcore says",
    "boot parameter since 2.6.23; both kernels have none by default");
  d("kernel.kernelcore", p.kernelcore, "0 B",
    "memory that is not ZONE_MOVABLE, spread over the nodes; 0, or as much as there is: no ZONE_MOVABLE. "
    "With movablecore, the one that leaves more to the kernel counts",
    "boot parameter since 2.6.23; both kernels have none by default");
  d("kernel.image", p.image, "32 MiB",
    "kernel image and what is allocated at boot and stays, without mem_map",
    "estimate: arm64's defconfig 5.10 has about 14 MiB of code, 8 of read-only data and 3 of data and bss "
    "once __init is free, and the tables for dentries and inodes of a machine of 1 GiB take 3");
  d("kernel.page_struct", p.page_struct, 64, "bytes of struct page, in mem_map for every frame",
    "include/linux/mm_types.h: 64 on 64-bit machines; 32 on 32-bit Arm")
      .at_least(0)
      .at_most(1024);
  d("kernel.zone_pages", p.zone_pages, "managed",
    "what counts as a zone's size in watermarks, reserves and batches: present_pages less mem_map (present), "
    "or what the buddy system has (managed)",
    "managed_pages since 3.8")
      .one_of({"present", "managed"});
  d("kernel.zonelist_order", p.zonelist_order, "node",
    "what comes first in a zonelist: all zones of the nearest node (node), the highest zones of all nodes "
    "(zone), or as default_zonelist_order() decides by the share of DMA memory (default)",
    "node since 4.14")
      .one_of({"node", "zone", "default"});
}

namespace {

std::uint64_t whole_frames(std::uint64_t bytes) {
  return bytes / bytes_per_frame + (bytes % bytes_per_frame != 0 ? 1 : 0);
}

Bytes bytes_of(std::uint64_t frames) { return Bytes(frames * bytes_per_frame); }

/// The end of ZONE_DMA or ZONE_DMA32.
class ZoneEnd {
 public:
  ZoneEnd(const char* path, Bytes limit, const NodeMemory& memory, const Configuration& configuration)
      : path_(path), limit_(limit), memory_(memory), configuration_(configuration),
        adapts_(configuration.layer_of(path) > configuration.layer_of("machine.memory")),
        address_(std::min(limit.value() / bytes_per_frame, memory.total())) {
    if (limit.value() % (Buddy::max_block * bytes_per_frame) != 0)
      throw InputError(fmt::format("{} = \"{}\": zones begin at multiples of {}, the largest block", path,
                                   to_text(limit), to_text(bytes_of(Buddy::max_block))),
                       configuration.origin_of(path));
    if (limit > memory.all && !adapts_)
      throw InputError(
          fmt::format("{} = \"{}\" is beyond machine.memory = \"{}\": choose at most that, or more memory",
                      path, to_text(limit), to_text(memory.all)),
          configuration.origin_of(path));
  }

  std::uint64_t address() const { return address_; }

  /// How much of the node is below.
  std::uint32_t in(std::uint32_t node) const {
    const std::uint64_t start = std::uint64_t{node} * memory_.frames;
    const std::uint64_t below = std::min<std::uint64_t>(address_ - std::min(address_, start), memory_.frames);
    if (below % Buddy::max_block != 0 && below != memory_.frames) {
      if (!adapts_)
        throw InputError(
            fmt::format(
                "{} = \"{}\" divides node {} at {} of its {} ({}), but zones begin at multiples of {}: "
                "choose a memory that gives every socket a multiple of that",
                path_, to_text(limit_), node, to_text(bytes_of(below)), to_text(bytes_of(memory_.frames)),
                memory_.text(), to_text(bytes_of(Buddy::max_block))),
            configuration_.last_written({path_, "machine.memory", "machine.sockets"}));
      return static_cast<std::uint32_t>(below / Buddy::max_block * Buddy::max_block);
    }
    return static_cast<std::uint32_t>(below);
  }

 private:
  const char* path_;
  const Bytes limit_;
  const NodeMemory& memory_;
  const Configuration& configuration_;
  // A machine's limit, where only its memory was replaced: the kernel clips max_zone_pfns to what there is.
  const bool adapts_;
  const std::uint64_t address_;
};

/// Zones with everything managed.
std::vector<ZoneSpan> spans(const NodeMemory& memory, const ZoneEnd& dma, const ZoneEnd& dma32,
                            const std::vector<std::uint32_t>& movable) {
  std::vector<ZoneSpan> zones;
  for (std::uint32_t node = 0; node < memory.nodes; ++node) {
    const std::array<std::uint32_t, zone_type_count> ends{dma.in(node), dma32.in(node), memory.frames,
                                                          memory.frames};
    std::uint32_t start = 0;
    for (std::size_t type = 0; type < zone_type_count; ++type) {
      const bool is_movable = type == static_cast<std::size_t>(ZoneType::movable);
      const std::uint32_t end = is_movable ? ends[type] : std::min(ends[type], movable[node]);
      if (end <= start) continue;
      const std::uint32_t size = end - start;
      zones.push_back({NodeId(node), static_cast<ZoneType>(type),
                       FrameNumber(((node + 1) << memory.shift) + start), size, size, size, size});
      start = end;
    }
  }
  return zones;
}

/// How much more of the zone the kernel may keep for itself.
std::uint32_t room(const ZoneSpan& zone) {
  if (zone.type == ZoneType::movable) return 0;
  const std::uint32_t keep = std::max(1U, zone.spanned / 4);
  return zone.managed - std::min(zone.managed, keep);
}

/// Takes up to `frames`; returns what is missing.
std::uint64_t take(ZoneSpan& zone, std::uint64_t frames) {
  const auto taken = static_cast<std::uint32_t>(std::min<std::uint64_t>(frames, room(zone)));
  zone.managed -= taken;
  return frames - taken;
}

/// Takes mem_map and image; returns how many frames of them found no room.
std::uint64_t reserve_kernel(std::vector<ZoneSpan>& zones, const NodeMemory& memory,
                             const LayoutParameters& p) {
  const std::uint64_t map =
      whole_frames(std::uint64_t{memory.frames} * static_cast<std::uint64_t>(p.page_struct));
  std::uint64_t missing = 0;
  for (std::uint32_t node = 0; node < memory.nodes; ++node) {
    std::uint64_t left = map;
    for (ZoneSpan& zone : std::views::reverse(zones))
      if (zone.node == NodeId(node)) left = take(zone, left);
    missing += left;
  }
  std::uint64_t image = whole_frames(p.image.value());
  const auto whole = std::ranges::find_if(
      zones, [&](const ZoneSpan& zone) { return zone.node == NodeId(0) && room(zone) >= image; });
  if (whole != zones.end()) image = take(*whole, image);
  for (ZoneSpan& zone : zones)
    image = take(zone, image);
  return missing + image;
}

[[noreturn]] void refuse_memory(const NodeMemory& memory, const LayoutParameters& p,
                                const Configuration& configuration) {
  constexpr std::uint64_t mebibyte = 1 << 20;
  const auto page_struct = static_cast<std::uint64_t>(p.page_struct);
  // Three quarters of m, less m * page_struct / page size, must be the image; and some for rounding.
  const std::uint64_t needed =
      p.image.value() * 4 / (3 * bytes_per_frame - 4 * page_struct) * bytes_per_frame;
  const std::uint64_t node =
      (needed / memory.nodes + 4 * bytes_per_frame + mebibyte - 1) / mebibyte * mebibyte;
  throw InputError(
      fmt::format(
          "{} is too little for the kernel itself, which may take three "
          "quarters of it: image and boot allocations are kernel.image = \"{}\", and mem_map is {} "
          "(kernel.page_struct = {} bytes a frame); choose at least \"{}\", or a smaller kernel.image",
          memory.text(), to_text(p.image),
          to_text(bytes_of(std::uint64_t{memory.nodes} * whole_frames(memory.frames * page_struct))),
          p.page_struct, to_text(Bytes(node * memory.nodes))),
      configuration.last_written({"machine.memory", "kernel.image", "kernel.page_struct"}));
}

[[noreturn]] void refuse_movable(const NodeMemory& memory, const LayoutParameters& p,
                                 const Configuration& configuration) {
  const bool movablecore = p.movablecore.value() != 0;
  const char* path = movablecore ? "kernel.movablecore" : "kernel.kernelcore";
  throw InputError(
      fmt::format(
          "{} = \"{}\" of machine.memory = \"{}\" leaves the kernel too little for itself: kernel.image = "
          "\"{}\" and kernel.page_struct = {} bytes a frame, of at most three quarters of what is not "
          "movable on {}; choose {}",
          path, to_text(movablecore ? p.movablecore : p.kernelcore), to_text(memory.all), to_text(p.image),
          p.page_struct, memory.nodes == 1 ? "the one node" : fmt::format("each of {} nodes", memory.nodes),
          movablecore ? "less of it" : "more of it"),
      configuration.last_written({path, "machine.memory"}));
}

} // namespace

std::vector<ZoneSpan> size_zones(const LayoutParameters& p, const NodeMemory& memory,
                                 const Configuration& configuration) {
  const ZoneEnd dma("machine.zones.dma", p.dma, memory, configuration);
  const ZoneEnd dma32("machine.zones.dma32", p.dma32, memory, configuration);
  if (p.dma32.value() != 0 && p.dma > p.dma32)
    throw InputError(
        fmt::format(
            "machine.zones.dma = \"{}\" is above machine.zones.dma32 = \"{}\": the zones overlap; choose a "
            "larger dma32, or 0 for none",
            to_text(p.dma), to_text(p.dma32)),
        configuration.last_written({"machine.zones.dma", "machine.zones.dma32"}));
  if (p.movablecore >= memory.all)
    throw InputError(
        fmt::format("kernel.movablecore = \"{}\" is all of machine.memory = \"{}\" or more: the kernel needs "
                    "memory that is not movable; choose less of it",
                    to_text(p.movablecore), to_text(memory.all)),
        configuration.last_written({"kernel.movablecore", "machine.memory"}));

  // The lowest address of the highest zone: only that one can give to ZONE_MOVABLE.
  std::uint64_t highest = std::max(dma.address(), dma32.address());
  if (highest == memory.total()) highest = dma32.address() > dma.address() ? dma.address() : 0;
  const auto movable = movable_starts(memory, highest, whole_frames(p.kernelcore.value()),
                                      whole_frames(p.movablecore.value()));

  auto zones = spans(memory, dma, dma32, movable);
  if (reserve_kernel(zones, memory, p) != 0) {
    auto without_movable = spans(memory, dma, dma32, std::vector<std::uint32_t>(memory.nodes, memory.frames));
    if (reserve_kernel(without_movable, memory, p) != 0) refuse_memory(memory, p, configuration);
    refuse_movable(memory, p, configuration);
  }
  for (ZoneSpan& zone : zones) {
    // free_area_init_core(): a zone's own mem_map, wherever it lies.
    if (p.zone_pages == "present")
      zone.present -= static_cast<std::uint32_t>(std::uint64_t{zone.spanned} *
                                                 static_cast<std::uint64_t>(p.page_struct) / bytes_per_frame);
    zone.pages = p.zone_pages == "present" ? zone.present : zone.managed;
  }
  return zones;
}

} // namespace mmsim
