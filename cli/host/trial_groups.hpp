// What is measured of the hardware: groups of trials, to be interleaved (measurement.hpp).
//
// A group leaves out what cannot be measured here: with one CPU there is no partner, without membarrier no
// interrupt. Who reckons with the results (hardware_values.hpp) then finds no measurement of that name.
// Trials own what they work on. They run on `cpu`, to which the caller has pinned itself, and make a partner
// on `partner` anew for each sample, so that nobody disturbs the trials between.
#pragma once

#include <cstddef>
#include <vector>

#include "cli/host/host_machine.hpp"
#include "cli/host/measurement.hpp"

namespace mmsim::host {

/// Where trials run.
struct Places {
  int cpu = 0;
  int partner = -1; ///< -1: there is none
};

/// clock (GHz), alu.alone, alu.with_partner (hyperthreads slow each other down).
std::vector<Trial> core_trials(const Places& places);
/// line.hit, line.own_atomic.
std::vector<Trial> own_line_trials();
/// line.pair.A-B: one way of a compare-and-swap that two CPUs throw to and fro, CPU A being the first of the
/// pair. The trial moves to A by itself and back to where it was.
Trial line_pair_trial(int first, int second);
/// cache.l2, cache.llc, line.dram.
std::vector<Trial> chase_trials(const HostMachine& machine);
/// tlb.small.N and tlb.huge.N: a load a page in N pages, and as many lines without TLB misses. For N as
/// large as there is memory for. Pages of 4 KiB only.
std::vector<Trial> tlb_trials();
/// page.zero, page.copy, page.zero_hot, page.copy_hot, bandwidth.read, bandwidth.zero (GB/s, all allowed
/// CPUs).
std::vector<Trial> page_trials(const HostMachine& machine);
struct SweepParts {
  std::size_t parts, bytes_of_each;
};
/// How a block is shared out to CPUs (at most 256) that sweep it piece by piece: parts of whole pieces, at
/// least one each, so that fewer CPUs get a part of a small block, and none if it holds no piece.
SweepParts sweep_parts(std::size_t bytes, std::size_t cpus, std::size_t piece);
/// entry.syscall.
Trial system_call_trial();
/// entry.fault. Pages of 4 KiB only.
Trial fault_trial();
/// membarrier.sleeping, membarrier.running (partner in this address space), interrupt.pause (of the partner).
std::vector<Trial> interrupt_trials(const Places& places);
/// pipe.alone, switch.threads, switch.processes, wake.idle: one way each.
std::vector<Trial> switch_trials(const Places& places);
/// flush.none, flush.pages, flush.spread, flush.far: madvise(MADV_DONTNEED) of no page, and of two pages that
/// are next to each other, 31 apart, and 63 apart. Pages of 4 KiB only.
std::vector<Trial> flush_trials();
/// lock.tas, lock.ticket, lock.mcs: an acquisition, two CPUs contending.
std::vector<Trial> lock_trials(const Places& places);

/// The pages of the chases, ascending.
const std::vector<int>& chase_pages();

} // namespace mmsim::host
