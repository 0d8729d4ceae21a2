// The text of buddyinfo, pagetypeinfo, zoneinfo, vmstat and slabinfo, as 2.6.24 and 5.10 print them.
//
//   for (const ProcFile& file : proc_files(snapshot)) write(file.name, file.text);
//
// Models frag_show(), pagetypeinfo_show(), zoneinfo_show(), vmstat_show() of mm/vmstat.c and the print
// functions of /proc/slabinfo (mm/slab.c, 5.10: mm/slab_common.c) of both versions: order of the fields,
// words, widths, blanks at the ends of lines. A tool that reads the real files reads these.
//
// Left out is what nothing in the model changes, rather than lines that are always zero:
//   zoneinfo      2.6.24: scanned (a: i:), all_unreclaimable, prev_priority; 5.10: node_unreclaimable; there,
//                 zones without memory, too
//   vmstat        all counters but those of ProcSnapshot (models/proc.cpp has the list); 5.10's nr_unstable
//   pagetypeinfo  5.10: the types CMA and Isolate, which depend on its configuration
#pragma once

#include "models/pages/proc_snapshot.hpp"

#include <string>
#include <vector>

namespace mmsim {

/// A file of /proc and what is in it.
struct ProcFile {
  std::string name, text;
};

/// All five, in the order of the header.
std::vector<ProcFile> proc_files(const ProcSnapshot& snapshot);

// Each alone, in a file of its own.
std::string proc_buddyinfo(const ProcSnapshot& snapshot);
std::string proc_pagetypeinfo(const ProcSnapshot& snapshot);
std::string proc_zoneinfo(const ProcSnapshot& snapshot);
std::string proc_vmstat(const ProcSnapshot& snapshot);
std::string proc_slabinfo(const ProcSnapshot& snapshot);

} // namespace mmsim
