#pragma once
// From what was recorded to what is drawn: operations cut into the parts that cores ran, arrows that have both ends,
// everything clipped to the window, in the order in which slices of a track nest.

#include "sim/record/trace_data.hpp"

namespace mmsim {

/// Bookings of waits for another core's answer become what they turned out to be. Once, before lay_out_trace().
void split_remote_waits(TraceData& data);

/// Once, before cut_trace(). Afterwards the records of a track stand together, by begin; of those that begin together
/// the longer comes first, and flows come after slices.
void lay_out_trace(TraceData& data);

/// Leaves out what begins at `to` or later, arrows that end there too, and clips what reaches beyond.
void cut_trace(TraceData& data, Instant to);

} // namespace mmsim
