// No cache: find_vma() of 6.1 goes down the tree each time.
#include "models/address_space/vma_cache.hpp"

namespace mmsim {

void VmaCacheParameters::declare(Declaration& d, VmaCacheParameters& p) {
  d("kernel.vma_cache", p.cache, "vmacache",
    "what find_vma() remembers: nothing, the mm's last area (mmap_cache), or four areas a task (vmacache); "
    "only beside kernel.vma_tree = \"rbtree\"",
    "mmap_cache to 3.14, vmacache 3.15 to 6.0, nothing since 6.1")
      .registered<VmaCache>();
}

namespace {

class NoVmaCache final : public VmaCache {
 public:
  Vma* find(Task&, PageNumber) override { return nullptr; }
  void update(Task&, PageNumber, Vma&) override {}
  void invalidate(Core&) override {}
};

const Registered<VmaCache> registered{"none", "find_vma() always goes down the tree (since 6.1)",
                                      [](const MmStruct&) { return std::make_unique<NoVmaCache>(); }};

} // namespace
} // namespace mmsim
