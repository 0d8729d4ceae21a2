// What lockdep says: the offence in one line, then who holds what since when, then what it contradicts, each
// with the core, the task and the simulated time at which it was first seen.
#include "models/locks/lockdep.hpp"
#include "models/scheduler/task.hpp"
#include "sim/engine/units.hpp"

#include <bit>
#include <spdlog/fmt/fmt.h>

namespace mmsim {

namespace {
std::string text(Instant t) { return to_text(t.time_since_epoch()); }
const char* text(LockMode mode) { return mode == LockMode::exclusive ? "" : " for reading"; }
} // namespace

/// "pte_lock", or "pte_lock/1" for a subclass.
std::string Lockdep::name(std::uint16_t node) const {
  if (node == LockGraph::irqs_off) return "irqs off";
  const std::string plain(machine_.counters().lock_class_name(LockGraph::class_of(node)));
  const unsigned subclass = node % LockGraph::subclasses;
  return subclass == 0 ? plain : fmt::format("{}/{}", plain, subclass);
}

/// "cpu 3, task 7 (munmap)".
std::string Lockdep::who(const Core& core) {
  const Task* task = cpu_of(core).current;
  return fmt::format("cpu {}{}{}", core.id().value(),
                     task ? fmt::format(", task {} ({})", task->pid, task->name) : std::string(),
                     core.in_interrupt() ? ", in an interrupt" : "");
}

/// All that the core and its task hold, outermost first.
std::string Lockdep::held_by(Core& core) {
  const Cpu& cpu = cpu_of(core);
  std::string result = fmt::format("{} at {} holds", who(core), text(core.now()));
  const auto list = [&](const HeldLocks& held) {
    for (const HeldLock& lock : held)
      result += fmt::format("\n  {}{}, taken at {}{}", name(lock.node), text(lock.mode), text(lock.since),
                            lock.in_interrupt ? " in an interrupt" : "");
  };
  if (cpu.current != nullptr) list(cpu.current->held_locks);
  list(cpu.held);
  return result + (result.ends_with("holds") ? " no lock" : "");
}

std::string Lockdep::edge_text(const LockGraph::Edge& edge) const {
  if (edge.from == LockGraph::irqs_off)
    return fmt::format("\n  irqs off -> {}: {} asked for {} with irqs off at {}", name(edge.to), edge.who,
                       name(edge.to), text(edge.asked_at));
  const std::string begin = fmt::format("\n  {} -> {}: {} took {}{} at {}", name(edge.from),
                                        edge.what ? "other cores" : name(edge.to), edge.who, name(edge.from),
                                        edge.from_shared() ? " for reading" : "", text(edge.held_since));
  return edge.what ? fmt::format("{}, then waited for other cores in {} at {}", begin, edge.what,
                                 text(edge.asked_at))
                   : fmt::format("{}, then asked for {} at {}", begin, name(edge.to), text(edge.asked_at));
}

std::string Lockdep::chain_text(const std::vector<const LockGraph::Edge*>& chain) const {
  std::string result;
  for (const LockGraph::Edge* edge : chain)
    result += edge_text(*edge);
  return result;
}

/// The first of those uses of the class.
std::string Lockdep::use_text(std::uint16_t node, Uses uses) const {
  for (const FirstUse& first : first_uses_)
    if (first.node == node && (first.use & uses)) {
      const auto mode = static_cast<LockMode>(static_cast<unsigned>(std::countr_zero(first.use)) % modes);
      const char* verb = first.releasing               ? "gave it back"
                         : !seqcount_[node]            ? "took it"
                         : mode == LockMode::exclusive ? "began to write it"
                                                       : "read it";
      return fmt::format("\n  {}: {}{} {}{}{} at {}", name(node), first.who,
                         first.use & all_of(in_interrupt) ? "," : "", verb, seqcount_[node] ? "" : text(mode),
                         first.use & all_of(irqs_on) ? " with irqs on" : "", text(first.at));
    }
  return {};
}

void Lockdep::report_recursion(Core& core, const LockGraph::Edge& edge, bool same_lock) {
  const std::string cpu = fmt::format("cpu {}", core.id().value());
  throw Violation(fmt::format(
      "possible recursive locking: {} takes {}, held by {} since {}: {}\n{}\n  and asks for {} at {}", cpu,
      name(edge.to), cpu, text(edge.held_since),
      same_lock
          ? "it would wait for itself"
          : "two of one class, and nothing says in which order (nested on purpose? then with a subclass)",
      held_by(core), name(edge.to), text(core.now())));
}

void Lockdep::report_cycle(Core& core, const LockGraph::Edge& edge,
                           const std::vector<const LockGraph::Edge*>& back) {
  bool cores = edge.to == LockGraph::irqs_off || edge.from == LockGraph::irqs_off;
  for (const LockGraph::Edge* each : back)
    cores |= each->from == LockGraph::irqs_off;
  const std::string headline =
      cores ? "waiting for other cores that may wait for us: a core that spins with irqs off does not answer"
            : fmt::format(
                  "lock order inversion: {} asks for {} with {} held, but elsewhere it is the other way "
                  "round",
                  who(core), name(edge.to), name(edge.from));
  throw Violation(fmt::format("{}\nnow:{}\nbefore, as first seen:{}\n{}", headline, edge_text(edge),
                              chain_text(back), held_by(core)));
}

void Lockdep::report_usage(Core& core, std::uint16_t node, Uses in_interrupts, Uses with_irqs_on) {
  const std::string headline =
      seqcount_[node]
          ? fmt::format(
                "seqcount {} is written with irqs on and read in an interrupt: a reader that interrupts "
                "the writer on its core spins for ever",
                name(node))
          : fmt::format(
                "{} is taken in an interrupt and also with irqs on: the interrupt may come while its own "
                "core holds it",
                name(node));
  throw Violation(fmt::format("irq inversion: {}\nin an interrupt:{}\nwith irqs on:{}\n{}", headline,
                              use_text(node, in_interrupts), use_text(node, with_irqs_on), held_by(core)));
}

void Lockdep::report_irq_dependency(Core& core, std::uint16_t safe, Uses in_interrupts, std::uint16_t unsafe,
                                    Uses with_irqs_on, const std::vector<const LockGraph::Edge*>& chain) {
  throw Violation(fmt::format(
      "irq inversion: {}, which interrupts take, is held while {} is waited for, which is taken with irqs "
      "on: "
      "an interrupt on the core that holds {} may wait for {}\nin an interrupt:{}\nwith irqs on:{}\nthe one "
      "under the other:{}\n{}",
      name(safe), name(unsafe), name(unsafe), name(safe), use_text(safe, in_interrupts),
      use_text(unsafe, with_irqs_on), chain_text(chain), held_by(core)));
}

void Lockdep::report_bad_unlock(Core& core, const LockRequest& request) {
  std::string holder = "nobody";
  const auto look = [&](const HeldLocks& held, const std::string& whose) {
    for (const HeldLock& lock : held)
      if (lock.lock == request.lock)
        holder =
            fmt::format("{} since {}{}", whose, text(lock.since),
                        lock.in_interrupt != core.in_interrupt() ? ", in another context of that core" : "");
  };
  for (std::uint32_t i = 0; i < cpus_.size(); ++i) {
    look(cpus_[i].held, fmt::format("cpu {}", i));
    if (const Task* task = cpus_[i].current)
      look(task->held_locks, fmt::format("task {} ({})", task->pid, task->name));
  }
  if (holder == "nobody") holder = "no running context";
  const std::string lock = name(graph_.node_of(request));
  throw Violation(fmt::format("unlock by another: cpu {} releases {}, held by {}\n{}", core.id().value(),
                              lock, holder, held_by(core)));
}

void Lockdep::report_left_by_handler(Core& core, const HeldLock& held) {
  throw Violation(fmt::format("an interrupt handler has left with {} held, taken at {}\n{}", name(held.node),
                              text(held.since), held_by(core)));
}

} // namespace mmsim
