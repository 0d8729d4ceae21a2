#include "scenarios/process_image.hpp"

#include "models/operations/madvise.hpp"

#include <algorithm>
#include <utility>

namespace mmsim {

/// Which is there once its process's first task has made it; the other threads wait for it.
class BootProcess::Image {
 public:
  Image(Experiment& x, Placement placement) : x_(x), placement_(placement) {}

  void make(Task& task) {
    System& system = x_.system();
    const PageNumber stack = system.page_table_shape().end() - 1;
    map_and_touch(
        task, {.hint = stack, .pages = 1, .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN});
    const std::uint64_t loader = placement_ == Placement::apart ? TablePage::entries : 1;
    const PageNumber first = map_and_touch(task, {.pages = loader});
    // Else it would be one area with what is mapped next to it, which ld.so's and libc's are not.
    x_.required(task, madvise(system, task, first, loader, Advice::sequential), "madvise");
    made_ = true;
    for (const auto& waiting : waiting_)
      waiting->complete(system, task.core());
  }

  void await(Task& task) {
    task.core().settle();
    if (made_) return;
    waiting_.push_back(std::make_unique<Completion>("the process's image"));
    waiting_.back()->wait(x_.system(), task);
  }

 private:
  PageNumber map_and_touch(Task& task, const MmapRequest& request) {
    const PageNumber first = x_.required(task, mmap(x_.system(), task, request).first);
    touch(x_.system(), task, first + (request.pages - 1), AccessKind::write);
    return first;
  }

  Experiment& x_;
  const Placement placement_;
  bool made_ = false;
  std::vector<std::unique_ptr<Completion>> waiting_;
};

BootProcess::BootProcess(Experiment& x, Placement placement)
    : x_(x), image_(std::make_shared<Image>(x, placement)) {}

Task& BootProcess::spawn(std::string name, CoreId on, std::function<void(Task&)> body) {
  if (mm_ != nullptr)
    return spawn_thread_at_boot(x_.system(), std::move(name), *mm_, on,
                                [image = image_, body = std::move(body)](Task& task) {
                                  // Who is killed here ends in its body, which cleans up after itself.
                                  (void)killed_in(task, [&](Task& self) { image->await(self); });
                                  body(task);
                                });
  Task& task = spawn_process_at_boot(x_.system(), std::move(name), on,
                                     [image = image_, body = std::move(body)](Task& self) {
                                       (void)killed_in(self, [&](Task& made) { image->make(made); });
                                       body(self);
                                     });
  mm_ = task.mm;
  return task;
}

std::vector<ImageArea> make_image(Experiment& x, Task& task, std::int64_t pages, std::int64_t vmas) {
  std::vector<ImageArea> areas;
  for (std::int64_t i = 0; i < vmas; ++i) {
    // Areas beyond the last page are mapped but empty: they cost fork its per-area work.
    const auto share = static_cast<std::uint64_t>(pages / vmas + (i < pages % vmas ? 1 : 0));
    const std::uint64_t mapped = std::max<std::uint64_t>(1, share);
    const PageNumber first = x.required(task, mmap(x.system(), task, mapped));
    // Neighbours must differ, as text, data and libraries do, or they would be one area.
    const Advice advice = i % 2 == 0 ? Advice::random : Advice::sequential;
    x.required(task, madvise(x.system(), task, first, mapped, advice), "madvise");
    for (std::uint64_t page = 0; page < share; ++page)
      touch(x.system(), task, first + page, AccessKind::write);
    areas.push_back({first, share});
  }
  return areas;
}

} // namespace mmsim
