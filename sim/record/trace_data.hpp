#pragma once
// What a trace has recorded: fixed-size records, no strings but a name each. trace.hpp fills it, trace_layout.hpp
// arranges it, trace_json.hpp writes it.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sim/engine/time.hpp"
#include "sim/record/account.hpp"
#include "sim/record/wait.hpp"

namespace mmsim {

/// Simulated time since the start of the run: [from, to).
struct TraceWindow {
  Instant from{};
  Instant to = Instant::max();
  bool operator==(const TraceWindow&) const = default;
};

/// One event of the file that stands on a track.
struct TraceRecord {
  /// In the order in which those that begin and end together nest.
  enum class Kind : std::uint8_t {
    run,        ///< on a core: the task that it runs; `ref` is its pid
    part,       ///< on a core: as much of an operation as that core ran at a stretch; `ref` is the operation
    interrupt,  ///< on a core: a handler; `ref` is the Irq
    booking,    ///< on a core: time of the running task that went to one account; `ref` is its pid
    operation,  ///< on a task: from its begin to its end; `ref` is the operation
    off_core,   ///< on a task: it waits without a core
    flow_start, ///< on a core; `ref` is the flow
    flow_end,
  };
  enum Clipped : std::uint8_t { not_clipped = 0, clipped_begin = 1, clipped_end = 2 };

  Instant begin{}, end{};
  std::uint32_t track = 0; ///< a core's number or a task's pid
  std::uint32_t ref = 0;
  WaitId whom{};
  Kind kind{};
  Account account{};
  std::uint8_t clipped = not_clipped;

  bool on_task() const { return kind == Kind::operation || kind == Kind::off_core; }
};

/// An operation of a task, or one of two parts of it if it was handed on.
struct TraceOperation {
  enum class Part : std::uint8_t { whole, first, last };
  Instant begin{}, end{};
  std::uint32_t pid = 0;
  std::uint32_t first_total = 0; ///< in TraceData::totals
  std::uint16_t name = 0;        ///< in TraceData::names
  std::uint8_t totals = 0;       ///< so many; they sum to end - begin
  Part part{};
  bool unfinished = false; ///< it had not ended when the trace did, or its task was killed: no totals
};

struct TraceTotal {
  Account account{};
  Duration total{};
};

/// From a core to a core: an interrupt, or the answer to one.
struct TraceFlow {
  static constexpr std::uint8_t answer = 0xff;
  Instant sent{};
  Instant taken = Instant::max(); ///< max: not yet
  std::uint32_t from = 0, to = 0; ///< cores
  std::uint8_t irq = answer;
};

/// What a wait for another core's answer was, as its waiter knows once it is over: until `arrived` the interrupt was on
/// its way, until `taken` that core had its interrupts off, then its handler ran.
struct TraceRemoteWait {
  Instant began{}, arrived{}, taken{}, ended{};
  std::uint32_t core = 0;     ///< that waited
  std::uint32_t answered = 0; ///< the core that did
  WaitId booked_for{};        ///< whom the bookings say
};

struct TraceSample {
  Instant at{};
  std::int64_t free_pages = 0, runnable = 0;
};

struct TraceData {
  TraceWindow window;   ///< what was asked for, as far as the run came
  TraceWindow measured; ///< what the tables measure
  Instant ended{};      ///< when the run did
  bool full = false;    ///< `window` ends where it does because there was no room for more
  std::uint32_t cores = 0;
  std::vector<TraceRecord> records;
  std::vector<TraceOperation> operations;
  std::vector<TraceTotal> totals;
  std::vector<TraceFlow> flows;
  std::vector<TraceRemoteWait> remote_waits;
  std::vector<TraceSample> samples;
  std::vector<std::string> names;                  ///< of operations
  std::vector<std::string> tasks;                  ///< by pid; empty: an idle task
  std::map<std::uint16_t, std::string> wait_names; ///< by WaitId
};

} // namespace mmsim
