#include "models/pages/proc_files.hpp"

namespace mmsim {

std::vector<ProcFile> proc_files(const ProcSnapshot& snapshot) {
  return {{"buddyinfo", proc_buddyinfo(snapshot)},
          {"pagetypeinfo", proc_pagetypeinfo(snapshot)},
          {"zoneinfo", proc_zoneinfo(snapshot)},
          {"vmstat", proc_vmstat(snapshot)},
          {"slabinfo", proc_slabinfo(snapshot)}};
}

} // namespace mmsim
