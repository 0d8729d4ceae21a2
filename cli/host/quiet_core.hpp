// Whether somebody else uses this core: another guest on its second hyperthread, or a clock that is lowered.
//
// A short run of independent additions fills the core's execution units. If it takes longer than the best that was
// seen, the core is shared at this moment, and what is timed now would be up to twice too long: two modes of a
// machine, of which medians pick one or the other by chance.
#pragma once

namespace mmsim::host {

/// Nanoseconds that the additions take now: some 2 us.
double addition_probe();

/// Takes `seconds` of probes and keeps their median as what a core takes that is not shared, if it is less than what was
/// found before. To be called on the CPU that measures, before quiet_core() and now and then again.
void learn_quiet_core(double seconds);

/// Whether the core is its own now: a probe within 30 % of that. Who finds that it is not does best to leave his sample
/// out and go on: waiting for better times leaves caches cold, which is worse.
bool quiet_core();

} // namespace mmsim::host
