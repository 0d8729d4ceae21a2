#pragma once
// A trace as Trace Event JSON, which chrome://tracing and Perfetto open. One event a line.
//
//   process 1 "cores"    a thread a core (tid 1000 + core): tasks, operations, accounts, interrupts
//   process 2 "tasks"    a thread a task (tid 10000 + pid): operations from begin to end, waiting without a core
//   process 3 "machine"  counters
//
// All slices are complete events (ph X), ts and dur in microseconds with six decimals: picoseconds.

#include <cstdint>
#include <functional>
#include <string_view>

#include "sim/record/trace_data.hpp"

namespace mmsim {

/// Writes `data`, which is arranged on the way, through `write`, a piece at a time: at most `limit` bytes. What would
/// be too much is cut off at the end of simulated time: data.full says so, and data.window where. Once. Returns how
/// many bytes it wrote. Names and the frame are written whatever the limit.
std::uint64_t write_trace_json(TraceData& data, std::uint64_t limit,
                               const std::function<void(std::string_view)>& write);

} // namespace mmsim
