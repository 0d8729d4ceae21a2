#include "models/reclaim/reclaim.hpp"

#include "models/system.hpp"

namespace mmsim {

void ReclaimParameters::declare(Declaration& d, ReclaimParameters& p) {
  d("kernel.swappiness", p.swappiness, 60,
    "how readily anonymous and mapped pages go, against other pages of files",
    "vm.swappiness, 60 in all versions")
      .at_least(0)
      .at_most(200);
}

namespace {

// For as long as a task reclaims, or sleeps for memory.
class Bound {
 public:
  explicit Bound(Task& task) : task_(task), was_(std::exchange(task.bound, true)) {}
  ~Bound() { task_.bound = was_; }
  Bound(const Bound&) = delete;
  Bound& operator=(const Bound&) = delete;

 private:
  Task& task_;
  const bool was_;
};

class DrainLocalPages final : public RemoteCall {
 public:
  explicit DrainLocalPages(PageAllocator& pages) : pages_(pages) {}
  void run(Core& core) override { pages_.drain_local_pages(core); }

 private:
  PageAllocator& pages_;
};

std::vector<std::unique_ptr<ReclaimNode>> nodes_of(const MemoryLayout& layout) {
  std::vector<std::unique_ptr<ReclaimNode>> nodes;
  for (std::uint32_t id = 0; id < layout.nodes(); ++id) {
    nodes.push_back(std::make_unique<ReclaimNode>());
    nodes.back()->id = NodeId(id);
  }
  for (std::uint32_t zone = 0; zone < layout.zones().size(); ++zone)
    nodes[layout.zones()[zone].node.value()]->zones.push_back(zone);
  return nodes;
}

std::unique_ptr<VmScan> make_scan(const VmScanMeans& means) {
  if (!means.system.rmap->finds_mappings()) return make_max_mapped(means);
  return means.system.lru->lists() == LruLists::shared ? make_swap_tendency(means) : make_scan_count(means);
}

} // namespace

Reclaim::Reclaim(System& system, const Configuration& configuration)
    : system_(system), timeouts_(system.machine, system.scheduler),
      congestion_(timeouts_, system.scheduler, system.lru->lists() == LruLists::shared),
      nodes_(nodes_of(system.pages.layout())),
      means_{system,
             nodes_,
             timeouts_,
             congestion_,
             observer,
             static_cast<std::uint64_t>(read_parameters<ReclaimParameters>(configuration).swappiness)},
      scan_(make_scan(means_)), kswapd_(means_, *scan_), oom_(system, timeouts_, configuration) {}

Reclaim::~Reclaim() = default;

Task& Reclaim::current(const Core& core) const { return system_.scheduler.running_on(core); }

void Reclaim::wake_kswapd(Core& core, Zone& zone, unsigned order) { kswapd_.wakeup(core, zone, order); }

std::uint64_t Reclaim::try_to_free_pages(Core*& core, unsigned order, Gfp gfp) {
  Task& task = current(*core);
  if (LockObserver* watcher = system_.locks.observer()) watcher->may_sleep(*core, "try_to_free_pages()");
  const ZoneType highest = gfp_zone(gfp);
  const NodeId home = system_.machine.topology().node_of(core->id());
  const ReclaimRequest request{system_.pages.layout().zonelist(home, highest), highest, order};
  const Bound bound(task);
  if (observer != nullptr) observer->begin(task, ReclaimBy::direct);
  task.memalloc = true;
  const std::uint64_t freed = scan_->try_to_free_pages(task, request);
  task.memalloc = false;
  if (observer != nullptr) observer->end(task, ReclaimBy::direct);
  return freed;
}

bool Reclaim::out_of_memory(Core*& core, unsigned, Gfp) {
  Task& task = current(*core);
  const Bound bound(task);
  const bool finds_mappings = system_.rmap->finds_mappings();
  if (oom_.spares_swap(finds_mappings) && system_.swap.free_slots() > 0) {
    if (finds_mappings)
      congestion_.wait(task, Congestion::fiftieth_of_a_second); // __alloc_pages() of 2.6.0
    else
      system_.scheduler.yield(task); // of 2.4.18
    return true;
  }
  return oom_.out_of_memory(task);
}

void Reclaim::pagefault_out_of_memory(Task& task) {
  const Bound bound(task);
  oom_.pagefault_out_of_memory(task);
}

bool Reclaim::dying(Core& core) { return current(core).oom_victim; }

bool Reclaim::memalloc(Core& core) { return current(core).memalloc; }

void Reclaim::wait_before_retry(Core*& core) {
  Task& task = current(*core);
  const Bound bound(task);
  congestion_.wait(task, Congestion::fiftieth_of_a_second);
}

bool Reclaim::wait_for_writes(Core*& core, const Zone& zone, std::uint64_t reclaimable) {
  const VmStat& vm_stat = system_.pages.vm_stat();
  const std::int64_t pending = vm_stat.published_of_node(zone.node(), NR_WRITEBACK) +
                               vm_stat.published_of_node(zone.node(), NR_FILE_DIRTY);
  if (2 * pending <= static_cast<std::int64_t>(reclaimable)) return false;
  Task& task = current(*core);
  const Bound bound(task);
  congestion_.wait(task, Congestion::tenth_of_a_second);
  return true;
}

std::uint64_t Reclaim::zone_reclaimable_pages(const Zone& zone) {
  const VmStat& vm_stat = system_.pages.vm_stat();
  std::int64_t pages =
      vm_stat.exact_now(zone.index(), NR_INACTIVE_FILE) + vm_stat.exact_now(zone.index(), NR_ACTIVE_FILE);
  if (system_.swap.free_slots() > 0)
    pages +=
        vm_stat.exact_now(zone.index(), NR_INACTIVE_ANON) + vm_stat.exact_now(zone.index(), NR_ACTIVE_ANON);
  return static_cast<std::uint64_t>(std::max<std::int64_t>(pages, 0));
}

void Reclaim::end_page_writeback(Core& core, FrameNumber frame) {
  Frame& page = system_.pages[frame];
  if ((page.flags & PG_reclaim) != 0) {
    page.flags &= ~std::uint32_t{PG_reclaim};
    system_.lru->rotate_reclaimable_page(core, frame);
  }
  congestion_.cleared(core, system_.block.congestions_over());
}

void Reclaim::drain_other_cpus(Core*& core) {
  CoreSet targets;
  for (std::uint32_t cpu = 0; cpu < system_.machine.cpus(); ++cpu)
    if (cpu != core->id().value() && system_.pages.has_pages_on_lists(CoreId(cpu)))
      targets.insert(CoreId(cpu));
  DrainLocalPages call(system_.pages);
  system_.calls->call(*core, targets, call);
}

} // namespace mmsim
