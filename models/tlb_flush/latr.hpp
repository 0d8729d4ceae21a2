// LATR: munmap tells nobody; cores look for themselves at their next tick or switch.
//
// Models "LATR: Lazy Translation Coherence" (M. Kumar et al., ASPLOS 2018; on Linux 4.10, x86): munmap
// invalidates in the own TLB, writes what it has taken away into a state in a queue of its own CPU, with the
// mask of cores that may hold translations of it, and goes on. Every core sweeps the queues of all CPUs at
// each tick and in schedule(), invalidates what names it and clears its bit. What a state names, pages,
// tables and the address range, stays out of use until the last bit is gone, and is given back by the CPU
// that owns the queue, when it next comes to schedule() or unmaps. A queue without a free state falls back to
// interrupts at once, as does everything but munmap and madvise: fork, copy on write, mprotect and mremap
// change entries that remain in use, and reclaim waits for its batches anyway.
//
// madvise(MADV_DONTNEED) is put off like munmap: until the sweep a core may still read and write the old
// page, while another has faulted in a new one. Whoever hands such memory on among threads must expect that,
// as in the paper.
//
// Differences, each on the safe side: the paper waits for two ticks, here the mask is what counts. The mask
// holds the cores that run the mm's user tasks: a core that goes lazy or switches to another mm drops what it
// holds and clears its bit, since without a tick it would never sweep (Linux 4.10 had no ids, and flushed at
// switches anyway). An mm that goes, or a mapping asked for at addresses that are held back, completes all
// states of the mm by interrupts. Left out: migration of pages between nodes, which the paper makes lazy too;
// that an allocation that fails asks for what is held back.
#pragma once

#include "models/scheduler/cpu_observer.hpp"
#include "models/tlb_flush/shootdown.hpp"

#include <array>
#include <memory>
#include <vector>

namespace mmsim {

class Latr final : public ShootdownPolicy, private CpuObserver {
 public:
  explicit Latr(const FlushMeans& means);
  ~Latr() override;

  bool defers() const override { return true; }
  bool defer(Core& core, MmStruct& mm, const FlushRange& range, std::unique_ptr<Withheld>& withheld) override;
  void complete(Core& core, MmStruct& mm) override;
  CpuObserver* cpu_observer() override { return this; }

  void enter(Core& core, MmStruct& mm) override { set_bit(core, mm); }
  void enter_lazy(Core& core, MmStruct& mm) override;
  void leave_lazy(Core& core, MmStruct& mm) override { enter(core, mm); }
  void leave(Core& core, MmStruct& mm) override;

 protected:
  CoreSet targets(Core& core, MmStruct& mm, const FlushRange&) override { return others_in_mask(core, mm); }
  CoreSet holders(Core& core, MmStruct& mm) override { return all_in_mask(core, mm); } // of batches
  bool own_tlb_last() const override { return false; }

 private:
  struct State {
    MmStruct* mm = nullptr; ///< null: free
    FlushRange range;
    CoreSet waits_for;
    std::unique_ptr<Withheld> withheld; ///< null while it is given back
    std::uint64_t serial = 0;           ///< which use of the place this is
  };
  struct Queue {
    CacheLine line{"latr_states"};
    std::vector<State> states;
    std::size_t pending = 0; ///< states that wait for a core
    std::size_t used = 0;    ///< and those that wait to be given back
    std::uint64_t serial = 0;
  };

  void schedules(Core& core) override;
  bool tick(Core& core, bool quiescent) override;
  bool enter_idle(Core& core) override { // without a tick it would not look again
    sweep(core);
    return false;
  }
  void exit_idle(Core&) override {}

  void sweep(Core& core);
  void sweep_queue(Core& core, Queue& queue);
  void reclaim(Core& core, Queue& queue);
  void release(Core& core, Queue& queue, State& state);
  void drop(Core& core, MmStruct& mm);
  static void swept(Queue& queue, State& state);

  const std::size_t states_;
  std::vector<std::unique_ptr<Queue>> queues_;
};

} // namespace mmsim
