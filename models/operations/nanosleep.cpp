#include "models/operations/nanosleep.hpp"

namespace mmsim {

Nanosleep::Nanosleep(System& system) : timer_(system.machine, system.scheduler) {}

void Nanosleep::until(Task& task, Instant t) { timer_.until(task, t); }

} // namespace mmsim
