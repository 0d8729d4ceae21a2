// kmap: the kernel maps each of `pages` written pages of the worker in turn, uses it and unmaps it, as read() and
// write() do with pages of high memory. Every kernel.last_pkmap of them somebody flushes kernel pages on all CPUs, with
// kmap_lock held. On 32-bit machines only.

#include "models/operations/kmap.hpp"

#include "models/operations/gather.hpp"
#include "scenarios/address_space/address_space_operation.hpp"

namespace mmsim {
namespace {

class KmapOperation final : public AddressSpaceOperation {
 public:
  explicit KmapOperation(System& system) : pool_(system) {}
  std::vector<std::string_view> operations() const override { return {"kmap", "kunmap"}; }

  void set_up(AddressSpaceWorker& worker, Task& task) override {
    if (!pool_.init(task.core())) worker.experiment.required(task, Errno::enomem, "kmap_init");
    worker.area = worker.mapped(task, worker.pages);
    worker.write(task, worker.area);
  }

  void round(AddressSpaceWorker& worker, Task& task) override {
    for (std::uint64_t page = 0; page < worker.pages; ++page) {
      const FrameNumber frame = get_page(worker, task, worker.area + page);
      PageNumber address{};
      worker.measure(task, 0, [&] { address = pool_.kmap(task, frame); });
      pool_.access(task.core(), address);
      worker.measure(task, 1, [&] { pool_.kunmap(task.core(), frame); });
      put_page(worker.system(), task.core(), frame);
    }
  }

 private:
  // The frame of `page`, with a reference, so that it stays while the kernel uses it.
  static FrameNumber get_page(AddressSpaceWorker& worker, Task& task, PageNumber page) {
    const Pte* entry = nullptr;
    do {
      touch(worker.system(), task, page, AccessKind::write);
      task.core().settle();
      entry = task.mm->tables.find(page); // gone again, if it was reclaimed meanwhile
    } while (entry == nullptr || !entry->valid());
    const FrameNumber frame = entry->frame();
    ++worker.system().pages[frame].refcount;
    task.core().charge(task.core().costs().work.page_ref, Account::work);
    return frame;
  }

  Kmap pool_;
};

const Registered<AddressSpaceOperation> registered{
    "kmap", "the kernel maps pages of high memory, uses and unmaps them: kmap, kunmap (32-bit)",
    [](const AddressSpaceSetting& s) {
      if (s.system.parameters.page_table.starts_with("arm64"))
        throw InputError(
            "scenario.operation = \"kmap\" is for kernels with high memory, but kernel.page_table = \"" +
                s.system.parameters.page_table +
                "\" is a 64-bit one's: choose \"lpae\" or \"armv7_short\" (machine.base = "
                "\"cortex-a15-4\" or \"arm11mpcore-4\" with kernel.base = \"2.6.24\")",
            s.configuration.origin_of("scenario.operation"));
      return std::make_unique<KmapOperation>(s.system);
    }};

} // namespace
} // namespace mmsim
