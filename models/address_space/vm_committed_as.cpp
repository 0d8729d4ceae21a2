#include "models/address_space/vm_committed_as.hpp"

#include <algorithm>
#include <cstdlib>
#include <numeric>

namespace mmsim {

namespace {

struct VmCommittedAsParameters {
  std::string counter;
  static void declare(Declaration& d, VmCommittedAsParameters& p) {
    d("kernel.vm_committed_as", p.counter, "percpu_counter",
      "how promised pages are counted: a percpu_counter with a batch by memory and policy (5.10), or per-CPU "
      "numbers that are added to one word atomically (committed_space, 2.6.24)",
      "5.10: include/linux/mman.h, mm_compute_batch of mm/mm_init.c; 2.6.24: vm_acct_memory of mm/swap.c")
        .one_of({"percpu_counter", "committed_space"});
  }
};
const DeclareParameters<VmCommittedAsParameters> declared;

/// mm_compute_batch().
std::int64_t mm_compute_batch(std::int64_t cpus, bool strict, std::uint64_t totalram_pages) {
  const auto share = static_cast<std::int64_t>(totalram_pages) / cpus / (strict ? 256 : 4);
  return std::max({2 * cpus, std::int64_t{32}, std::min(share, std::int64_t{INT32_MAX})});
}

/// ACCT_THRESHOLD, of a kernel that was compiled for as many CPUs as it runs on at least.
std::int64_t acct_threshold(const Configuration& configuration, std::int64_t cpus) {
  const std::int64_t nr_cpus = read_parameters<PercpuCounterParameters>(configuration).nr_cpus;
  return std::max<std::int64_t>(16, 2 * std::max(nr_cpus, cpus));
}

} // namespace

VmCommittedAs::VmCommittedAs(Machine& machine, SpinLocks& locks, const Configuration& configuration,
                             bool strict, std::uint64_t totalram_pages)
    : percpu_counter_(read_parameters<VmCommittedAsParameters>(configuration).counter == "percpu_counter"),
      batch_(percpu_counter_ ? mm_compute_batch(machine.cpus(), strict, totalram_pages)
                             : acct_threshold(configuration, machine.cpus())) {
  if (percpu_counter_)
    counter_.emplace(machine, locks, configuration, "vm_committed_as", batch_);
  else
    committed_space_.resize(machine.cpus());
}

void VmCommittedAs::vm_acct_memory(Core& core, std::int64_t pages) {
  if (percpu_counter_) return counter_->add(core, pages);
  core.preempt_disable();
  std::int64_t& local = committed_space_[core.id().value()];
  local += pages;
  if (std::abs(local) > batch_) {
    core.rmw(line_); // atomic_long_add()
    vm_committed_space_ += std::exchange(local, 0);
  }
  core.preempt_enable();
}

std::int64_t VmCommittedAs::read(Core& core) {
  if (percpu_counter_) return std::max<std::int64_t>(0, counter_->read(core));
  core.read(line_);
  return vm_committed_space_;
}

std::int64_t VmCommittedAs::exact_now() const {
  if (percpu_counter_) return counter_->exact_now();
  return std::accumulate(committed_space_.begin(), committed_space_.end(), vm_committed_space_);
}

} // namespace mmsim
