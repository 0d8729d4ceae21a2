#include "models/pages/page_contents.hpp"

#include "models/address_space/content_stamps.hpp"

namespace mmsim {

static_assert(CoreCaches::whole == bytes_per_frame);

namespace {
Duration share(Duration cost, std::uint32_t bytes, std::uint32_t of) { return cost * bytes / of; }
} // namespace

void PageContents::clear_page(Core& core, FrameNumber frame) {
  if (pages_.stamps != nullptr) pages_.stamps->cleared(frame);
  const MemoryCosts& memory = core.costs().memory;
  CacheStamp& touched = pages_[frame].touched;
  const std::uint32_t hot = machine_.caches().resident(core.id(), touched), cold = CoreCaches::whole - hot;
  touched = machine_.caches().touch(core.id(), touched);
  if (cold != 0)
    machine_.dram().transfer(core, pages_.node_of(frame), cold,
                             share(memory.page_zero, cold, CoreCaches::whole), Account::page_zero);
  core.charge(share(memory.page_zero_hot, hot, CoreCaches::whole), Account::page_zero);
}

void PageContents::copy_page(Core& core, FrameNumber from, FrameNumber to) {
  const MemoryCosts& memory = core.costs().memory;
  CoreCaches& caches = machine_.caches();
  CacheStamp &source = pages_[from].touched, &target = pages_[to].touched;
  const std::uint32_t cold_from = CoreCaches::whole - caches.resident(core.id(), source);
  const std::uint32_t cold_to = CoreCaches::whole - caches.resident(core.id(), target);
  const std::uint32_t all = 2 * CoreCaches::whole, cold = cold_from + cold_to;
  source = caches.touch(core.id(), source);
  target = caches.touch(core.id(), target);
  if (cold != 0)
    machine_.dram().transfer(core, pages_.node_of(from), cold_from, pages_.node_of(to), cold_to,
                             share(memory.page_copy, cold, all), Account::page_copy);
  core.charge(share(memory.page_copy_hot, all - cold, all), Account::page_copy);
  if (pages_.stamps != nullptr) pages_.stamps->copied(from, to);
}

} // namespace mmsim
