// madvise: MADV_DONTNEED of `pages` written pages: they go, the area stays, and is written again. An allocator that gives
// memory back.

#include "models/operations/madvise.hpp"

#include "scenarios/address_space/address_space_operation.hpp"

namespace mmsim {
namespace {

class MadviseOperation final : public AddressSpaceOperation {
 public:
  std::vector<std::string_view> operations() const override { return {"madvise"}; }
  void set_up(AddressSpaceWorker& worker, Task& task) override {
    worker.area = worker.mapped(task, worker.pages);
  }

  void round(AddressSpaceWorker& worker, Task& task) override {
    worker.write(task, worker.area);
    worker.show(task, worker.area);
    Errno error = Errno::ok;
    worker.measure(task, 0, [&] {
      error = madvise(worker.system(), task, worker.area, worker.pages, Advice::dontneed);
    });
    worker.experiment.required(task, error, "madvise");
  }
};

const Registered<AddressSpaceOperation> registered{
    "madvise", "written pages are given back: madvise (MADV_DONTNEED)",
    [](const AddressSpaceSetting&) { return std::make_unique<MadviseOperation>(); }};

} // namespace
} // namespace mmsim
