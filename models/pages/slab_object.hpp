// The name of an object of a slab cache.
#pragma once

#include "sim/engine/strong_int.hpp"

namespace mmsim {

/// An object of some slab cache: the number of its slab and its place in it. Stands for the pointer.
using SlabObject = StrongInt<struct SlabObjectTag, std::uint32_t>;

/// NULL: no memory, or what has no object (its memory is not a slab's).
inline constexpr SlabObject no_object{UINT32_MAX};

} // namespace mmsim
