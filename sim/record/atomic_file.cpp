#include "sim/record/atomic_file.hpp"

#include <atomic>
#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

namespace mmsim {
namespace {

// Hidden, so that nobody's glob for *.csv finds half a table.
constexpr std::string_view temporary_prefix = ".mmsim-tmp.";

[[noreturn]] void fail(int error, const std::string& what) {
  throw std::system_error(error, std::generic_category(), what);
}

std::filesystem::path directory_of(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

} // namespace

StagedFile::StagedFile(std::filesystem::path target) : target_(std::move(target)) {
  static std::atomic<unsigned> serial = 0;
  do { // a killed process may have had our id
    temporary_ = directory_of(target_) / (std::string(temporary_prefix) + target_.filename().string() + "." +
                                          std::to_string(::getpid()) + "." + std::to_string(serial++));
    file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (file_ < 0 && errno == EEXIST);
  if (file_ < 0) {
    const int error = errno;
    temporary_.clear();
    fail(error, "cannot write " + target_.string());
  }
}

StagedFile::StagedFile(std::filesystem::path target, std::string_view contents)
    : StagedFile(std::move(target)) {
  append(contents);
  finish();
}

// Called with the file open or just closed.
void StagedFile::give_up(int error) {
  if (file_ >= 0) ::close(file_);
  file_ = -1;
  ::unlink(temporary_.c_str());
  temporary_.clear();
  fail(error, "cannot write " + target_.string());
}

void StagedFile::append(std::string_view contents) {
  while (!contents.empty()) {
    const ssize_t written = ::write(file_, contents.data(), contents.size());
    if (written >= 0)
      contents.remove_prefix(std::size_t(written));
    else if (errno != EINTR)
      give_up(errno);
  }
}

void StagedFile::finish() {
  int error = ::fsync(file_) != 0 ? errno : 0;
  if (::close(std::exchange(file_, -1)) != 0 && !error) error = errno;
  if (error) give_up(error);
}

StagedFile::StagedFile(StagedFile&& other) noexcept
    : target_(std::move(other.target_)), temporary_(std::move(other.temporary_)),
      file_(std::exchange(other.file_, -1)) {
  other.temporary_.clear(); // a moved-from path need not be empty
}

StagedFile::~StagedFile() {
  if (file_ >= 0) ::close(file_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void StagedFile::publish() {
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) {
    const int error = errno;
    ::unlink(temporary_.c_str());
    temporary_.clear();
    fail(error, "cannot replace " + target_.string());
  }
  temporary_.clear();
  // The new name is on disk only once its directory is. Some file systems cannot sync a directory (EINVAL):
  // the rename is atomic there all the same.
  const int directory = ::open(directory_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return;
  const int error = ::fsync(directory) != 0 && errno != EINVAL ? errno : 0;
  ::close(directory);
  if (error) fail(error, "cannot sync the directory of " + target_.string());
}

void atomic_write(const std::filesystem::path& target, std::string_view contents) {
  StagedFile(target, contents).publish();
}

std::size_t remove_abandoned_temporaries(const std::filesystem::path& directory) {
  std::size_t removed = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    if (entry.path().filename().string().starts_with(temporary_prefix))
      removed += std::filesystem::remove(entry.path());
  return removed;
}

} // namespace mmsim
