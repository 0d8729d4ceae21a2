#include "models/tlb_flush/latr.hpp"

#include <algorithm>
#include <utility>

namespace mmsim {

namespace {
struct LatrParameters {
  std::int64_t states;
  static void declare(Declaration& d, LatrParameters& p) {
    d("kernel.latr_states", p.states, 64, "flushes that a CPU may leave to others at a time, under latr",
      "LATR, ASPLOS 2018, section 4: 64 states a core")
        .at_least(1);
  }
};
const DeclareParameters<LatrParameters> declared;
} // namespace

Latr::Latr(const FlushMeans& means)
    : ShootdownPolicy(means),
      states_(static_cast<std::size_t>(read_parameters<LatrParameters>(means.configuration).states)) {
  for (std::uint32_t i = 0; i < means.machine.cpus(); ++i)
    queues_.push_back(std::make_unique<Queue>());
}

Latr::~Latr() = default;

bool Latr::defer(Core& core, MmStruct& mm, const FlushRange& range, std::unique_ptr<Withheld>& withheld) {
  Queue& queue = *queues_[core.id().value()];
  reclaim(core, queue);
  if (queue.used == states_) {
    core.counters().add(Counter::latr_full);
    return false;
  }
  invalidate_here(core, mm, range);
  CoreSet others = others_in_mask(core, mm); // as late as can be: who joins now sees the new entries
  if (!others.empty()) {
    core.write(queue.line);
    others = others & mm.cpumask; // whoever has gone since has dropped everything before
  }
  if (others.empty()) {
    core.settle();
    withheld->flushed();
    std::exchange(withheld, nullptr)->release(core);
    return true;
  }
  if (queue.states.empty()) queue.states.resize(states_);
  for (State& state : queue.states)
    if (state.mm == nullptr) {
      state = {&mm, range, others, std::move(withheld), ++queue.serial};
      break;
    }
  ++queue.used;
  ++queue.pending;
  core.counters().add(Counter::latr_deferred);
  return true;
}

void Latr::swept(Queue& queue, State& state) {
  state.waits_for.clear();
  --queue.pending;
  state.withheld->flushed();
}

void Latr::sweep(Core& core) {
  for (const auto& queue : queues_) {
    core.read(queue->line);
    if (queue->pending > 0) sweep_queue(core, *queue);
  }
}

// Invalidating takes time, in which states come and go: each is looked at when its turn comes.
void Latr::sweep_queue(Core& core, Queue& queue) {
  const auto names_us = [&](const State& state) {
    return state.mm != nullptr && state.waits_for.contains(core.id());
  };
  for (State& state : queue.states) {
    if (!names_us(state)) continue;
    core.settle();
    core.catch_up();
    if (!names_us(state)) continue;
    const std::uint64_t seen = state.serial;
    const FlushRange range = state.range;
    invalidate_here(core, *state.mm, range);
    core.rmw(queue.line);
    if (state.serial != seen || !names_us(state)) continue; // an interrupt has completed it
    state.waits_for.erase(core.id());
    if (state.waits_for.empty()) swept(queue, state);
  }
}

// The place is free again when the last has gone: whoever lets the mm go waits for that.
void Latr::release(Core& core, Queue& queue, State& state) {
  const std::unique_ptr<Withheld> withheld = std::move(state.withheld);
  withheld->release(core);
  core.write(queue.line);
  state.mm = nullptr;
  --queue.used;
}

void Latr::reclaim(Core& core, Queue& queue) {
  if (queue.used == queue.pending) return;
  core.settle();
  for (State& state : queue.states)
    if (state.mm != nullptr && state.waits_for.empty() && state.withheld != nullptr)
      release(core, queue, state);
}

void Latr::complete(Core& core, MmStruct& mm) {
  CoreSet waited_for;
  for (const auto& queue : queues_) {
    core.read(queue->line, Account::tlb_remote);
    for (const State& state : queue->states)
      if (state.mm == &mm) waited_for |= state.waits_for;
  }
  if (!waited_for.empty()) {
    struct Sweep final : RemoteCall {
      Latr& latr;
      explicit Sweep(Latr& l) : latr(l) {}
      void run(Core& target) override { latr.sweep(target); }
    } call(*this);
    sweep(core); // the task may have left the core on which it unmapped
    waited_for.erase(core.id());
    means_.calls.call(core, waited_for, call);
  }
  for (const auto& queue : queues_) {
    for (State& state : queue->states)
      if (state.mm == &mm && state.waits_for.empty() && state.withheld != nullptr)
        release(core, *queue, state);
    // What its owner is giving back just now. New states may come up meanwhile, unless the mm goes.
    core.spin_until(queue->line, Account::tlb_remote, [&] {
      return std::none_of(queue->states.begin(), queue->states.end(),
                          [&](const State& state) { return state.mm == &mm && state.withheld == nullptr; });
    });
  }
}

void Latr::enter_lazy(Core& core, MmStruct& mm) {
  drop(core, mm);
  clear_bit(core, mm);
}

void Latr::leave(Core& core, MmStruct& mm) {
  if (!mm.cpumask.contains(core.id())) return; // since it went lazy
  if (means_.ids.has_ids()) drop(core, mm);    // else the switch has
  clear_bit(core, mm);
}

// What states wait for of this core it sweeps in vain later.
void Latr::drop(Core& core, MmStruct& mm) { invalidate_here(core, mm, FlushRange::all_of(mm)); }

void Latr::schedules(Core& core) {
  sweep(core);
  reclaim(core, *queues_[core.id().value()]);
}

bool Latr::tick(Core& core, bool) {
  sweep(core);
  return false;
}

namespace {
const Registered<TlbFlushPolicy> latr{
    "latr",
    "munmap and madvise leave it to the other cores to flush, at their next tick or switch (ASPLOS 2018)",
    [](const FlushMeans& means) { return std::make_unique<Latr>(means); }, "what-if everywhere"};
} // namespace

} // namespace mmsim
