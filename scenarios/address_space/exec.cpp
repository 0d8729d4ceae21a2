// exec: a forked child writes `pages` pages and replaces its address space: mm_alloc(), the switch to the new tables,
// and exit_mmap() of the old one. Fork and exit are not measured (scenario fork).

#include "models/operations/exec.hpp"

#include "scenarios/address_space/address_space_operation.hpp"

namespace mmsim {
namespace {

class ExecOperation final : public AddressSpaceOperation {
 public:
  std::vector<std::string_view> operations() const override { return {"exec"}; }
  void set_up(AddressSpaceWorker& worker, Task& task) override {
    worker.area = worker.mapped(task, worker.pages);
    worker.write(task, worker.area);
  }

  void round(AddressSpaceWorker& worker, Task& task) override {
    const auto exited = std::make_shared<Completion>("the child's exit");
    const auto child_body = [&worker](Task& child) {
      worker.write(child, worker.area);
      bool replaced = false;
      worker.measure(child, 0, [&] { replaced = exec(worker.system(), child); });
      if (!replaced) worker.experiment.required(child, Errno::enomem, "exec");
      exit_task(worker.system(), child);
    };
    worker.experiment.required(task, fork(worker.system(), task, worker.cpu, child_body, exited)).bound =
        true;
    exited->wait(worker.system(), task);
  }
};

const Registered<AddressSpaceOperation> registered{
    "exec", "a child replaces its address space: exec",
    [](const AddressSpaceSetting&) { return std::make_unique<ExecOperation>(); }};

} // namespace
} // namespace mmsim
