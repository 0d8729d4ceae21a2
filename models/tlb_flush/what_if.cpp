#include "models/tlb_flush/tlb_flush_policy.hpp"

#include "sim/machine/cost_book.hpp"

namespace mmsim {

bool what_if(const Configuration& configuration, std::string_view policy) {
  const TlbCosts tlb = read_parameters<CostBook>(configuration).tlb;
  return tlb.broadcast && policy != (tlb.erratum_798181 ? "erratum_798181" : "broadcast");
}

} // namespace mmsim
