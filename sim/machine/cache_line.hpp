// Cache lines that cores share: who holds a line, who waits for it, and until when it is on its way.
//
//   CacheLine line("mmap_lock count");
//   core.rmw(line);            // waits for the line; returns at its service time
//   ++count;                   // so this is when the new value exists
//
// A line is with one owner that may write it, or with any number of sharers, or in memory. Its home is the die
// that touched it first. A request that the requester's own cache cannot meet
//
//   made ---- request, way to the home ----> arrived ... (queue) ... granted ---- way of the data ----> served
//
// queues at the line. While the line is on its way to one core the next request is already waiting for it, so a
// saturated line costs each of them only the second part (`serial` below), a lone miss both. What depends on where
// (d is the die of the requester, whose own cores share a last-level cache; ways are halves of the topology's
// latencies, since those are whole misses):
//
//   from                            whole miss                                     of it serial
//   memory                          line.dram                                      all
//   the owner, or sharers in d      line.transfer + latency                        less line.request
//   a clean copy in d (reads)       line.transfer + latency                        line.share
//   another die                     line.transfer + way to the home, from there    less line.request and the way
//                                   to the holder, from there back                 to the home
//
// A write asks the farthest holder and invalidates all. An atomic operation adds line.atomic to both.
//
// Arbitration (machine.line.arbitration): `fifo` grants requests in the order in which they were made. `nearest`
// prefers those of the die of the last writer, and lets the oldest request be overtaken machine.line.overtakes
// times. What the core that has just got the line does in that very instant it does before the line goes on: two
// atomic operations without work between them cost one transfer.
//
// Cores that spin on a line (Core::spin_until) lose their copies to each write and all read it again, one after
// the other: this is what a release of a ticket lock costs. Under `fifo` the re-reads of one write are one batch:
// one entry of the queue, computed in one step, and only cores whose condition has come true run. The results are
// those of one event a re-read (run.batch_rereads = false), unless two cores meet at the line in the same picosecond.
//
// Several words that the kernel keeps together stand on one CacheLine, so false sharing happens here as it does
// there. What is not modelled: capacity (a line leaves a cache only by invalidation), a copy of a far die's line
// kept by other dies of the same socket, bandwidth of the interconnect.
#pragma once

#include "sim/engine/fiber.hpp"
#include "sim/engine/time.hpp"
#include "sim/machine/core_set.hpp"
#include "sim/record/wait.hpp"

#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <memory>
#include <string>

namespace mmsim {

class CacheLine;
class Core;
class Machine;
class Topology;

enum class LineAccess : std::uint8_t {
  read,
  write,
  rmw,         ///< atomic read-modify-write
  conditional, ///< a write that fails if the core's copy was taken away before it is granted (STREX)
};

/// A core's request for a line, in the line's queue; or the batch of re-reads, which has no core.
struct LineRequest
    : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::normal_link>> {
  Core* core = nullptr;
  Fiber* fiber = nullptr; ///< runs again when the request has been served
  LineAccess kind{};
  Instant made{};
  bool failed = false; ///< a conditional write that came too late
};

class LineSpinners;

class CacheLine : public Waitable {
 public:
  /// `name` must outlive the line: a literal.
  explicit CacheLine(const char* name);
  ~CacheLine() override;
  CacheLine(const CacheLine&) = delete;
  CacheLine& operator=(const CacheLine&) = delete;

  const char* name() const { return name_; }
  /// Who waits for this line waits for all lines of this name.
  WaitId wait_id(Machine& machine) {
    if (!wait_id_.known()) wait_id_ = new_wait_id(machine);
    return wait_id_;
  }
  std::string describe() const override;

  enum class State : std::uint8_t { memory, shared, exclusive };
  State state() const { return state_; }
  bool held_by(const Core& core) const;
  Instant busy_until() const { return busy_until_; }

 private:
  friend class Core;
  friend class LineSpinners;
  struct Cost {
    Duration whole, serial, before; // `before`: from made to arrived
  };

  WaitId new_wait_id(Machine& machine) const;
  bool hits(const Core& core, LineAccess kind) const;
  bool access(Core& core, LineAccess kind, LineRequest& request);
  void turn(Core& core);

  Cost cost(const Core& core, LineAccess kind) const;
  Cost miss(const Core& core, PlaceId holder) const;
  bool die_holds(const Topology& topology, std::uint32_t die) const;
  void hand_to(const Core& core, LineAccess kind);
  Instant grant(const Core& core, LineAccess kind, Instant made, Instant free);
  void enqueue(LineRequest& request);
  void arm();
  const Core& clock_of(const LineRequest& request) const;
  Instant due() const;
  LineRequest& next_request(Machine& machine);

  const char* name_;
  Instant busy_until_{};
  Instant departs_at_ = Instant::max(); // when the oldest request takes it away; max: nobody waits
  State state_ = State::memory;
  WaitId wait_id_;
  PlaceId owner_{};              // the last writer; meaningful unless in memory
  PlaceId lowest_{}, highest_{}; // of the holders: zones are intervals, so the farthest is one of these two
  PlaceId home_{};               // the first that touched it; meaningful unless in memory
  std::uint32_t overtaken_ = 0;  // how often the oldest request was
  PlaceSet holders_;
  boost::intrusive::list<LineRequest> queue_;
  std::unique_ptr<LineSpinners> spinners_; // made by the first that spins here
};

} // namespace mmsim
