// stack: deep recursion. `pages` pages below a stack of one page are written, from above, each of which the fault adds
// to the area (expand_stack()) within kernel.stack_limit: a longer one is a SIGSEGV. Then the stack is unmapped.
//
// Stacks lie from an eighth of the address space on, each with room for two of the limit below it, where neither heap nor
// mmap() come, whichever way kernel.mmap_layout goes.

#include "scenarios/address_space/address_space_operation.hpp"

namespace mmsim {
namespace {

class StackOperation final : public AddressSpaceOperation {
 public:
  std::vector<std::string_view> operations() const override { return {"stack_fault", "munmap"}; }

  void round(AddressSpaceWorker& worker, Task& task) override {
    System& system = worker.system();
    Experiment& x = worker.experiment;
    const std::uint64_t limit = system.parameters.stack_limit.value() / bytes_per_frame;
    const PageNumber top(system.page_table_shape().end().value() / 8 + 2 * limit * (worker.number + 1));
    x.required(
        task,
        mmap(system, task,
             {.hint = top, .pages = 1, .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN})
            .first);
    for (std::uint64_t page = 1; page <= worker.pages; ++page)
      worker.measure(task, 0,
                     [&] { touch(system, task, PageNumber(top.value() - page), AccessKind::write); });
    const PageNumber end(top.value() - worker.pages);
    worker.show(task, end);
    worker.measure(task, 1, [&] { x.required(task, munmap(system, task, end, worker.pages + 1), "munmap"); });
  }
};

const Registered<AddressSpaceOperation> registered{
    "stack", "a stack grows page by page, and is unmapped: stack_fault, munmap",
    [](const AddressSpaceSetting&) { return std::make_unique<StackOperation>(); }};

} // namespace
} // namespace mmsim
