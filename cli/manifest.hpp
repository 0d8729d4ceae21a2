// manifest.json: what a result directory is the result of. The last file to be written: where it is, all is
// there.
//
//   version, command, hash    of the program, as typed, of the sweep (sweep_identity.hpp)
//   host_seconds, events      sums over all runs
//   axes                      [{"path", "values"}] in the order of the sweep file
//   seeds                     runs of each point; with `ci` the least
//   points                    [{"point", "axes": {path: value}, "status", "messages", "configuration"}];
//                             `messages` and `configuration` (what not all points share, beside the axes)
//                             only where there are any; with `ci` also "seeds", the runs that it took, "ci95",
//                             half of the 95 % interval as a part of the mean or null, and "ci95_operation"
//   ci                        only with sweep.ci: {"bound", "max_seeds", "operations"}
//   sample                    only if not the whole product: {"points", "sampling", "sample_seed"}
//   configuration             {path: {"value", "origin"}}: every value, defaults included, of all points
//   what_if                   ["kernel.tlb_flush=lazy"]; a point that is one has "what_if": true
//   warnings                  of all runs, each once
#pragma once

#include <string>
#include <vector>

#include "cli/sweep_plan.hpp"
#include "sim/record/tables.hpp"

namespace mmsim {

struct ManifestFacts {
  std::string command, hash;
};

/// `tables` has the points of `plan`, in their order.
std::string manifest_json(const SweepPlan& plan, const ResultTables& tables, const ManifestFacts& facts);

/// The worst status of a point's seeds.
PointStatus worst_status(const ResultTables::Point& point);

/// The warnings of all runs, each once, in the order in which they first appear, with the number of runs.
std::vector<std::pair<std::string, std::size_t>> distinct_warnings(const ResultTables& tables);

/// An axis value as the tables have it: a name without quotes.
std::string table_text(const Value& value);

} // namespace mmsim
