// All address spaces in a circle, for who must go through them since no page knows who maps it (kernel.rmap = "scan").
//
//   list.add(core, child, parent);          // dup_mmap(), exec_mmap()
//   if (list.put(core, mm)) exit_mmap(...)  // mmput(): its last user has gone, and so has its place
//   if (MmStruct* mm = list.get_swap_mm(core)) ... mmput(...)   // where swap_out() goes on, with a user's reference
//
// Models init_mm.mmlist, mmlist_lock, mmlist_nr and swap_mm of 2.4.18 (kernel/fork.c, fs/exec.c, mm/vmscan.c). A child
// stands behind its parent. mmput() takes the lock before it looks at mm_users, as the generic atomic_dec_and_lock() does,
// so that an mm in the circle has users. The links of neighbours are taken to be on the line of the lock.
//
// Left out: swapoff, which goes through the same circle; the list of 2.6, of those mms alone that have been swapped from,
// which nothing but swapoff walks.
#pragma once

#include "models/address_space/mm_struct.hpp"

#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <memory>

namespace mmsim {

class MmList {
 public:
  MmList(SpinLocks& locks, MmStruct& init_mm)
      : init_mm_(init_mm), lock_(locks.make("mmlist_lock", &line_)), swap_mm_(&init_mm) {}

  /// An mm that is there when the machine starts to run.
  void add_at_boot(MmStruct& mm) {
    mms_.push_back(mm);
    ++size_;
  }
  /// list_add(): behind `after`; behind init_mm at the front.
  void add(Core& core, MmStruct& mm, MmStruct& after);
  /// atomic_dec_and_lock() and what mmput() does then: true if mm has no users any more and has left the circle.
  [[nodiscard]] bool put(Core& core, MmStruct& mm);
  /// The beginning of a round of swap_out(): the next mm that it has not been through, now its caller's to mmput(). Null
  /// if there is none but init_mm.
  [[nodiscard]] MmStruct* get_swap_mm(Core& core);
  bool is_swap_mm(const MmStruct& mm) const { return swap_mm_ == &mm; }
  /// mmlist_nr.
  std::int64_t size() const { return size_; }

 private:
  using Mms = boost::intrusive::list<
      MmStruct, boost::intrusive::member_hook<MmStruct, decltype(MmStruct::mmlist), &MmStruct::mmlist>,
      boost::intrusive::constant_time_size<false>>;
  MmStruct& behind(MmStruct& mm);

  MmStruct& init_mm_;
  CacheLine line_{"mmlist_lock"};
  std::unique_ptr<SpinLock> lock_;
  Mms mms_; // without init_mm, behind which it begins and ends
  MmStruct* swap_mm_;
  std::int64_t size_ = 0;
};

} // namespace mmsim
