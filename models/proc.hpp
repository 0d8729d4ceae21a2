// What /proc shows of a System's memory, read without time passing.
//
//   for (const ProcFile& file : proc_files(proc_snapshot(system, VmStatReading::folded))) ...
//
// The counters shown are those that the model updates; their names and order are vmstat_text[] of the version.
// Left out, since the model does not tell apart what they do: pgscan_kswapd and pgscan_direct (counter.csv has their
// sum, pgscan), and what is counted by zone: pgsteal_*, pgscan_* and pgrefill_* of 2.6.24, allocstall_* of 5.10
// (counter.csv: pgsteal, direct_reclaim).
#pragma once

#include "models/pages/proc_files.hpp"
#include "sim/engine/parameter.hpp"

namespace mmsim {

class System;

struct ProcParameters {
  std::string format;
  static void declare(Declaration& d, ProcParameters& p) {
    d("kernel.proc_format", p.format, "5.10", "the kernel whose files of /proc `mmsim run --proc` writes",
      "fields, words and widths of mm/vmstat.c and of slabinfo in each version")
        .one_of({"2.6.24", "5.10"});
  }
};
inline const DeclareParameters<ProcParameters> declared_proc_parameters;

/// How to read vm_stat[], of which each CPU keeps back a differential.
enum class VmStatReading : std::uint8_t {
  global, ///< as the files do: what CPUs keep back is missing, up to stat_threshold of each
  folded, ///< as they do once every CPU's vmstat_work has run, a second after the last change
};

ProcSnapshot proc_snapshot(const System& system, VmStatReading reading);

} // namespace mmsim
