// How address-space ids are given out: behind AsidAllocator (asid.hpp).
//
// To add one: one .cpp here that derives from this class and registers itself.
#pragma once

#include "models/address_space/mm_struct.hpp"
#include "models/locks/spinlock.hpp"
#include "sim/machine/machine.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

namespace mmsim {

class AsidAllocator;

/// What implementations are made of.
struct AsidMeans {
  Machine& machine;
  SpinLocks& locks;
  AsidAllocator& ids;
  std::uint32_t bits; ///< not 0
};

class AsidImplementation {
 public:
  static constexpr std::string_view registry_path = "kernel.asid_allocator";
  using Factory = std::function<std::unique_ptr<AsidImplementation>(const AsidMeans&)>;
  virtual ~AsidImplementation() = default;

  /// When it returns, `mm.context` is good for `core`, which is about to load the mm, and the core's TLB
  /// holds nothing of others under that id. Irqs are off.
  virtual void check_context(Core& core, MmStruct& mm) = 0;
  /// True if the id of `mm` may be used as it is.
  virtual bool is_current(const MmStruct& mm) const = 0;
  /// True if the core must drop everything before it next uses an id.
  virtual bool flush_pending(CoreId core) const = 0;
  /// The cores that use the id of `mm`, or did when ids last rolled over: a15_erratum_get_cpumask().
  virtual CoreSet cores_running(Core& core, const MmStruct& mm) = 0;
};

} // namespace mmsim
