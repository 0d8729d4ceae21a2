#include "cli/proc_directory.hpp"

#include <utility>
#include <vector>

#include "sim/record/atomic_file.hpp"

namespace mmsim {
namespace {

namespace fs = std::filesystem;

fs::path window_of(const fs::path& directory) { return directory / "window"; }

} // namespace

void ProcDirectory::check(const fs::path& directory) { check_writable(window_of(directory), "--proc"); }

ProcDirectory::ProcDirectory(fs::path directory) : directory_(std::move(directory)) {
  made_.emplace(directory_);
  try {
    made_window_.emplace(window_of(directory_));
  } catch (...) {
    made_->undo();
    throw;
  }
}

void ProcDirectory::undo() const {
  made_window_->undo();
  made_->undo();
}

void ProcDirectory::write(const ProcRecord& record) const {
  std::vector<StagedFile> staged;
  for (const ProcFile& file : record.window)
    staged.emplace_back(window_of(directory_) / file.name, file.text);
  for (const ProcFile& file : record.end)
    staged.emplace_back(directory_ / file.name, file.text);
  for (StagedFile& file : staged)
    file.publish();
}

} // namespace mmsim
