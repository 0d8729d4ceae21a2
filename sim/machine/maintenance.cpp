#include "sim/machine/maintenance.hpp"

#include "sim/machine/machine.hpp"

#include <algorithm>

namespace mmsim {

Maintenance::Maintenance(Machine& machine)
    : machine_(machine), interconnect_(machine.wait_names().id(WaitKind::broadcast, "interconnect")) {}

bool Maintenance::apply(Core& core, const Scope& scope) {
  Tlb& tlb = core.tlb();
  switch (scope.kind) {
  case Scope::Kind::page:
    return scope.global ? tlb.invalidate_global(scope.page, 1)
                        : tlb.invalidate_page(scope.asid, scope.page, scope.last_level);
  case Scope::Kind::range:
    return scope.global ? tlb.invalidate_global(scope.page, scope.pages)
                        : tlb.invalidate_range(scope.asid, scope.page, scope.pages, scope.last_level);
  case Scope::Kind::id:
    tlb.invalidate_asid(scope.asid);
    break;
  case Scope::Kind::all:
    tlb.invalidate_all();
    break;
  }
  return true;
}

void Maintenance::local(Core& core, const Scope& scope) {
  const TlbCosts& costs = core.costs().tlb;
  core.charge(scope.kind == Scope::Kind::page    ? costs.invalidate_page
              : scope.kind == Scope::Kind::range ? costs.invalidate_range
                                                 : costs.invalidate_all,
              Account::tlb_local);
  apply(core, scope);
}

void Maintenance::local_barrier(Core& core) { core.charge(core.costs().tlb.dsb, Account::tlb_local); }

void Maintenance::broadcast(Core& core, const Scope& scope) {
  const TlbCosts& costs = core.costs().tlb;
  core.charge(costs.broadcast_issue, Account::tlb_remote, interconnect_);
  core.settle();
  const bool range = scope.kind == Scope::Kind::range;
  const Instant sent = std::max(machine_.engine().now(), channel_busy_until_) +
                       (range ? costs.broadcast_range_channel : costs.broadcast_channel);
  channel_busy_until_ = sent;
  // The message is out: what interrupts the core from here on does not delay it.
  machine_.engine().wait_until(sent);
  core.book(Account::tlb_remote, interconnect_);
  machine_.online().for_each([&](CoreId id) {
    Core& other = machine_.core(id);
    if (&other == &core) {
      apply(core, scope);
      return;
    }
    other.catch_up();
    other.stall(range ? costs.broadcast_range_stall : costs.broadcast_stall);
    if (apply(other, scope)) other.nudge(); // its user code goes on with other translations
  });
}

Duration Maintenance::farthest(const Core& core) const {
  const Topology& topology = machine_.topology();
  return std::max(topology.latency(core.id(), CoreId(0)),
                  topology.latency(core.id(), CoreId(machine_.cpus() - 1)));
}

void Maintenance::broadcast_barrier(Core& core) {
  core.settle();
  const TlbCosts& costs = core.costs().tlb;
  const Instant turn = std::max(machine_.engine().now(), channel_busy_until_);
  channel_busy_until_ = turn + costs.broadcast_sync;
  const Instant complete =
      std::max(channel_busy_until_, turn + costs.broadcast_complete + 2 * farthest(core));
  core.charge(complete - machine_.engine().now(), Account::tlb_remote, interconnect_);
  core.settle();
}

} // namespace mmsim
