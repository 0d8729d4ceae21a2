// vmalloc: kernel memory is mapped, written and read by everybody, and freed, as modules and BPF programs come and go.
// Its pages are all CPUs' business, whatever they run: flush_tlb_kernel_range() in each vfree (kernel.vmalloc_lazy = 0),
// or once the addresses that wait are too many. (With the 32 MiB of Linux an area of 16 pages is freed 512 times, or
// more with more CPUs, before there is one flush.)

#include "models/operations/vmalloc.hpp"

#include "scenarios/address_space/address_space_operation.hpp"

namespace mmsim {
namespace {

class VmallocOperation final : public AddressSpaceOperation {
 public:
  explicit VmallocOperation(System& system) : vmalloc_(system) {}
  std::vector<std::string_view> operations() const override { return {"vmalloc", "vfree"}; }
  bool shows_kernel_pages() const override { return true; }
  void read(System&, Task& task, PageNumber page) override { vmalloc_.access(task.core(), page); }

  void round(AddressSpaceWorker& worker, Task& task) override {
    PageNumber area = no_area;
    worker.measure(task, 0, [&] { area = vmalloc_.vmalloc(task.core(), worker.pages); });
    if (area == no_area) worker.experiment.required(task, Errno::enomem, "vmalloc");
    for (std::uint64_t page = 0; page < worker.pages; ++page)
      vmalloc_.access(task.core(), area + page);
    const bool killed = killed_in(task, [&](Task& self) { worker.show(self, area); });
    worker.measure(task, 1, [&] { vmalloc_.vfree(task.core(), area, worker.pages); });
    if (killed) throw TaskKilled{};
  }

 private:
  Vmalloc vmalloc_;
};

const Registered<AddressSpaceOperation> registered{
    "vmalloc", "kernel memory is mapped, used and unmapped: vmalloc, vfree",
    [](const AddressSpaceSetting& s) { return std::make_unique<VmallocOperation>(s.system); }};

} // namespace
} // namespace mmsim
