#pragma once
// Files that appear whole or not at all: written under a temporary name in the same directory, synced,
// renamed.

#include <filesystem>
#include <string>
#include <string_view>

namespace mmsim {

/// A file written under its temporary name; publish() puts it in place. Without publish() it is removed. Several
/// staged files can so be published together once all are known to be on disk.
class StagedFile {
 public:
  /// An empty file, for append(). Throws std::system_error, with the path in its text, if it cannot be written.
  explicit StagedFile(std::filesystem::path target);
  /// Written and synced. Throws std::system_error, with the path in its text, if it cannot be.
  StagedFile(std::filesystem::path target, std::string_view contents);
  ~StagedFile();
  StagedFile(StagedFile&& other) noexcept;
  StagedFile(const StagedFile&) = delete;
  StagedFile& operator=(const StagedFile&) = delete;
  StagedFile& operator=(StagedFile&&) = delete;

  /// Writes on. Throws std::system_error; the temporary file is then removed.
  void append(std::string_view contents);
  /// Nothing more comes: syncs. Throws std::system_error; the temporary file is then removed.
  void finish();
  /// Replaces the target, after finish(). Throws std::system_error; the temporary file is then removed and the target as it
  /// was.
  void publish();

 private:
  void give_up(int error);

  std::filesystem::path target_, temporary_; // temporary_ is empty once it is gone
  int file_ = -1;                            // open until finish()
};

/// Writes one file whole or not at all. Throws std::system_error with the path.
void atomic_write(const std::filesystem::path& target, std::string_view contents);

/// Removes temporary files that a killed process has left in `directory`; the number removed. Only for a
/// caller that knows that nobody else is writing there.
std::size_t remove_abandoned_temporaries(const std::filesystem::path& directory);

} // namespace mmsim
