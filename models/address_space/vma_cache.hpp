// What find_vma() asks before it goes down the tree.
//
//   Vma* vma = mm.vma_cache->find(task, page);          // null: not known
//   if (vma == nullptr && (vma = mm.vmas.find(page))) mm.vma_cache->update(task, page, *vma);
//   mm.vma_cache->invalidate(core);                     // mmap_lock is held for writing: areas have gone
//
// Each implementation is one file that registers itself as a value of kernel.vma_cache. Each mm has one.
#pragma once

#include "models/address_space/vma.hpp"
#include "sim/engine/parameter.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace mmsim {

class Core;
class MmStruct;
class Task;

struct VmaCacheParameters {
  std::string cache;
  static void declare(Declaration& d, VmaCacheParameters& p);
};
inline const DeclareParameters<VmaCacheParameters> declared_vma_cache_parameters;

class VmaCache {
 public:
  static constexpr std::string_view registry_path = "kernel.vma_cache";
  using Factory = std::function<std::unique_ptr<VmaCache>(const MmStruct&)>;
  virtual ~VmaCache() = default;

  /// The area that contains `page`, or null. mmap_lock is held.
  virtual Vma* find(Task& task, PageNumber page) = 0;
  /// find_vma() has found `vma` for `page`, which it may end above but not contain.
  virtual void update(Task& task, PageNumber page, Vma& vma) = 0;
  /// Areas are about to leave the tree.
  virtual void invalidate(Core& core) = 0;
};

} // namespace mmsim
