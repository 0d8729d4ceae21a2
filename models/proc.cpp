#include "models/proc.hpp"

#include "models/system.hpp"

namespace mmsim {

ProcSnapshot proc_snapshot(const System& system, VmStatReading) {
  ProcSnapshot snapshot{};
  snapshot.format = read_parameters<ProcParameters>(system.configuration()).format == "2.6.24"
                        ? ProcFormat::linux_2_6_24
                        : ProcFormat::linux_5_10;
  return snapshot;
}

} // namespace mmsim
