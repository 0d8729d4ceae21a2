// lockdep: finds the deadlock that could happen, at the first run that shows it to be possible.
//
//   [run]
//   lockdep = true        # the default; a violation ends the run with status 1
//
//   SpinLocks makes one; every lock that it, or a structure around its locks, makes tells it what it does.
//
// Models kernel/locking/lockdep.c of 5.10 and the checks around it, by class, so that two cores need not meet:
// - possible recursive locking: a class under itself without another subclass (check_deadlock());
// - lock order inversion: a cycle in the graph of what is waited for while what is held (check_noncircular());
// - a class taken in interrupts and also with irqs on, and the same through dependencies: a class of
//   interrupts held while a class is taken that is elsewhere taken with irqs on (mark_lock_irq(),
//   check_irq_usage()). A seqcount that is read in interrupts and written with irqs on is one of these;
// - waiting for other cores (a cross-call) in an interrupt, with irqs off, or while holding what somebody
//   takes with irqs off: he spins, does not answer, and we wait for him. The graph has a node for that;
// - sleeping, or calling what may sleep, with a spinlock held, preemption or irqs off, or in an interrupt
//   (might_sleep(), schedule_debug());
// - a seqcount's writer with preemption and irqs on (seqprop_assert());
// - giving back what the context does not hold; a task that ends or goes to user mode with locks held, or a
//   handler that leaves with one.
// A run queue's lock goes over to the next task with the core.
//
// Left out: softirqs, cross-release, chains that are proved once as a whole (an edge is proved once instead),
// lock_set_subclass(), held locks that are freed. An irqs-on use is seen when a lock is taken or given back,
// not while irqs come on in between.
#pragma once

#include "models/locks/lock_graph.hpp"
#include "models/locks/lock_observer.hpp"
#include "sim/engine/parameter.hpp"
#include "sim/machine/machine.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace mmsim {

struct LockdepParameters {
  bool on;
  static void declare(Declaration& d, LockdepParameters& p) {
    d("run.lockdep", p.on, true,
      "look for lock order inversions, sleeping in atomic context and the like; takes no simulated time",
      "CONFIG_PROVE_LOCKING");
  }
};
inline const DeclareParameters<LockdepParameters> declared_lockdep_parameters;

class Lockdep final : public LockObserver {
 public:
  explicit Lockdep(Machine& machine);

  void acquiring(Core& core, const LockRequest& request) override;
  void acquired(Core& core, const LockRequest& request) override;
  void releasing(Core& core, const LockRequest& request) override;
  void acquiring(Task& task, const LockRequest& request) override;
  void acquired(Task& task, const LockRequest& request) override;
  void releasing(Task& task, const LockRequest& request) override;
  void downgraded(Task& task, const LockRequest& request) override;
  void read_begin(Core& core, const LockRequest& request) override;
  void write_begin(Core& core, const LockRequest& request) override;
  void write_end(Core& core, const LockRequest& request) override;
  void waits_for_cores(Core& core, const char* what) override;
  void may_sleep(Core& core, const char* what) override;
  void switched(Core& core, Task& task) override;
  void enters_user_mode(Task& task) override;
  void ends(Task& task) override;

 private:
  // How a class is used: a bit for each place and mode. As enum lock_usage_bit.
  enum Place : unsigned { in_interrupt, irqs_on, irqs_masked };
  static constexpr unsigned modes = 3, places = 3;
  using Uses = std::uint16_t;
  static constexpr Uses use(unsigned place, unsigned mode) {
    return static_cast<Uses>(1u << (place * modes + mode));
  }
  static constexpr Uses all_of(unsigned place) { return static_cast<Uses>(7u << (place * modes)); }
  /// The irqs-on uses with which an interrupt's use of that mode can deadlock.
  static constexpr Uses against(unsigned mode) {
    return mode == static_cast<unsigned>(LockMode::recursive) ? use(irqs_on, 0) : all_of(irqs_on);
  }
  struct FirstUse {
    std::uint16_t node;
    Uses use;
    std::string who;
    Instant at;
    bool releasing; ///< irqs were found on when it was given back
  };
  struct Cpu {
    HeldLocks held;
    Task* current = nullptr;
  };

  Cpu& cpu_of(const Core& core) { return cpus_[core.id().value()]; }
  void note_use(Core& core, std::uint16_t node, LockMode mode, bool releasing = false);
  void first_use(Core& core, std::uint16_t node, LockMode mode, Uses use, bool releasing);
  void ask(Core& core, std::uint16_t to, const LockRequest& request, const char* what);
  void depend(Core& core, const HeldLock& held, std::uint16_t to, const LockRequest& request,
              const char* what);
  void new_edge(Core& core, LockGraph::Edge edge, bool same_lock);
  void check_interrupts(Core& core);
  void push(Core& core, HeldLocks& held, const LockRequest& request);
  void forget(Core& core, HeldLocks& held, const LockRequest& request);
  void check_nothing_held(Task& task, const char* what);

  // The texts (lockdep_report.cpp).
  std::string name(std::uint16_t node) const;
  std::string who(const Core& core);
  std::string held_by(Core& core);
  std::string edge_text(const LockGraph::Edge& edge) const;
  std::string use_text(std::uint16_t node, Uses uses) const;
  std::string chain_text(const std::vector<const LockGraph::Edge*>& chain) const;
  [[noreturn]] void report_recursion(Core& core, const LockGraph::Edge& edge, bool same_lock);
  [[noreturn]] void report_cycle(Core& core, const LockGraph::Edge& edge,
                                 const std::vector<const LockGraph::Edge*>& back);
  [[noreturn]] void report_usage(Core& core, std::uint16_t node, Uses in_interrupts, Uses with_irqs_on);
  [[noreturn]] void report_irq_dependency(Core& core, std::uint16_t safe, Uses in_interrupts,
                                          std::uint16_t unsafe, Uses with_irqs_on,
                                          const std::vector<const LockGraph::Edge*>& chain);
  [[noreturn]] void report_bad_unlock(Core& core, const LockRequest& request);
  [[noreturn]] void report_left_by_handler(Core& core, const HeldLock& held);

  Machine& machine_;
  LockGraph graph_;
  std::array<Uses, LockGraph::nodes> uses_{};
  std::array<bool, LockGraph::nodes> seqcount_{};
  std::vector<FirstUse> first_uses_;
  std::vector<Cpu> cpus_;
};

} // namespace mmsim
