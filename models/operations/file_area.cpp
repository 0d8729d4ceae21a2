#include "models/operations/file_area.hpp"

#include "models/reclaim/file.hpp"

namespace mmsim {

void map_file(Task& task, File& file) {
  file.get(task.core());
  file.link_area(task);
}

// The lock is held once in the kernel; here the area leaves and comes back.
void move_in_file(Task& task, File& file) {
  file.unlink_area(task);
  file.link_area(task);
}

void unlink_from_file(Task& task, File& file) { file.unlink_area(task); }

void put_file(Core& core, File& file) { file.put(core); }

} // namespace mmsim
