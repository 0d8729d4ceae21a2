#include "models/pages/zone.hpp"

#include "sim/machine/core.hpp"

namespace mmsim {

Zone::Zone(FrameTable& frames, SpinLocks& locks, NodeId node, FrameNumber first, std::uint32_t count)
    : frames_(frames), node_(node), buddy_(frames, first, count), lock_(locks.make("zone_lock")) {}

bool Zone::looks_empty(Core& core) const {
  core.settle();
  return buddy_.free_frames() == 0;
}

void Zone::enter(Core& core) {
  lock_->lock(core);
  core.write(free_area_);
}

FrameNumber Zone::take(Core& core, unsigned order) {
  if (looks_empty(core)) return no_frame;
  enter(core);
  const Buddy::Taken taken = buddy_.take(order, MigrateType::movable);
  if (taken.frame != no_frame)
    core.charge(core.costs().work.buddy_alloc + taken.splits * core.costs().work.buddy_step, Account::alloc);
  lock_->unlock(core);
  return taken.frame;
}

void Zone::put(Core& core, FrameNumber frame, unsigned order) {
  enter(core);
  const unsigned merges = buddy_.put(frame, order);
  core.charge(core.costs().work.buddy_free + merges * core.costs().work.buddy_step, Account::alloc);
  lock_->unlock(core);
}

std::uint32_t Zone::refill(Core& core, FrameList& list, std::uint32_t count, ListEnd end) {
  if (looks_empty(core)) return 0;
  enter(core);
  std::uint32_t taken = 0;
  unsigned steps = 0;
  for (; taken < count; ++taken) {
    const Buddy::Taken block = buddy_.take(0, MigrateType::movable);
    const FrameNumber frame = block.frame;
    if (frame == no_frame) break;
    frames_[frame].state = FrameState::per_cpu;
    steps += block.splits;
    if (end == ListEnd::front)
      list.push_back(frames_, frame);
    else
      list.push_front(frames_, frame);
  }
  core.charge(taken * core.costs().work.buddy_alloc + steps * core.costs().work.buddy_step, Account::alloc);
  lock_->unlock(core);
  if (taken != 0) core.counters().add(Counter::pcp_refill);
  return taken;
}

void Zone::drain(Core& core, FrameList& list, std::uint32_t count) {
  enter(core);
  std::uint32_t given = 0;
  unsigned steps = 0;
  for (; given < count && !list.empty(); ++given)
    steps += buddy_.put(list.pop_back(frames_), 0);
  core.charge(given * core.costs().work.buddy_free + steps * core.costs().work.buddy_step, Account::alloc);
  lock_->unlock(core);
  core.counters().add(Counter::pcp_drain);
}

} // namespace mmsim
