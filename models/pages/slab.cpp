#include "models/pages/slab.hpp"

#include "models/scheduler/scheduler.hpp"

#include <algorithm>
#include <bit>
#include <spdlog/fmt/fmt.h>

namespace mmsim {

namespace {

// BATCHREFILL_LIMIT: how much a CPU takes at first, when it may need no more.
constexpr std::uint32_t batchrefill_limit = 16;

SlabVersion version_of(const SlabParameters& p) {
  return p.version == "bufctl" ? SlabVersion::bufctl : SlabVersion::freelist;
}

// What enable_cpucache() says, or what was written to /proc/slabinfo.
SlabTuning tuning_of(const SlabParameters& p, std::uint32_t size, std::uint32_t cpus,
                     const Configuration& configuration) {
  SlabTuning tuning = slab_tuning(size, cpus);
  if (p.limit != 0) {
    tuning.limit = static_cast<std::uint32_t>(p.limit);
    tuning.batchcount = (tuning.limit + 1) / 2;
  }
  if (p.batchcount != 0) tuning.batchcount = static_cast<std::uint32_t>(p.batchcount);
  if (p.shared >= 0) tuning.shared = static_cast<std::uint32_t>(p.shared);
  if (tuning.batchcount > tuning.limit) { // slabinfo_write(): EINVAL
    throw InputError(
        fmt::format("kernel.slab_batchcount = {}: a CPU's array of objects of {} bytes holds {}; "
                    "choose a smaller batch, or a larger kernel.slab_limit",
                    tuning.batchcount, size, tuning.limit),
        configuration.last_written({"kernel.slab_batchcount", "kernel.slab_limit"}));
  }
  return tuning;
}

SlabGeometry geometry_of(const SlabMeans& means, const SlabSpec& spec, const SlabParameters& p) {
  const SlabGeometry geometry = slab_geometry(spec, version_of(p), means.machine.costs().memory.memory);
  if (geometry.objects == 0)
    throw std::logic_error(fmt::format("{}: {} bytes are too large for a slab", spec.name, spec.size));
  return geometry;
}

} // namespace

void SlabParameters::declare(Declaration& d, SlabParameters& p) {
  d("kernel.slab", p.version, "freelist",
    "slab allocator: of 2.6.24, a free list of four bytes an object in front of the slab (bufctl), or of "
    "5.10 with CONFIG_SLAB, a byte an object inside a free one (freelist)",
    "mm/slab.c of both; 5.10's default SLUB is not modelled")
      .one_of({"bufctl", "freelist"});
  d("kernel.slab_limit", p.limit, 0, "objects that a CPU keeps of each slab cache; 0: by the objects' size",
    "enable_cpucache() of mm/slab.c: 120 up to 256 bytes, 54 up to 1 KiB, 24 up to a page")
      .at_least(0)
      .at_most(1 << 14);
  d("kernel.slab_batchcount", p.batchcount, 0,
    "objects moved at once between a CPU's array and its node; 0: half of the limit",
    "enable_cpucache() of mm/slab.c")
      .at_least(0)
      .at_most(1 << 14);
  d("kernel.slab_shared", p.shared, -1,
    "batches that a node's shared array holds; 0: there is none; -1: 8 for objects up to a page if there are "
    "several CPUs",
    "enable_cpucache() of mm/slab.c")
      .at_least(-1)
      .at_most(1 << 10);
}

KmemCache::KmemCache(const SlabMeans& means, const SlabSpec& spec, Constructor constructor)
    : machine_(means.machine), pages_(means.pages), spec_(spec),
      version_(version_of(read_parameters<SlabParameters>(means.configuration))),
      geometry_(geometry_of(means, spec, read_parameters<SlabParameters>(means.configuration))),
      tuning_(tuning_of(read_parameters<SlabParameters>(means.configuration), geometry_.size,
                        means.machine.cpus(), means.configuration)),
      shift_(static_cast<unsigned>(std::bit_width(geometry_.objects - 1))),
      constructor_(std::move(constructor)), arrays_(means.machine.cpus()),
      entries_(std::size_t{means.machine.cpus()} * tuning_.limit) {
  const Topology& topology = means.machine.topology();
  std::vector<std::uint32_t> cpus_of(topology.sockets());
  for (std::uint32_t cpu = 0; cpu < means.machine.cpus(); ++cpu) {
    homes_.push_back(static_cast<std::uint8_t>(topology.node_of(CoreId(cpu)).value()));
    ++cpus_of[homes_.back()];
  }
  for (const std::uint32_t cpus : cpus_of) {
    Node& node = nodes_.emplace_back();
    node.list_lock = means.locks.make("list_lock", &node.line);
    node.free_limit = (1 + cpus) * tuning_.batchcount + geometry_.objects;
    node.shared.resize(std::size_t{tuning_.shared} * tuning_.batchcount);
  }
}

SlabList& KmemCache::list_of(Node& node, SlabState state) {
  return state == SlabState::full ? node.full : state == SlabState::partial ? node.partial : node.free;
}

void KmemCache::enter(Core& core, Node& node) {
  node.list_lock->lock(core);
  core.write(node.line); // which the lock's word is on
}

// --- allocation

SlabObject KmemCache::alloc(Core& core, Gfp gfp) {
  core.irq_disable();
  Core* here = &core;
  ArrayCache& array = arrays_[core.id().value()];
  SlabObject object;
  if (array.avail > 0) [[likely]] {
    array.touched = true;
    object = entries_of(core)[--array.avail];
  } else {
    object = refill(here, gfp);
  }
  if (object != no_object) {
    links_[object.value()] = with_caller;
    ++in_use_;
  }
  here->charge(here->costs().work.slab_alloc, Account::alloc);
  here->irq_enable();
  return object;
}

// cache_alloc_refill(). Irqs are off.
SlabObject KmemCache::refill(Core*& core, Gfp gfp) {
  Node* node = &nodes_[home_of(*core)];
  core->settle(); // interrupts of the time before irqs went off come now, and may use the array
  while (arrays_[core->id().value()].avail == 0) {
    const ArrayCache& before = arrays_[core->id().value()];
    const std::uint32_t batch =
        before.touched ? tuning_.batchcount : std::min(tuning_.batchcount, batchrefill_limit);
    bool look = true;
    if (version_ == SlabVersion::freelist) { // direct_grow if a look without the lock finds nothing
      core->read(node->line);
      look = node->free_objects > 0;
      if (!look && !node->shared.empty()) {
        core->read(node->shared_line);
        look = node->shared_avail > 0;
      }
    }
    if (look) {
      enter(*core, *node);
      if (!transfer_from_shared(*core, *node, batch)) take_from_slabs(*core, *node, batch);
      node->list_lock->unlock(*core);
    }
    if (arrays_[core->id().value()].avail > 0) break;
    if (node->falls_back)
      if (const SlabObject object = fallback_alloc(*core); object != no_object) return object;
    Node& asked = *node;
    const std::uint32_t slab = cache_grow(core, gfp, asked);
    node = &nodes_[home_of(*core)]; // of another core, perhaps
    if (slab == no_slab) {
      if (arrays_[core->id().value()].avail == 0) return fallback_alloc(*core);
      break;
    }
    Node& owner = nodes_[slabs_[slab].node];
    asked.falls_back = &owner != &asked;
    if (&owner != node) { // an array holds objects of its own node only
      hand_in(*core, slab);
      if (const SlabObject object = take_one(*core, owner); object != no_object) return object;
      continue;
    }
    // The array may have been filled meanwhile, by an interrupt, or because this is another core now.
    if (version_ == SlabVersion::freelist && arrays_[core->id().value()].avail == 0)
      alloc_block(*core, slab, batch);
    hand_in(*core, slab); // 2.6.24 looks again
  }
  ArrayCache& array = arrays_[core->id().value()];
  if (array.avail == 0) return no_object;
  array.touched = true;
  return entries_of(*core)[--array.avail];
}

// transfer_objects(), newest first. list_lock is held.
bool KmemCache::transfer_from_shared(Core& core, Node& node, std::uint32_t batch) {
  if (node.shared.empty()) return false;
  core.read(node.shared_line);
  const std::uint32_t count = std::min(batch, node.shared_avail);
  if (count == 0) return false;
  core.write(node.shared_line);
  node.shared_avail -= count;
  ArrayCache& array = arrays_[core.id().value()];
  std::copy_n(&node.shared[node.shared_avail], count, entries_of(core) + array.avail);
  array.avail += count;
  core.charge(count * core.costs().work.slab_copy, Account::alloc);
  return true;
}

// From partial slabs, then from free ones. list_lock is held.
void KmemCache::take_from_slabs(Core& core, Node& node, std::uint32_t batch) {
  while (batch > 0) {
    SlabList& list = node.partial.empty() ? node.free : node.partial;
    if (list.empty()) return;
    const std::uint32_t slab = list.front();
    const std::uint32_t taken = alloc_block(core, slab, batch);
    batch -= taken;
    node.free_objects -= taken;
    list.remove(slabs_, slab);
    (slabs_[slab].inuse == geometry_.objects ? node.full : node.partial).push_front(slabs_, slab);
  }
}

// Moves up to `batch` objects from a slab to the core's array. The slab's list is locked, or nobody else knows it.
std::uint32_t KmemCache::alloc_block(Core& core, std::uint32_t slab, std::uint32_t batch) {
  const std::uint32_t count = std::min(batch, geometry_.objects - slabs_[slab].inuse);
  ArrayCache& array = arrays_[core.id().value()];
  SlabObject* const entries = entries_of(core);
  for (std::uint32_t i = 0; i < count; ++i)
    entries[array.avail++] = pop(slab);
  core.charge(count * core.costs().work.slab_object, Account::alloc);
  return count;
}

// A slab's first free object leaves it. As in alloc_block().
SlabObject KmemCache::pop(std::uint32_t slab) {
  Slab& s = slabs_[slab];
  const SlabObject object(first_of(slab) + s.first_free);
  s.first_free = links_[object.value()];
  links_[object.value()] = in_array;
  ++s.inuse;
  return object;
}

// ____cache_alloc_node(): one object straight from a node's slabs, which no array sees. Irqs are off.
SlabObject KmemCache::take_one(Core& core, Node& node) {
  enter(core, node);
  SlabList& list = node.partial.empty() ? node.free : node.partial;
  SlabObject object = no_object;
  if (!list.empty()) { // else others were faster
    const std::uint32_t slab = list.front();
    object = pop(slab);
    core.charge(core.costs().work.slab_object, Account::alloc);
    --node.free_objects;
    list.remove(slabs_, slab);
    (slabs_[slab].inuse == geometry_.objects ? node.full : node.partial).push_front(slabs_, slab);
  }
  node.list_lock->unlock(core);
  return object;
}

// fallback_alloc()'s search, in the zonelist's order, of nodes that have free objects.
SlabObject KmemCache::fallback_alloc(Core& core) {
  if (nodes_.size() == 1) return no_object;
  for (const std::uint32_t zone : pages_.layout().zonelist(NodeId(home_of(core)), ZoneType::normal)) {
    Node& node = nodes_[pages_.layout().zones()[zone].node.value()];
    core.read(node.line);
    if (node.free_objects == 0) continue;
    if (const SlabObject object = take_one(core, node); object != no_object) return object;
  }
  return no_object;
}

// cache_grow(); cache_grow_begin(). A slab that is on no list yet, or no_slab. The core may be another one after it.
std::uint32_t KmemCache::cache_grow(Core*& core, Gfp gfp, Node& node) {
  if (version_ == SlabVersion::bufctl) { // for the next slab's colour
    enter(*core, node);
    node.list_lock->unlock(*core);
  }
  const bool waits = gfp.has(gfp_wait);
  if (waits) core->irq_enable();
  Task* const task = waits && scheduler_ != nullptr ? &scheduler_->running_on(*core) : nullptr;
  const FrameNumber frame =
      pages_.alloc_pages(*core, geometry_.order, spec_.reclaimable ? gfp | gfp_reclaimable : gfp);
  if (task != nullptr) core = &task->core();
  std::uint32_t slab = no_slab;
  if (frame != no_frame) {
    account_slab_pages(*core, frame, std::int64_t{1} << geometry_.order);
    pages_[frame].flags |= PG_slab;
    core->charge(core->costs().work.slab_grow, Account::alloc);
    if (constructor_) constructor_(*core, frame);
    slab = new_slab(frame);
  }
  if (waits) {
    core->irq_disable();
    core->settle(); // what interrupts have done to the array meanwhile is done
  }
  return slab;
}

// A slab whose objects are all free, in ascending order.
std::uint32_t KmemCache::new_slab(FrameNumber frame) {
  std::uint32_t slab;
  if (unused_.empty()) {
    slab = static_cast<std::uint32_t>(slabs_.size());
    slabs_.emplace_back();
    links_.resize(std::size_t{first_of(slab + 1)});
  } else {
    slab = unused_.back();
    unused_.pop_back();
  }
  for (std::uint32_t i = 0; i < geometry_.objects; ++i)
    links_[first_of(slab) + i] = i + 1 < geometry_.objects ? static_cast<std::uint16_t>(i + 1) : end_of_list;
  Slab& s = slabs_[slab] = {};
  s.frame = frame;
  s.node = static_cast<std::uint8_t>(pages_.node_of(frame).value());
  ++slab_count_;
  return slab;
}

// The end of cache_grow(); cache_grow_end().
void KmemCache::hand_in(Core& core, std::uint32_t slab) {
  Node& node = nodes_[slabs_[slab].node];
  enter(core, node);
  const Slab& s = slabs_[slab];
  if (s.inuse == 0)
    node.free.push_back(slabs_, slab);
  else
    (s.inuse == geometry_.objects ? node.full : node.partial).push_front(slabs_, slab);
  node.free_objects += geometry_.objects - s.inuse;
  node.list_lock->unlock(core);
}

} // namespace mmsim
