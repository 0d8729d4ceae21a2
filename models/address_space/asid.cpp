#include "models/address_space/asid.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>

namespace mmsim {

namespace {
// What hardware and kernel permit.
void check_bits(Machine& machine, std::int64_t bits, const std::string& allocator,
                const Configuration& configuration) {
  const auto refuse = [&](const std::string& why, std::string_view other) {
    throw InputError(fmt::format("kernel.asid_bits = {}, but {}", bits, why),
                     configuration.last_written({"kernel.asid_bits", other}));
  };
  if (const std::int64_t available = machine.costs().tlb.asid_bits; bits > available)
    refuse(fmt::format("this machine's TLB has {} (machine.tlb.asid_bits)", available),
           "machine.tlb.asid_bits");
  if (bits > 8 && allocator == "armv6")
    refuse("Arm's allocator of 2.6.24 has 8 (kernel.asid_allocator = \"armv6\")", "kernel.asid_allocator");
  // asids_update_limit(): after a roll-over each CPU may have one reserved, and id 0 is init_mm's.
  if (bits > 0 && (std::int64_t{1} << bits) - 1 <= std::int64_t{machine.cpus()})
    refuse(fmt::format("{} CPUs need more ids than {}", machine.cpus(), (std::int64_t{1} << bits) - 1),
           "run.cpus");
}
} // namespace

AsidAllocator::AsidAllocator(Machine& machine, SpinLocks& locks, std::int64_t bits,
                             const Configuration& configuration)
    : machine_(machine), bits_(bits), mask_((std::uint64_t{1} << bits) - 1), used_by_(machine.cpus()) {
  const auto parameters = read_parameters<AsidParameters>(configuration);
  check_bits(machine, bits, parameters.allocator, configuration);
  if (bits > 0)
    implementation_ = Registry<AsidImplementation>::instance().create(
        parameters.allocator, AsidMeans{machine, locks, *this, static_cast<std::uint32_t>(bits)});
}

void AsidAllocator::check_and_switch(Core& core, MmStruct& mm) {
  if (!has_ids()) {
    flush_all(core, false);
    core.charge(core.costs().entry.switch_ttbr, Account::schedule, scheduler_work);
    core.tlb().use(Asid(0));
    core.settle();
    return;
  }
  core.settle();
  implementation_->check_context(core, mm);
  core.charge(core.costs().entry.switch_mm, Account::schedule, scheduler_work);
  note_use(core, mm);
  core.tlb().use(id_of(mm));
}

void AsidAllocator::use_reserved(Core& core) {
  core.tlb().use(Asid(0));
  core.charge(core.costs().entry.switch_ttbr, Account::schedule, scheduler_work);
}

void AsidAllocator::flush_all(Core& core, bool goes_on) {
  machine_.maintenance().local(core, {Maintenance::Scope::Kind::all});
  core.counters().add(Counter::tlb_flush_all);
  machine_.maintenance().local_barrier(core);
  std::vector<std::uint32_t>& used_by = used_by_[core.id().value()];
  const std::uint32_t id = core.tlb().asid().value();
  const std::uint32_t kept = goes_on && id < used_by.size() ? used_by[id] : 0;
  std::ranges::fill(used_by, 0);
  if (kept != 0) used_by[id] = kept;
}

void AsidAllocator::note_use(Core& core, const MmStruct& mm) {
  std::vector<std::uint32_t>& used_by = used_by_[core.id().value()];
  const std::uint32_t id = id_of(mm).value();
  if (id >= used_by.size()) used_by.resize(id + 1);
  if (used_by[id] != 0 && used_by[id] != mm.id + 1)
    throw Violation(
        fmt::format("address-space ids: cpu {} loads mm {} with id {}, under which its TLB may still hold "
                    "entries of mm {}",
                    core.id().value(), mm.id, id, used_by[id] - 1));
  used_by[id] = mm.id + 1;
}

bool AsidAllocator::holds_entries_of(Core& core, const MmStruct& mm) const {
  return has_ids() && implementation_->is_current(mm) && !implementation_->flush_pending(core.id()) &&
         core.tlb().holds(id_of(mm));
}

} // namespace mmsim
