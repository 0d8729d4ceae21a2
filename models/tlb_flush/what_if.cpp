#include "models/tlb_flush/tlb_flush_policy.hpp"

#include "sim/machine/cost_book.hpp"

namespace mmsim {

bool what_if(const Configuration& configuration, std::string_view policy) {
  return read_parameters<CostBook>(configuration).tlb.broadcast && policy != "broadcast";
}

} // namespace mmsim
