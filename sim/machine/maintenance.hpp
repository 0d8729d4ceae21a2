// TLB maintenance as instructions: what a TLBI does to the core itself, and to all others when it is
// broadcast.
//
// A broadcast invalidation (inner shareable) is a message that the interconnect carries to every core: the
// maintenance of all cores shares one channel, one message after the other. It takes effect in the other
// cores when it arrives, and holds each busy one for a moment without an interrupt; a range of pages is one
// message where the machine has such instructions (machine.tlb.range). The DSB that follows sends a message
// too (DVM Sync), which every core must answer: it waits its turn behind everything that is on the channel by
// then, keeps the channel for machine.tlbi.broadcast_sync, since there is one such round at a time, and
// returns when the farthest core has completed. So a core alone pays the round's latency, and all cores
// together get no more flushes than rounds.
//
// Left out: what a Sync takes from the cores that answer it (they drain old accesses while they go on), and
// channels of their own for the dies or sockets of a large machine.
#pragma once

#include "sim/engine/strong_int.hpp"
#include "sim/engine/time.hpp"
#include "sim/record/wait.hpp"

#include <cstdint>

namespace mmsim {

class Core;
class Machine;

class Maintenance {
 public:
  explicit Maintenance(Machine& machine);

  /// What one invalidation covers.
  struct Scope {
    /// `range` takes an instruction that not every machine has; `all` drops the kernel's pages too.
    enum class Kind : std::uint8_t { page, range, id, all } kind;
    Asid asid{};
    PageNumber page{};
    bool last_level = false; ///< of a page or range: what walkers remember of the tables above it stays
    std::uint64_t pages = 1; ///< of a range, from `page` on
    bool global = false;     ///< of a page or range: of the kernel, under no id
  };

  /// On this core only, without the barrier. Charged as `tlb_local`.
  void local(Core& core, const Scope& scope);
  /// Completes local maintenance. Charged as `tlb_local`.
  void local_barrier(Core& core);

  /// On every online core, this one included. The issuer goes on once the interconnect has taken the message.
  void broadcast(Core& core, const Scope& scope);
  /// Returns when every core has completed the broadcasts of this core. Booked as `tlb_remote`. Needs no
  /// broadcast before it.
  void broadcast_barrier(Core& core);

 private:
  /// True if the core may have held something of it.
  bool apply(Core& core, const Scope& scope);
  Duration farthest(const Core& core) const;

  Machine& machine_;
  const WaitId interconnect_; // for whom a core waits that broadcasts
  Instant channel_busy_until_{};
};

} // namespace mmsim
