// How much of an address space a scenario may ask for.
//
//   const AddressSpaceRoom room(configuration);
//   room.check("scenario.pages", p.pages, {.areas = threads});   // InputError: with the largest that is possible
//
// More would be an mmap() that fails at once (ENOMEM), whatever memory the machine has, and a run without a
// single operation. What fits here may still be more than the kernel promises (kernel.overcommit_memory) or the
// machine has: that is found out as the program finds it out, by an error or the OOM killer.
//
// Left out: with kernel.mmap_layout = "bottom_up" a part of a table's span that several areas may still find below
// the stack; the room above mmap_base, where a top-down search goes in the end (arch_get_unmapped_area_topdown()).
#pragma once

#include "scenarios/process_image.hpp"
#include "sim/engine/configuration.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace mmsim {

class AddressSpaceRoom {
 public:
  /// Of a process with an image (BootProcess).
  explicit AddressSpaceRoom(const Configuration& configuration);

  /// What an address space must hold at a time.
  struct Wanted {
    std::uint64_t areas = 1;                 ///< of the pages in question each
    Placement placement = Placement::packed; ///< of these areas
    std::uint64_t beside = 0;                ///< pages of other areas
  };
  /// The pages that each of the areas may have.
  std::uint64_t most(const Wanted& wanted) const;
  /// Refuses the value of `path`, pages of an area, that is more.
  void check(std::string_view path, std::int64_t pages, const Wanted& wanted) const;

  /// What an area of `pages` pages at a multiple of a table's span takes away from others like it.
  static std::uint64_t in_whole_tables(std::int64_t pages);

 private:
  const Configuration& configuration_;
  std::string format_;
  std::uint64_t pages_; ///< between the loader's area and the other end
};

} // namespace mmsim
