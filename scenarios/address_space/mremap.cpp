// mremap: an area of `pages` written pages grows to twice its length, cannot do so where it is, since another one stands
// behind it, and moves: every translation of the old place is taken away, under the locks of the tables.

#include "models/operations/mremap.hpp"

#include "models/operations/mprotect.hpp"
#include "scenarios/address_space/address_space_operation.hpp"

namespace mmsim {
namespace {

class MremapOperation final : public AddressSpaceOperation {
 public:
  std::vector<std::string_view> operations() const override { return {"mremap"}; }

  void round(AddressSpaceWorker& worker, Task& task) override {
    System& system = worker.system();
    Experiment& x = worker.experiment;
    const std::uint64_t pages = worker.pages;
    const PageNumber old = worker.mapped(task, 2 * pages);
    const std::uint64_t behind = pages_apart(2 * pages) - pages;
    x.required(task, mprotect(system, task, old + pages, behind, PROT_NONE), "mprotect");
    worker.write(task, old);
    worker.show(task, old);
    MmapResult moved;
    worker.measure(task, 0, [&] { moved = mremap(system, task, old, pages, 2 * pages, MREMAP_MAYMOVE); });
    x.required(task, moved.error, "mremap");
    x.required(task, munmap(system, task, moved.first, 2 * pages), "munmap");
    x.required(task, munmap(system, task, old + pages, behind), "munmap");
  }
};

const Registered<AddressSpaceOperation> registered{
    "mremap", "an area grows and has to move: mremap",
    [](const AddressSpaceSetting&) { return std::make_unique<MremapOperation>(); }};

} // namespace
} // namespace mmsim
