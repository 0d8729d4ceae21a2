#include "models/tlb_flush/tlb_flush_policy.hpp"

#include "sim/machine/cost_book.hpp"

namespace mmsim {

bool what_if(const Configuration& configuration, std::string_view policy) {
  if (policy == "latr") return true; // no kernel has it
  const TlbCosts tlb = read_parameters<CostBook>(configuration).tlb;
  if (tlb.broadcast) return policy != (tlb.erratum_798181 ? "erratum_798181" : "broadcast");
  // x86 sets dirty bits itself; an Arm core that does (Armv8.1) has broadcast too.
  const bool arm = !tlb.hardware_dirty;
  return arm && (policy == "lazy" || policy == "leave_mm");
}

} // namespace mmsim
