// vfork: a process with `pages` written pages vforks, and its child calls exec and ends: posix_spawn(). Nothing is
// copied, and the parent goes on as soon as the child has an address space of its own.

#include "models/operations/clone.hpp"
#include "models/operations/exec.hpp"
#include "scenarios/address_space/address_space_operation.hpp"

namespace mmsim {
namespace {

class VforkOperation final : public AddressSpaceOperation {
 public:
  std::vector<std::string_view> operations() const override { return {"vfork"}; }
  void set_up(AddressSpaceWorker& worker, Task& task) override {
    worker.write(task, worker.mapped(task, worker.pages));
  }

  void round(AddressSpaceWorker& worker, Task& task) override {
    System& system = worker.system();
    const auto exited = std::make_shared<Completion>("the child's exit");
    bool made = false;
    worker.measure(task, 0, [&] {
      made = vfork(
          system, task, worker.cpu,
          [&system](Task& child) {
            exec(system, child); // no memory for it: _exit(127)
            exit_task(system, child);
          },
          exited);
    });
    if (!made) worker.experiment.required(task, Errno::enomem, "vfork");
    exited->wait(system, task);
  }
};

const Registered<AddressSpaceOperation> registered{
    "vfork", "a child is vforked, calls exec and ends: vfork",
    [](const AddressSpaceSetting&) { return std::make_unique<VforkOperation>(); }};

} // namespace
} // namespace mmsim
