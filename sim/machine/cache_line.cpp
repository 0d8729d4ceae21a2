#include "sim/machine/cache_line.hpp"

#include "sim/machine/line_spinners.hpp"
#include "sim/machine/machine.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>

namespace mmsim {

namespace {

// A request's turn is decided this much after the line is free, so that whatever its holder does in the very instant
// at which he gets it comes first, in whatever order events of an instant run. It delays nobody: times are computed
// from the instant at which the line is free.
constexpr Duration after_the_instant{1};

bool writes(LineAccess kind) { return kind != LineAccess::read; }

} // namespace

CacheLine::CacheLine(const char* name) : name_(name) {}

CacheLine::~CacheLine() = default;

WaitId CacheLine::new_wait_id(Machine& machine) const {
  return machine.wait_names().id_of_literal(WaitKind::line, name_);
}

std::string CacheLine::describe() const { return fmt::format("the cache line of {}", name_); }

bool CacheLine::hits(const Core& core, LineAccess kind) const {
  return held_by(core) &&
         (kind == LineAccess::read || (state_ == State::exclusive && core.now() < departs_at_));
}

/// A miss of `place` that `holder` answers, or must be told of.
CacheLine::Cost CacheLine::miss(const Core& core, PlaceId holder) const {
  const Topology& topology = core.topology();
  const LineCosts& costs = core.costs().line;
  const Duration latency = topology.latency(core.place(), holder);
  if (topology.die_of(core.place()) == topology.die_of(holder)) {
    const Duration whole = costs.transfer + latency;
    return {whole, whole - costs.request, costs.request};
  }
  // Through the home: a half for each way, nothing for what lies in the same die.
  const auto way = [&](PlaceId a, PlaceId b) {
    return topology.die_of(a) == topology.die_of(b) ? Duration{} : topology.latency(a, b) / 2;
  };
  const Duration before = costs.request + way(core.place(), home_);
  const Duration serial = costs.transfer - costs.request + way(home_, holder) + latency / 2;
  return {before + serial, serial, before};
}

CacheLine::Cost CacheLine::cost(const Core& core, LineAccess kind) const {
  const Topology& topology = core.topology();
  const LineCosts& costs = core.costs().line;
  const Duration operation =
      kind == LineAccess::rmw || kind == LineAccess::conditional ? costs.atomic : Duration{};
  if (state_ == State::memory) return {costs.dram + operation, costs.dram + operation, Duration{}};
  if (!writes(kind)) {
    const std::uint32_t die = topology.die_of(core.place());
    if (state_ == State::shared && die_holds(topology, die)) {
      const Duration latency =
          topology.die_of(owner_) == die ? topology.latency(core.place(), owner_) : topology.within_die();
      const Duration whole = costs.transfer + latency;
      return {whole, costs.share, whole - costs.share};
    }
    return miss(core, owner_);
  }
  Cost far = miss(core, lowest_);
  if (highest_ != lowest_)
    if (const Cost other = miss(core, highest_); far.whole < other.whole) far = other;
  return {far.whole + operation, far.serial + operation, far.before};
}

bool CacheLine::die_holds(const Topology& topology, std::uint32_t die) const {
  return holders_.any_in(PlaceId(die * topology.cores_per_die()), topology.cores_per_die());
}

// From here on the line belongs to `core`, though it is still on its way.
void CacheLine::hand_to(const Core& core, LineAccess kind) {
  const PlaceId place = core.place();
  if (state_ == State::memory) home_ = place;
  if (writes(kind) || state_ == State::memory) { // read from memory: exclusive and clean, the E of MESI
    state_ = State::exclusive;
    holders_.clear();
    owner_ = lowest_ = highest_ = place;
  } else {
    state_ = State::shared;
    lowest_ = std::min(lowest_, place);
    highest_ = std::max(highest_, place);
  }
  holders_.insert(place);
}

Instant CacheLine::grant(const Core& core, LineAccess kind, Instant made, Instant free) {
  const Cost cost = this->cost(core, kind);
  hand_to(core, kind);
  return busy_until_ = std::max(made + cost.whole, free + cost.serial);
}

bool CacheLine::access(Core& core, LineAccess kind, LineRequest& request) {
  if (kind == LineAccess::conditional && !held_by(core)) return false; // the copy is gone already
  Engine& engine = core.engine();
  const Instant now = core.now();
  if (queue_.empty() && busy_until_ <= now) {
    // Nobody loses anything by a read of what nobody holds exclusively.
    if (!writes(kind) && state_ != State::exclusive) {
      engine.wait_until(grant(core, kind, now, now));
      return true;
    }
    // Nobody can tell when the line was taken if nothing else happens meanwhile: the two events of the queue in one.
    if (engine.try_advance(now + cost(core, kind).whole, 2)) {
      hand_to(core, kind);
      busy_until_ = core.now();
      return true;
    }
  }
  request.core = &core;
  request.fiber = &engine.current();
  request.kind = kind;
  request.made = now;
  request.failed = false;
  enqueue(request);
  engine.park(this);
  return !request.failed;
}

void CacheLine::enqueue(LineRequest& request) {
  queue_.push_back(request);
  if (departs_at_ == Instant::max()) arm();
}

const Core& CacheLine::clock_of(const LineRequest& request) const {
  return request.core != nullptr ? *request.core : spinners_->first();
}

/// When the oldest request takes the line away.
Instant CacheLine::due() const {
  const LineRequest& oldest = queue_.front();
  const Core& core = clock_of(oldest);
  Duration before = cost(core, oldest.kind).before;
  // Requests of other dies would hide those behind them that have arrived.
  if (core.machine().nearest_first()) before = std::min(before, core.costs().line.request);
  return std::max(busy_until_, oldest.made + before);
}

void CacheLine::arm() {
  departs_at_ = due() + after_the_instant;
  const_cast<Core&>(clock_of(queue_.front())).turn_at(*this, departs_at_);
}

// Called at departs_at_, on the clock of `core`.
void CacheLine::turn(Core& core) {
  if (busy_until_ > core.now()) { // its holder was at it
    departs_at_ = busy_until_;
    core.turn_at(*this, departs_at_);
    return;
  }
  const Instant free = due();
  departs_at_ = Instant::max();
  LineRequest& request = next_request(core.machine());
  queue_.erase(queue_.iterator_to(request));
  if (request.core == nullptr) {
    spinners_->grant(free);
  } else {
    Engine& engine = core.engine();
    request.failed = request.kind == LineAccess::conditional && !held_by(*request.core);
    if (request.failed) {
      busy_until_ = free; // until it was known
      engine.wake(*request.fiber);
    } else {
      engine.wake_at(*request.fiber, grant(*request.core, request.kind, request.made, free));
    }
  }
  if (!queue_.empty()) arm();
}

LineRequest& CacheLine::next_request(Machine& machine) {
  LineRequest& oldest = queue_.front();
  if (!machine.nearest_first() || state_ == State::memory) return oldest;
  const Topology& topology = machine.topology();
  const auto near = [&](const LineRequest& request) {
    return topology.die_of(request.core->place()) == topology.die_of(owner_);
  };
  if (near(oldest) || overtaken_ >= static_cast<std::uint32_t>(machine.costs().line.overtakes)) {
    overtaken_ = 0;
    return oldest;
  }
  for (LineRequest& request : queue_)
    if (near(request)) {
      ++overtaken_;
      return request;
    }
  overtaken_ = 0;
  return oldest;
}

} // namespace mmsim
