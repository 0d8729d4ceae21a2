// zone_watermark_ok(), in both kernels' arithmetic: signed, so that marks and reserves may exceed what is free.
#include "models/pages/zone.hpp"
#include "sim/machine/core.hpp"

namespace mmsim {

bool Zone::watermark_ok(Core& core, unsigned order, const AllocFlags& flags, ZoneType highest,
                        std::int64_t free) {
  const std::int64_t reserve = limits_.lowmem_reserve[static_cast<std::size_t>(highest)];
  free -= (std::int64_t{1} << order) - 1;
  std::int64_t min = mark(flags.mark);
  const bool harder = flags.harder || flags.oom;
  // Nobody else may have the blocks of this reserve, so they are not free for them: an over-estimate of those that
  // are left, which spares a search (5.10; none in 2.6.24).
  if (!harder) free -= reserved_highatomic_;
  if (flags.high) min -= min / 2;
  if (harder) min -= flags.oom ? min / 2 : min / 4;

  if (free <= min + reserve) return false;
  if (order == 0) return true;

  if (rule_ == WatermarkRule::each_order) {
    for (unsigned lower = 0; lower < order; ++lower) {
      free_area_.read(core, lower);
      free -= std::int64_t{buddy_.free_blocks(lower)} << lower;
      min >>= 1;
      if (free <= min) return false;
    }
    return true;
  }
  for (unsigned at = order; at <= Buddy::max_order; ++at) {
    free_area_.read(core, at);
    for (const MigrateType type : {MigrateType::unmovable, MigrateType::reclaimable, MigrateType::movable})
      if (buddy_.free_blocks(at, type) != 0) return true;
    if (harder && buddy_.free_blocks(at, MigrateType::reserve) != 0) return true;
  }
  return false;
}

} // namespace mmsim
