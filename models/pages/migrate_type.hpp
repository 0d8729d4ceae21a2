// How movable the contents of a page are: free memory is grouped by it, a pageblock at a time.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mmsim {

/// MIGRATE_*: the fourth is MIGRATE_RESERVE in 2.6.24 and MIGRATE_HIGHATOMIC since 4.4; lists of /proc name it.
enum class MigrateType : std::uint8_t {
  unmovable,   ///< page tables, slab
  reclaimable, ///< caches that give memory back when asked
  movable,     ///< user pages
  reserve,     ///< kept for allocations that cannot wait
};
inline constexpr std::size_t migrate_type_count = 4;

constexpr std::size_t index(MigrateType type) { return static_cast<std::size_t>(type); }

} // namespace mmsim
