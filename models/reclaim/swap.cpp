// SKELETON: the room of swap. There is no swap area.
#include "models/reclaim/swap.hpp"

namespace mmsim {

Swap::Swap(System& system) : system_(system) {}
Swap::~Swap() = default;
std::uint64_t Swap::free_slots() const { return 0; }
std::uint64_t Swap::slots() const { return 0; }
void Swap::swap_duplicate(Core&, SwapEntry) {}
void Swap::swap_free(Core&, SwapEntry) {}
void Swap::free_swap_and_cache(Core&, SwapEntry) {}
bool Swap::add_to_swap(Core&, FrameNumber) { return false; }
SwapEntry Swap::entry_of(FrameNumber) const { return {}; }
bool Swap::remove_mapping(Core&, FrameNumber) { return false; }
bool Swap::try_to_free_swap(Core&, FrameNumber) { return false; }
void Swap::writepage(Task&, FrameNumber) { (void)system_; }
void Swap::check_invariants() const {}

} // namespace mmsim
