#include "models/pages/page_allocator.hpp"

#include "models/pages/zone_limits.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <spdlog/fmt/fmt.h>

namespace mmsim {

// Node n has the frame numbers from (n + 1) << shift: aligned for the buddy system, with the node in the
// number, and without the number 0. Addresses with holes, as on machines with several sockets.
struct PageAllocator::Layout {
  std::uint32_t frames_per_node;
  unsigned shift;
  std::uint32_t end;

  Layout(const Machine& machine, Bytes memory, const Configuration& configuration) {
    const std::uint64_t nodes = machine.topology().sockets();
    const std::uint64_t frames = memory.value() / bytes_per_frame / nodes;
    const std::uint64_t span = std::bit_ceil(std::max<std::uint64_t>(frames, Buddy::max_block));
    const Entry* entry = configuration.find("machine.memory");
    const Origin origin = entry != nullptr ? entry->origin : Origin{};
    if (frames == 0)
      throw InputError(
          fmt::format("machine.memory = \"{}\": not a page for each of {} sockets", to_text(memory), nodes),
          origin);
    if ((nodes + 1) * span > UINT32_MAX)
      throw InputError(
          fmt::format("machine.memory = \"{}\" on {} sockets: frame numbers have 32 bits, enough for 4 TiB",
                      to_text(memory), nodes),
          origin);
    frames_per_node = static_cast<std::uint32_t>(frames);
    shift = static_cast<unsigned>(std::countr_zero(span));
    end = static_cast<std::uint32_t>((nodes + 1) * span);
  }
};

PageAllocator::PageAllocator(Machine& machine, SpinLocks& locks, const Configuration& configuration)
    : PageAllocator(machine, locks, configuration,
                    Layout(machine, machine.costs().memory.memory, configuration)) {}

PageAllocator::PageAllocator(Machine& machine, SpinLocks& locks, const Configuration& configuration,
                             const Layout& layout)
    : node_shift_(layout.shift), frames_(FrameNumber(layout.end)) {
  auto parameters = read_parameters<PcpParameters>(configuration);
  const MemoryLimits limits(MemoryLayout(machine, configuration), configuration);
  parameters.batch = limits.zones.back().hot.batch;
  parameters.high = limits.zones.back().hot.high;
  const auto& make_lists = Registry<PerCpuLists>::instance().factory(parameters.lists);
  const std::uint32_t nodes = machine.topology().sockets();
  for (std::uint32_t n = 0; n < nodes; ++n) {
    Node node;
    node.zone = std::make_unique<Zone>(frames_, locks, NodeId(n), FrameNumber((n + 1) << layout.shift),
                                       layout.frames_per_node);
    node.lists = make_lists(*node.zone, machine.cpus(), parameters);
    // All other sockets are equally far; among equals find_next_best_node() prefers the nodes after this one.
    for (std::uint32_t i = 1; i < nodes; ++i)
      node.fallbacks.push_back((n + i) % nodes);
    nodes_.push_back(std::move(node));
    managed_ += layout.frames_per_node;
  }
  for (std::uint32_t cpu = 0; cpu < machine.cpus(); ++cpu)
    home_.push_back(&nodes_[machine.topology().node_of(CoreId(cpu)).value()]);
}

// prep_new_page().
inline void PageAllocator::prepare(Core& core, FrameNumber frame, unsigned order) {
  Frame& f = frames_[frame];
  f.state = FrameState::allocated;
  f.refcount = 1;
  f.mapcount = 0;
  f.flags = 0;
  allocated_ += std::uint64_t{1} << order;
  core.counters().add(Counter::pgalloc, std::uint64_t{1} << order);
}

FrameNumber PageAllocator::alloc_page(Core& core, Gfp gfp) {
  const Temperature temperature = gfp.has(gfp_cold) ? Temperature::cold : Temperature::hot;
  Node& home = *home_[core.id().value()];
  FrameNumber frame = take_single(core, home, temperature);
  for (std::size_t i = 0; frame == no_frame && i < home.fallbacks.size(); ++i)
    frame = take_single(core, nodes_[home.fallbacks[i]], temperature);
  return frame;
}

FrameNumber PageAllocator::take_single(Core& core, Node& node, Temperature temperature) {
  core.irq_disable();
  const FrameNumber frame = node.lists->take(core, temperature);
  if (frame != no_frame) prepare(core, frame, 0);
  core.irq_enable();
  return frame;
}

FrameNumber PageAllocator::alloc_pages(Core& core, unsigned order, Gfp gfp) {
  if (order == 0) return alloc_page(core, gfp);
  if (order > Buddy::max_order)
    throw std::logic_error(
        fmt::format("alloc_pages: order {}, but the largest is {}", order, Buddy::max_order));
  Node& home = *home_[core.id().value()];
  FrameNumber frame = take_block(core, home, order);
  for (std::size_t i = 0; frame == no_frame && i < home.fallbacks.size(); ++i)
    frame = take_block(core, nodes_[home.fallbacks[i]], order);
  return frame;
}

FrameNumber PageAllocator::take_block(Core& core, Node& node, unsigned order) {
  core.irq_disable();
  const FrameNumber frame = node.zone->take(core, order);
  if (frame != no_frame) prepare(core, frame, order);
  core.irq_enable();
  return frame;
}

// free_pages_check(), free_pages_prepare(). From here on the frame is nobody's, though it may have to wait
// for a lock on its way to a list.
inline void PageAllocator::retire(Core& core, FrameNumber frame, unsigned order) {
  if (frame >= frames_.end()) [[unlikely]]
    bad_free(frame, order);
  Frame& f = frames_[frame];
  if (f.state != FrameState::allocated || f.order != order || f.refcount != 0 || f.mapcount != 0) [[unlikely]]
    bad_free(frame, order);
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
  node_at(frame).lists->put(core, frame, temperature);
  core.irq_enable();
}

void PageAllocator::free_pages(Core& core, FrameNumber frame, unsigned order) {
  if (order == 0) return free_page(core, frame);
  retire(core, frame, order);
  core.irq_disable();
  node_at(frame).zone->put(core, frame, order);
  core.irq_enable();
}

void PageAllocator::drain_local_pages(Core& core) {
  core.irq_disable();
  for (Node& node : nodes_)
    node.lists->drain(core);
  core.irq_enable();
}

void PageAllocator::bad_free(FrameNumber frame, unsigned order) const {
  if (frame >= frames_.end())
    throw Violation(
        fmt::format("freeing frame {}, but the last one is {}", frame.value(), frames_.end().value() - 1));
  const Frame& f = frames_[frame];
  constexpr std::array<const char*, 4> states{"part of a block", "free", "on a per-CPU list", "allocated"};
  throw Violation(
      fmt::format("freeing frame {} as a block of order {}: it is {} (order {}), refcount {}, mapcount {}, "
                  "freed {} times before",
                  frame.value(), order, states.at(static_cast<std::size_t>(f.state)), f.order, f.refcount,
                  f.mapcount, f.epoch));
}

std::uint64_t PageAllocator::free_frames() const {
  std::uint64_t free = 0;
  for (const Node& node : nodes_)
    free += node.zone->buddy().free_frames();
  return free;
}

void PageAllocator::check_invariants() const {
  std::uint64_t free = 0, per_cpu = 0, allocated = 0;
  for (const Node& node : nodes_) {
    const Buddy::Census census = node.zone->buddy().check();
    std::uint64_t listed = 0;
    node.lists->for_each_list([&](CoreId cpu, const FrameList& list) {
      FrameNumber previous = no_frame;
      std::uint32_t length = 0;
      for (FrameNumber frame = list.front(); frame != no_frame && length <= list.size();
           frame = FrameNumber(frames_[frame].next), ++length) {
        const Frame& f = frames_[frame];
        if (f.state != FrameState::per_cpu || f.previous != previous.value() || f.refcount != 0 ||
            f.mapcount != 0 || !node.zone->contains(frame))
          throw Violation(
              fmt::format("frame {}, on a list of cpu {} and node {} behind frame {}: state {}, link back to "
                          "{}, refcount {}, mapcount {}",
                          frame.value(), cpu.value(), node.zone->node().value(), previous.value(),
                          static_cast<int>(f.state), f.previous, f.refcount, int{f.mapcount}));
        previous = frame;
      }
      if (length != list.size() || list.back() != previous)
        throw Violation(fmt::format("list of cpu {} and node {}: {} frames in its links, {} by its count",
                                    cpu.value(), node.zone->node().value(), length, list.size()));
      listed += length;
    });
    if (listed != census.per_cpu)
      throw Violation(fmt::format("node {}: {} frames on per-CPU lists, but {} say that they are",
                                  node.zone->node().value(), listed, census.per_cpu));
    free += census.free;
    per_cpu += census.per_cpu;
    allocated += census.allocated;
  }
  if (allocated != allocated_ || free + per_cpu + allocated != managed_)
    throw Violation(fmt::format("{} frames free + {} per-CPU + {} allocated (counted as {}), but {} managed",
                                free, per_cpu, allocated, allocated_, managed_));
}

} // namespace mmsim
