// brk: the heap grows by `pages`, they are written, and it shrinks again: malloc and free at the end of the heap with
// an eager trim.

#include "models/operations/brk.hpp"

#include "scenarios/address_space/address_space_operation.hpp"

namespace mmsim {
namespace {

class BrkOperation final : public AddressSpaceOperation {
 public:
  std::vector<std::string_view> operations() const override { return {"brk_grow", "brk_shrink"}; }

  void round(AddressSpaceWorker& worker, Task& task) override {
    System& system = worker.system();
    const PageNumber end = task.mm->brk;
    PageNumber grown = end;
    worker.measure(task, 0, [&] { grown = brk(system, task, end + worker.pages); });
    if (grown == end) worker.experiment.required(task, Errno::enomem, "brk");
    worker.write(task, end);
    worker.show(task, end);
    worker.measure(task, 1, [&] { grown = brk(system, task, end); });
    if (grown != end) worker.experiment.required(task, Errno::enomem, "brk");
  }
};

const Registered<AddressSpaceOperation> registered{
    "brk", "the heap grows, is written, and shrinks: brk_grow, brk_shrink", [](const AddressSpaceSetting& s) {
      if (s.threads && s.workers > 1)
        throw InputError(
            "scenario.operation = \"brk\" needs scenario.workers = 1 or scenario.mode = \"processes\": "
            "threads share one heap, and who shrinks it takes the others' memory away",
            s.configuration.origin_of("scenario.operation"));
      return std::make_unique<BrkOperation>();
    }};

} // namespace
} // namespace mmsim
