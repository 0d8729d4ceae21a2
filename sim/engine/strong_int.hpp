// Whole numbers that cannot be mistaken for one another: a frame is not a page, a core is not an
// address-space id.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace mmsim {

/// A number of kind `Tag`. Arithmetic is limited to what numbering needs: next, offset, distance.
template <class Tag, class Rep>
class StrongInt {
 public:
  using rep = Rep;
  constexpr StrongInt() = default;
  constexpr explicit StrongInt(Rep value) : value_(value) {}
  constexpr Rep value() const { return value_; }
  friend constexpr auto operator<=>(StrongInt, StrongInt) = default;
  constexpr StrongInt& operator++() { return ++value_, *this; }
  friend constexpr StrongInt operator+(StrongInt a, Rep offset) { return StrongInt(a.value_ + offset); }
  friend constexpr StrongInt operator-(StrongInt a, Rep offset) { return StrongInt(a.value_ - offset); }
  friend constexpr Rep operator-(StrongInt a, StrongInt b) { return a.value_ - b.value_; }

 private:
  Rep value_ = 0;
};

/// A core of the machine, 0 to cores - 1.
using CoreId = StrongInt<struct CoreIdTag, std::uint32_t>;
/// Where a core is: places are numbered through cluster by cluster, die by die, socket by socket.
using PlaceId = StrongInt<struct PlaceIdTag, std::uint32_t>;
/// A physical page frame (pfn).
using FrameNumber = StrongInt<struct FrameNumberTag, std::uint32_t>;
/// A virtual page of some address space.
using PageNumber = StrongInt<struct PageNumberTag, std::uint64_t>;
/// A hardware address-space id. 0 is reserved for the kernel and for machines without ids.
using Asid = StrongInt<struct AsidTag, std::uint32_t>;
/// A NUMA node: here a socket's memory.
using NodeId = StrongInt<struct NodeIdTag, std::uint32_t>;

} // namespace mmsim

template <class Tag, class Rep>
struct std::hash<mmsim::StrongInt<Tag, Rep>> {
  std::size_t operator()(mmsim::StrongInt<Tag, Rep> n) const noexcept { return std::hash<Rep>{}(n.value()); }
};
