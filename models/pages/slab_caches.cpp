#include "models/pages/slab_caches.hpp"

namespace mmsim {

namespace {

struct Specs {
  SlabSpec mm_struct, vm_area_struct, anon_vma, files;
};

// 32-bit Arm, SMP, split page-table locks.
constexpr Specs in_2_6_24{
    .mm_struct = {.name = "mm_struct", .size = 352, .hwcache_align = true}, // include/linux/mm_types.h: 352
    .vm_area_struct = {.name = "vm_area_struct", .size = 84},               // ibid.: 21 words
    .anon_vma = {.name = "anon_vma", .size = 12, .constructed = true}, // include/linux/rmap.h: lock, list
    .files = {
        .name = "files_cache", .size = 224, .hwcache_align = true}}; // include/linux/file.h: 32 files, lines

// arm64, defconfig: NR_CPUS 256, NUMA.
constexpr Specs in_5_10{
    .mm_struct = {.name = "mm_struct",
                  .size = 960,
                  .hwcache_align = true},                              // include/linux/mm_types.h: 928 and
                                                                       // a cpumask of 32 bytes
    .vm_area_struct = {.name = "vm_area_struct", .size = 200},         // ibid.: 25 words
    .anon_vma = {.name = "anon_vma", .size = 80, .constructed = true}, // include/linux/rmap.h: rwsem of 40
    .files = {
        .name = "files_cache", .size = 704, .hwcache_align = true}}; // include/linux/fdtable.h: 64 files

const Specs& specs_of(const SlabMeans& means) {
  return read_parameters<SlabParameters>(means.configuration).version == "bufctl" ? in_2_6_24 : in_5_10;
}

} // namespace

SlabCaches::SlabCaches(const SlabMeans& means, const std::function<void(Core&, FrameNumber)>& clear_page)
    : mm_struct(means, specs_of(means).mm_struct), vm_area_struct(means, specs_of(means).vm_area_struct),
      anon_vma(means, specs_of(means).anon_vma), files(means, specs_of(means).files),
      means_(means), all_{&mm_struct, &vm_area_struct, &anon_vma, &files} {
  if (read_parameters<TablePagesParameters>(means.configuration).source == "slab") {
    pgtable = std::make_unique<KmemCache>(
        means, SlabSpec{.name = "pgtable", .size = bytes_per_frame, .constructed = true}, clear_page);
    all_.push_back(pgtable.get());
  }
}

KmemCache& SlabCaches::kmem_cache_create(const SlabSpec& spec) {
  more_.push_back(std::make_unique<KmemCache>(means_, spec));
  all_.push_back(more_.back().get());
  return *more_.back();
}

void SlabCaches::connect(Scheduler& scheduler) {
  for (KmemCache* cache : all_)
    cache->connect(scheduler);
}

std::uint64_t SlabCaches::frames() const {
  std::uint64_t frames = 0;
  for (const KmemCache* cache : all_)
    frames += cache->frames();
  return frames;
}

void SlabCaches::check_invariants() const {
  for (const KmemCache* cache : all_)
    cache->check_invariants();
}

} // namespace mmsim
