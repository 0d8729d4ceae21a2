// The last area that anybody found, one word on the mm: Linux to 3.14.
//
// Models mm->mmap_cache in find_vma() and detach_vmas_to_be_unmapped() of mm/mmap.c, 2.6.24: every look-up
// reads the word, every miss writes it, by whatever thread, with mmap_sem only held for reading. Threads that
// fault in different areas so take its line from each other. On it stand also the list of areas and the
// tree's root, which only writers of mmap_sem change.
#include "models/address_space/vma_cache.hpp"
#include "models/scheduler/task.hpp"

namespace mmsim {
namespace {

class MmapCache final : public VmaCache {
 public:
  Vma* find(Task& task, PageNumber page) override {
    task.core().read(line_);
    return cached_ != nullptr && page < cached_->end && cached_->begin <= page ? cached_ : nullptr;
  }
  void update(Task& task, PageNumber, Vma& vma) override {
    task.core().write(line_);
    cached_ = &vma;
  }
  void invalidate(Core& core) override {
    core.write(line_);
    cached_ = nullptr;
  }

 private:
  CacheLine line_{"mmap_cache"};
  Vma* cached_ = nullptr;
};

const Registered<VmaCache> registered{"mmap_cache",
                                      "the mm's last area, one word that all threads write (to 3.14)",
                                      [](const MmStruct&) { return std::make_unique<MmapCache>(); }};

} // namespace
} // namespace mmsim
