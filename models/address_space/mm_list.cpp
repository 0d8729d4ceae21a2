#include "models/address_space/mm_list.hpp"

#include "sim/machine/core.hpp"

#include <iterator>

namespace mmsim {

MmStruct& MmList::behind(MmStruct& mm) {
  const auto next = &mm == &init_mm_ ? mms_.begin() : std::next(mms_.iterator_to(mm));
  return next == mms_.end() ? init_mm_ : *next;
}

void MmList::add(Core& core, MmStruct& mm, MmStruct& after) {
  lock_->lock(core);
  core.settle();
  mms_.insert(&after == &init_mm_ ? mms_.begin() : std::next(mms_.iterator_to(after)), mm);
  ++size_;
  lock_->unlock(core);
}

bool MmList::put(Core& core, MmStruct& mm) {
  lock_->lock(core);
  const bool last = mm.users.decrement_and_test(core);
  if (last) {
    if (swap_mm_ == &mm) swap_mm_ = &behind(mm);
    if (mm.mmlist.is_linked()) { // else its exec has failed
      mms_.erase(mms_.iterator_to(mm));
      --size_;
    }
  }
  lock_->unlock(core);
  return last;
}

MmStruct* MmList::get_swap_mm(Core& core) {
  lock_->lock(core);
  core.settle();
  while (swap_mm_ == &init_mm_ || swap_mm_->swap_address == swap_mm_->tables.shape().end()) {
    swap_mm_->swap_address = PageNumber(0);
    MmStruct& next = behind(*swap_mm_);
    if (&next == swap_mm_) break; // the circle is empty
    swap_mm_ = &next;
  }
  MmStruct* const found = swap_mm_ == &init_mm_ ? nullptr : swap_mm_;
  if (found != nullptr) found->users.increment(core);
  lock_->unlock(core);
  return found;
}

} // namespace mmsim
