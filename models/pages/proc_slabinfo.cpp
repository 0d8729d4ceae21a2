// /proc/slabinfo, version 2.1: s_show() of mm/slab.c in 2.6.24, cache_show() of mm/slab_common.c in 5.10, the
// same text.
#include "models/pages/proc_files.hpp"

#include <iterator>
#include <spdlog/fmt/fmt.h>

namespace mmsim {

std::string proc_slabinfo(const ProcSnapshot& snapshot) {
  std::string text = "slabinfo - version: 2.1\n"
                     "# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>"
                     " : tunables <limit> <batchcount> <sharedfactor>"
                     " : slabdata <active_slabs> <num_slabs> <sharedavail>\n";
  for (const ProcSlabCache& cache : snapshot.slab_caches)
    fmt::format_to(std::back_inserter(text),
                   "{:<17} {:>6} {:>6} {:>6} {:>4} {:>4} : tunables {:>4} {:>4} {:>4} : slabdata {:>6} {:>6} "
                   "{:>6}\n",
                   cache.name, cache.active_objects, cache.objects, cache.object_size, cache.objects_per_slab,
                   cache.pages_per_slab, cache.limit, cache.batchcount, cache.shared, cache.active_slabs,
                   cache.slabs, cache.shared_available);
  return text;
}

} // namespace mmsim
