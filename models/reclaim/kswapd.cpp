#include "models/reclaim/kswapd.hpp"

#include "models/system.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>
#include <utility>

namespace mmsim {

namespace {
template <class Wanted>
CoreId cpu_of(System& system, const ReclaimNode& node, CoreId otherwise, Wanted&& wanted) {
  for (std::uint32_t cpu = 0; cpu < system.machine.cpus(); ++cpu)
    if (system.machine.topology().node_of(CoreId(cpu)) == node.id && wanted(CoreId(cpu))) return CoreId(cpu);
  return otherwise;
}
} // namespace

std::uint64_t node_pages(const System& system, const ReclaimNode& node, VmStatItem item) {
  return static_cast<std::uint64_t>(
      std::max<std::int64_t>(system.pages.vm_stat().published_of_node(node.id, item), 0));
}

void prepare_to_wait(Task& task, ReclaimNode& node) {
  node.kswapd_woken = false; // who is about to set it may be ahead of us on the line
  task.core().write(node.wait_line);
  node.kswapd_asleep = true;
}

bool sleep_on_kswapd_wait(const VmScanMeans& means, Task& task, ReclaimNode& node, Instant until) {
  means.timeouts.sleep(task, until, Account::schedule, &node.kswapd_woken);
  node.kswapd_asleep = false; // finish_wait()
  return node.kswapd_woken;
}

void wake_up_kswapd(System& system, Core& core, ReclaimNode& node) {
  if (!node.kswapd_asleep) return; // waitqueue_active()
  node.kswapd_asleep = false;
  core.write(node.wait_line);
  Scheduler& scheduler = system.scheduler;
  const auto idles = [&](CoreId cpu) { return scheduler.running_on(system.machine.core(cpu)).idle; };
  Task& kswapd = *node.kswapd;
  const CoreId before = kswapd.core().id();
  const CoreId to = idles(before) ? before : cpu_of(system, node, before, idles);
  // A thread on its way to sleep cannot be moved: it sees that it was woken.
  if (to != before && kswapd.state == Task::State::blocked && !kswapd.running_on_core)
    scheduler.set_cpu_allowed(core, kswapd, to);
  node.kswapd_woken = true;
  scheduler.wake(core, kswapd);
}

void Kswapd::wakeup(Core& core, const Zone& zone, unsigned order) {
  ReclaimNode& node = *means_.nodes[zone.node().value()];
  node.kswapd_order = std::max(node.kswapd_order, order);
  node.kswapd_highest = std::max(node.kswapd_highest, zone.type());
  node.kswapd_asked = true;
  if (node.kswapd == nullptr) create(node);
  if (!node.kswapd_asleep) return;
  if (scan_.wakes_kswapd(node)) wake_up_kswapd(means_.system, core, node);
}

void Kswapd::create(ReclaimNode& node) {
  System& system = means_.system;
  const CoreId cpu = cpu_of(system, node, CoreId(0), [](CoreId) { return true; });
  node.kswapd = &system.scheduler.kthread_create(fmt::format("kswapd{}", node.id.value()), cpu,
                                                 [this, &node](Task& task) { run(task, node); });
  node.kswapd->bound = true;
  node.kswapd->memalloc = true;
  node.kswapd_asleep = true;
}

void Kswapd::run(Task& task, ReclaimNode& node) {
  for (;;) {
    if (std::exchange(node.kswapd_asked, false)) {
      node.order = std::exchange(node.kswapd_order, 0);
      node.highest = std::exchange(node.kswapd_highest, ZoneType::dma);
    }
    scan_.balance_pgdat(task, node);
    scan_.try_to_sleep(task, node);
  }
}

} // namespace mmsim
