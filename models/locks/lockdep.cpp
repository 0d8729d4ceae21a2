#include "models/locks/lockdep.hpp"

#include "models/scheduler/task.hpp"

#include <spdlog/fmt/fmt.h>

namespace mmsim {

Lockdep::Lockdep(Machine& machine) : machine_(machine), cpus_(machine.cpus()) {}

// --- spinning locks

void Lockdep::acquiring(Core& core, const LockRequest& request) {
  const std::uint16_t node = graph_.node_of(request);
  note_use(core, node, request.mode);
  ask(core, node, request, nullptr);
}

void Lockdep::acquired(Core& core, const LockRequest& request) { push(core, cpu_of(core).held, request); }

void Lockdep::releasing(Core& core, const LockRequest& request) { forget(core, cpu_of(core).held, request); }

// --- sleeping locks

void Lockdep::acquiring(Task& task, const LockRequest& request) {
  Core& core = task.core();
  if (!core.preemptible() || core.irqs_masked()) [[unlikely]]
    may_sleep(core, ("taking " + name(graph_.node_of(request))).c_str());
  acquiring(core, request);
}

void Lockdep::acquired(Task& task, const LockRequest& request) {
  push(task.core(), task.held_locks, request);
}

void Lockdep::releasing(Task& task, const LockRequest& request) {
  forget(task.core(), task.held_locks, request);
}

void Lockdep::downgraded(Task& task, const LockRequest& request) {
  HeldLocks& held = task.held_locks;
  for (std::size_t i = held.size(); i-- > 0;)
    if (held[i].lock == request.lock) {
      held[i].mode = LockMode::shared;
      return;
    }
  report_bad_unlock(task.core(), request);
}

// --- seqcounts: seqcount_lockdep_reader_access(), write_seqcount_begin()

void Lockdep::read_begin(Core& core, const LockRequest& request) {
  LockRequest reader = request;
  reader.mode = LockMode::recursive;
  const std::uint16_t node = graph_.node_of(request);
  seqcount_[node] = true;
  // Holds nothing that an interrupt could wait for, so with irqs on this is no use: the kernel masks them here.
  if (core.irqs_masked()) note_use(core, node, reader.mode);
  ask(core, node, reader, nullptr);
}

void Lockdep::write_begin(Core& core, const LockRequest& request) {
  const std::uint16_t node = graph_.node_of(request);
  seqcount_[node] = true;
  if (core.preemptible() && !core.irqs_masked())
    throw Violation(fmt::format("a seqcount's writer with preemption on: {} begins to write {}, and readers "
                                "would spin for as long as it is off its core\n{}",
                                who(core), name(node), held_by(core)));
  acquiring(core, request);
  acquired(core, request);
}

void Lockdep::write_end(Core& core, const LockRequest& request) { releasing(core, request); }

// --- what is held

inline void Lockdep::push(Core& core, HeldLocks& held, const LockRequest& request) {
  const std::uint16_t node = graph_.node_of(request);
  if (request.tried && !core.irqs_masked()) note_use(core, node, request.mode);
  if (held.full()) [[unlikely]]
    throw Violation(
        fmt::format("too many locks held: {} has taken {}\n{}", who(core), name(node), held_by(core)));
  held.push({request.lock, core.now(), node, request.mode, request.tried, core.in_interrupt()});
}

inline void Lockdep::forget(Core& core, HeldLocks& held, const LockRequest& request) {
  for (std::size_t i = held.size(); i-- > 0;)
    if (held[i].lock == request.lock && held[i].in_interrupt == core.in_interrupt()) {
      if (!core.irqs_masked()) note_use(core, held[i].node, held[i].mode, true);
      held.erase(i);
      return;
    }
  report_bad_unlock(core, request);
}

// The innermost lock of this context, and on from there while they were only tried for: who was waited for
// has depended on what was outside of it already. An interrupt's chain begins with the interrupt.
inline void Lockdep::ask(Core& core, std::uint16_t to, const LockRequest& request, const char* what) {
  Cpu& cpu = cpu_of(core);
  const bool interrupt = core.in_interrupt();
  for (std::size_t i = cpu.held.size(); i-- > 0;) {
    const HeldLock& held = cpu.held[i];
    if (held.in_interrupt != interrupt) {
      if (!interrupt) report_left_by_handler(core, held);
      return;
    }
    depend(core, held, to, request, what);
    if (!held.tried) return;
  }
  if (interrupt || cpu.current == nullptr) return;
  HeldLocks& sleeping = cpu.current->held_locks;
  for (std::size_t i = sleeping.size(); i-- > 0;) {
    depend(core, sleeping[i], to, request, what);
    if (!sleeping[i].tried) return;
  }
}

inline void Lockdep::depend(Core& core, const HeldLock& held, std::uint16_t to, const LockRequest& request,
                            const char* what) {
  const unsigned kind = LockGraph::kind_of(held.mode, request.mode);
  if (graph_.knows(held.node, to, kind)) [[likely]]
    return;
  new_edge(core, {held.node, to, kind, who(core), held.since, core.now(), what}, held.lock == request.lock);
}

void Lockdep::new_edge(Core& core, LockGraph::Edge edge, bool same_lock) {
  if (edge.from == edge.to && !(edge.from_shared() && edge.to_recursive())) {
    report_recursion(core, edge, same_lock);
  } else if (edge.from != edge.to) {
    const auto back = graph_.path(edge.to, edge.to_recursive(), [&](std::uint16_t node, bool recursive) {
      return node == edge.from && !(recursive && edge.from_shared());
    });
    if (!back.empty()) report_cycle(core, edge, back);
  }
  graph_.add(std::move(edge));
  check_interrupts(core);
}

// --- interrupts

inline void Lockdep::note_use(Core& core, std::uint16_t node, LockMode mode, bool releasing) {
  const Place place = core.in_interrupt() ? in_interrupt : core.irqs_masked() ? irqs_masked : irqs_on;
  const Uses bit = use(place, static_cast<unsigned>(mode));
  if (!(uses_[node] & bit)) [[unlikely]]
    first_use(core, node, mode, bit, releasing);
}

void Lockdep::first_use(Core& core, std::uint16_t node, LockMode mode, Uses bit, bool releasing) {
  uses_[node] |= bit;
  first_uses_.push_back({node, bit, who(core), core.now(), releasing});
  for (unsigned m = 0; m < modes; ++m)
    if ((uses_[node] & use(in_interrupt, m)) && (uses_[node] & against(m)))
      report_usage(core, node, use(in_interrupt, m), uses_[node] & against(m));
  const unsigned kind = LockGraph::kind_of(LockMode::exclusive, mode);
  if (!(bit & all_of(irqs_on)) && !graph_.knows(LockGraph::irqs_off, node, kind))
    new_edge(core, {LockGraph::irqs_off, node, kind, who(core), core.now(), core.now(), nullptr}, false);
  check_interrupts(core);
}

// Seldom: an edge or a use is new. An interrupt waits for a lock that its owner holds until he gets another
// one, which is held by whom the interrupt has interrupted.
void Lockdep::check_interrupts(Core& core) {
  for (std::uint16_t safe = 0; safe < LockGraph::irqs_off; ++safe)
    for (unsigned m = 0; m < modes; ++m) {
      if (!(uses_[safe] & use(in_interrupt, m))) continue;
      Uses with_irqs_on = 0;
      const auto chain = graph_.path(
          safe, m == static_cast<unsigned>(LockMode::recursive), [&](std::uint16_t node, bool recursive) {
            with_irqs_on = uses_[node] & (recursive ? use(irqs_on, 0) : all_of(irqs_on));
            return with_irqs_on != 0;
          });
      if (!chain.empty())
        report_irq_dependency(core, safe, use(in_interrupt, m), chain.back()->to, with_irqs_on, chain);
    }
}

void Lockdep::waits_for_cores(Core& core, const char* what) {
  if (core.irqs_masked()) [[unlikely]]
    throw Violation(fmt::format(
        "waiting for other cores {}: {} waits in {}; a core that calls us meanwhile waits for us\n{}",
        core.in_interrupt() ? "in an interrupt" : "with irqs off", who(core), what, held_by(core)));
  ask(core, LockGraph::irqs_off, {nullptr, {}}, what);
}

// --- sleeping

void Lockdep::may_sleep(Core& core, const char* what) {
  if (core.preemptible() && !core.irqs_masked()) [[likely]]
    return;
  throw Violation(fmt::format("sleeping in atomic context: {} may sleep in {}, but is {}\n{}", who(core),
                              what,
                              core.in_interrupt()  ? "in an interrupt"
                              : core.irqs_masked() ? "running with irqs off"
                                                   : "not preemptible",
                              held_by(core)));
}

// --- tasks

void Lockdep::switched(Core& core, Task& task) { cpu_of(core).current = &task; }

void Lockdep::enters_user_mode(Task& task) { check_nothing_held(task, "goes to user mode"); }

void Lockdep::ends(Task& task) { check_nothing_held(task, "ends"); }

inline void Lockdep::check_nothing_held(Task& task, const char* what) {
  Core& core = task.core();
  if (task.held_locks.empty() && cpu_of(core).held.empty() && core.preemptible() && !core.irqs_masked())
      [[likely]]
    return;
  throw Violation(fmt::format("a task {} with {}: {}\n{}", what,
                              !task.held_locks.empty() || !cpu_of(core).held.empty() ? "locks held"
                              : core.irqs_masked()                                   ? "irqs off"
                                                                                     : "preemption off",
                              who(core), held_by(core)));
}

} // namespace mmsim
