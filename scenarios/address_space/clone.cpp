// clone: clone(CLONE_VM | CLONE_THREAD), as pthread_create(): a thread starts on the caller's CPU, writes `pages` pages
// of a stack that the caller keeps for it, and ends; then the caller, who has waited for it, drops what it has written.

#include "models/operations/clone.hpp"

#include "models/operations/madvise.hpp"
#include "scenarios/address_space/address_space_operation.hpp"

namespace mmsim {
namespace {

class CloneOperation final : public AddressSpaceOperation {
 public:
  std::vector<std::string_view> operations() const override { return {"clone"}; }
  void set_up(AddressSpaceWorker& worker, Task& task) override {
    worker.area = worker.mapped(task, worker.pages);
  }

  void round(AddressSpaceWorker& worker, Task& task) override {
    System& system = worker.system();
    const auto exited = std::make_shared<Completion>("the thread's exit");
    const auto thread = [&worker](Task& self) {
      worker.write(self, worker.area);
      exit_task(worker.system(), self);
    };
    worker.measure(task, 0, [&] { clone_thread(system, task, worker.cpu, thread, exited); });
    exited->wait(system, task); // pthread_join()
    worker.show(task, worker.area);
    worker.experiment.required(task, madvise(system, task, worker.area, worker.pages, Advice::dontneed),
                               "madvise");
  }
};

const Registered<AddressSpaceOperation> registered{
    "clone", "a thread is made, writes its stack and ends: clone",
    [](const AddressSpaceSetting&) { return std::make_unique<CloneOperation>(); }};

} // namespace
} // namespace mmsim
