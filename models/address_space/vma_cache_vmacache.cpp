// Four areas a task, and a number on the mm that says whether they still count: Linux 3.15 to 6.0.
//
// Models mm/vmacache.c of 5.10: vmacache_find() compares the task's number with mm->vmacache_seqnum, whose
// line all threads read and only vmacache_invalidate() writes (with mmap_lock held for writing); then looks
// through the four slots, beginning with that of the page (VMACACHE_HASH: by 2 MiB). A number that is behind
// empties them.
//
// Left out: that a kernel thread that has borrowed the mm does not use its slots (nobody here looks for areas
// of an mm that is not its own).
#include "models/address_space/mm_struct.hpp"
#include "models/address_space/task_vma_cache.hpp"
#include "models/address_space/vma_cache.hpp"
#include "models/scheduler/task.hpp"

namespace mmsim {
namespace {

class PerTaskVmaCache final : public VmaCache {
 public:
  explicit PerTaskVmaCache(const MmStruct& mm) : mm_(mm) {}

  Vma* find(Task& task, PageNumber page) override {
    Core& core = task.core();
    core.read(line_);
    TaskVmaCache& cache = task.vmacache;
    if (cache.mm != mm_.id || cache.seqnum != seqnum_) { // vmacache_valid()
      cache = {mm_.id, seqnum_, {}};
      return nullptr;
    }
    core.charge(core.costs().work.vmacache_find, Account::work);
    std::size_t slot = slot_of(page);
    for (std::size_t i = 0; i < cache.vmas.size(); ++i) {
      Vma* vma = cache.vmas[slot];
      if (vma != nullptr && vma->begin <= page && page < vma->end) return vma;
      slot = (slot + 1) % cache.vmas.size();
    }
    return nullptr;
  }
  void update(Task& task, PageNumber page, Vma& vma) override {
    if (task.vmacache.mm == mm_.id) task.vmacache.vmas[slot_of(page)] = &vma;
  }
  void invalidate(Core& core) override {
    core.write(line_);
    ++seqnum_;
  }

 private:
  static std::size_t slot_of(PageNumber page) { return page.value() >> 9 & 3; } // by PMD_SHIFT

  const MmStruct& mm_;
  CacheLine line_{"vmacache_seqnum"};
  std::uint64_t seqnum_ = 0;
};

const Registered<VmaCache> registered{
    "vmacache", "four areas a task, and a sequence number on the mm (3.15 to 6.0)",
    [](const MmStruct& mm) { return std::make_unique<PerTaskVmaCache>(mm); }};

} // namespace
} // namespace mmsim
