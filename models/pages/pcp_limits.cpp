#include "models/pages/pcp_limits.hpp"

#include "models/pages/frame.hpp"
#include "models/pages/pcp.hpp"

#include <algorithm>
#include <bit>
#include <spdlog/fmt/fmt.h>

namespace mmsim {

void PcpParameters::declare(Declaration& d, PcpParameters& p) {
  d("kernel.pcp", p.lists, "merged", "per-CPU lists of free pages").registered<PerCpuLists>();
  d("kernel.pcp_batch", p.batch, 0,
    "pages moved at once between a per-CPU list and its zone; 0: by formula from the zone's size",
    "2.6.24 and 5.10 zone_batchsize()")
      .at_least(0)
      .at_most(1 << 20);
  d("kernel.pcp_high", p.high, 0,
    "length of a (hot) per-CPU list at which a batch is drained; 0: six batches. Set without pcp_batch, the "
    "batch is a quarter of it and at most 96",
    "2.6.24 setup_pageset(), 5.10 pageset_set_batch(): 6 * batch; set, it is what percpu_pagelist_fraction "
    "does")
      .at_least(0)
      .at_most(1 << 24);
  d("kernel.pcp_chunk", p.chunk, "1 MiB",
    "what zone_batchsize() takes for enough on its way: batches are a quarter",
    "mm/page_alloc.c zone_batchsize(): 512 KiB to 4.18, 1 MiB since 4.19")
      .at_least("4 KiB")
      .at_most("1 GiB");
}

std::uint32_t zone_batchsize(std::uint64_t pages, Bytes chunk) {
  const std::uint64_t enough = chunk.value() / bytes_per_frame;
  const std::uint64_t batch = std::max<std::uint64_t>(std::min(pages / 1024, enough) / 4, 1);
  return static_cast<std::uint32_t>(std::bit_floor(batch + batch / 2) - 1);
}

namespace {
// What setup_pageset() is given.
std::uint32_t batch_of(const PcpParameters& p, std::uint64_t pages) {
  constexpr std::int64_t page_shift = 12;
  if (p.batch != 0) return static_cast<std::uint32_t>(p.batch);
  if (p.high != 0) return static_cast<std::uint32_t>(std::clamp<std::int64_t>(p.high / 4, 1, page_shift * 8));
  return zone_batchsize(pages, p.chunk);
}
} // namespace

PcpLimits hot_limits(const PcpParameters& p, std::uint64_t pages) {
  const std::uint32_t batch = batch_of(p, pages);
  return {p.high != 0 ? static_cast<std::uint32_t>(p.high) : 6 * batch, std::max(1U, batch)};
}

// percpu_pagelist_fraction leaves this list alone.
PcpLimits cold_limits(const PcpParameters& p, std::uint64_t pages) {
  const std::uint32_t batch =
      p.batch != 0 ? static_cast<std::uint32_t>(p.batch) : zone_batchsize(pages, p.chunk);
  return {2 * batch, std::max(1U, batch / 2)};
}

void check_pcp_parameters(const PcpParameters& p, const Configuration& configuration) {
  if (p.high == 0 || p.batch <= p.high) return;
  const Entry* batch = configuration.find("kernel.pcp_batch");
  const Entry* high = configuration.find("kernel.pcp_high");
  const Entry* last = batch == nullptr || (high != nullptr && high->layer < batch->layer) ? high : batch;
  throw InputError(
      fmt::format("kernel.pcp_batch = {} is over kernel.pcp_high = {}: a list would be drained of more than "
                  "it holds; choose a batch of at most {}, or pcp_high = 0 for six batches",
                  p.batch, p.high, p.high),
      last != nullptr ? last->origin : Origin{});
}

} // namespace mmsim
