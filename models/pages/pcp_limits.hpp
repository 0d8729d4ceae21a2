// How long per-CPU lists of free pages grow, and how many pages move at once.
//
//   zone_batchsize(833464, Bytes(512 << 10));          // 31
//   const PcpLimits hot = hot_limits(parameters, zone_pages);
//
// Models zone_batchsize(), setup_pageset() and setup_pagelist_highmark() of 2.6.24, zone_batchsize(),
// pageset_set_batch() and pageset_set_high() of 5.10.
#pragma once

#include "sim/engine/parameter.hpp"

#include <cstdint>
#include <string>

namespace mmsim {

struct PcpParameters {
  std::string lists;
  std::int64_t batch, high;
  Bytes chunk;
  static void declare(Declaration& d, PcpParameters& p);
};
inline const DeclareParameters<PcpParameters> declared_pcp_parameters;

/// A list that has reached `high` gives `batch` pages back; an empty one fetches `batch`.
struct PcpLimits {
  std::uint32_t high, batch;
  friend bool operator==(const PcpLimits&, const PcpLimits&) = default;
};

/// A quarter of a thousandth of the zone's `pages`, of at most `chunk` in all, as a power of two less one: 0 for a
/// small zone.
std::uint32_t zone_batchsize(std::uint64_t pages, Bytes chunk);

/// pcp->high and pcp->batch of the (hot) list of a zone of `pages`: by hand or by formula. If only `high` is given,
/// the batch is what percpu_pagelist_fraction makes of it: a quarter, between 1 and 96.
PcpLimits hot_limits(const PcpParameters& parameters, std::uint64_t pages);
/// Of the list for cold pages of 2.6.24.
PcpLimits cold_limits(const PcpParameters& parameters, std::uint64_t pages);

/// Throws InputError for a batch that is over the high mark.
void check_pcp_parameters(const PcpParameters& parameters, const Configuration& configuration);

} // namespace mmsim
