// What the workers of the scenario `address_space` do again and again: the interface. Every operation is one file that
// registers itself.
//
//   auto operation = Registry<AddressSpaceOperation>::instance().create("mremap", setting);
//   operation->set_up(worker, task);     // once, before the warm-up
//   operation->round(worker, task);      // again and again: what it measures, it measures itself
//
// A round is straight-line code: it makes what the system call works on, shows it to the readers if it likes, and
// measures the call. It may be killed at each call that may throw TaskKilled: what it holds then that exit_task() does
// not give back, it gives back itself (killed_in()).
#pragma once

#include "scenarios/users.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mmsim {

/// One of the tasks that call. Lives as long as the scenario, so that its children may look at it.
class AddressSpaceWorker {
 public:
  Experiment& experiment;
  const std::uint64_t pages; ///< scenario.pages
  const std::uint32_t number;
  const CoreId cpu; ///< where children start
  const std::vector<std::string_view> names;
  const std::vector<OperationId> operations;
  /// Returns once all readers have read `pages` pages from there on.
  const std::function<void(Task&, PageNumber)> show;
  PageNumber area = map_failed; ///< what set_up() has made, if the operation keeps one

  System& system() const { return experiment.system(); }
  /// Operation `which` of operations() in `task`, the worker's own or a child's.
  template <class Call>
  void measure(Task& task, std::size_t which, Call&& call) const {
    const OperationStart start = experiment.begin(task, names[which].data());
    call();
    experiment.end(operations[which], start, task);
  }
  /// An area of so many pages that shares neither a table nor a vm_area_struct with those of other workers.
  PageNumber mapped(Task& task, std::uint64_t how_many) const {
    return experiment.required(task, mmap(system(), task, pages_apart(how_many), TablePage::entries));
  }
  /// Writes to `pages` pages.
  void write(Task& task, PageNumber first) const {
    for (std::uint64_t page = 0; page < pages; ++page)
      touch(system(), task, first + page, AccessKind::write);
  }
};

/// What an operation is told when it is made.
struct AddressSpaceSetting {
  System& system;
  const Configuration& configuration;
  bool threads; ///< the workers are threads of one process
  std::int64_t workers;
};

class AddressSpaceOperation {
 public:
  static constexpr std::string_view registry_path = "scenario.operation";
  /// Before the machine runs. Throws InputError for a setting in which it cannot be.
  using Factory = std::function<std::unique_ptr<AddressSpaceOperation>(const AddressSpaceSetting&)>;
  virtual ~AddressSpaceOperation() = default;

  /// What it measures, in the order of their numbers: literals.
  virtual std::vector<std::string_view> operations() const = 0;
  virtual void set_up(AddressSpaceWorker&, Task&) {}
  virtual void round(AddressSpaceWorker& worker, Task& task) = 0;
  /// What it shows is the kernel's: processes can read it, too.
  virtual bool shows_kernel_pages() const { return false; }
  /// A reader reads `page`, which is shown.
  virtual void read(System& system, Task& task, PageNumber page) {
    touch(system, task, page, AccessKind::read);
  }
};

} // namespace mmsim
