#include "cli/sweep_directory.hpp"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include "sim/engine/configuration.hpp"
#include "sim/record/atomic_file.hpp"
#include "sim/record/tables.hpp"

namespace mmsim {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* advice = "; choose another --out, or remove the directory";

std::optional<std::string> contents_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return std::nullopt;
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

Origin at(const fs::path& path) { return {path.native()}; }

/// The member of a JSON file that is ours. Throws InputError if it is not.
std::string text_member(const fs::path& file, const std::string& text, const char* member) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains(member) || !json[member].is_string())
    throw InputError(std::string("damaged, or not of mmsim") + advice, at(file));
  return json[member].get<std::string>();
}

std::vector<fs::path> point_files(const fs::path& points) {
  std::vector<fs::path> result;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(points, error))
    if (entry.path().extension() == ".json" && entry.path().filename() != "sweep.json" &&
        !entry.path().filename().native().starts_with('.'))
      result.push_back(entry.path());
  return result;
}

fs::path run_file(const fs::path& points, std::size_t point, std::uint64_t seed) {
  return points / (std::to_string(point) + '-' + std::to_string(seed) + ".json");
}

fs::path without_trailing_slash(fs::path path) {
  path = path.lexically_normal();
  return path.has_filename() || !path.has_relative_path() ? path : path.parent_path();
}

} // namespace

void check_writable(const fs::path& path, const char* option) {
  const fs::path directory = without_trailing_slash(path);
  const std::string other = std::string("; choose another ") + option;
  fs::path existing = directory.empty() ? fs::path(".") : directory;
  std::error_code error;
  while (!fs::exists(existing, error)) {
    if (error) throw InputError("cannot be written: " + error.message() + other, at(directory));
    existing = existing.has_parent_path() && existing.parent_path() != existing ? existing.parent_path()
                                                                                : fs::path(".");
  }
  if (!fs::is_directory(existing, error))
    throw InputError("cannot be written: " + existing.native() + " is no directory" + other, at(directory));
  if (::access(existing.c_str(), W_OK | X_OK) != 0)
    throw InputError(std::string("cannot be written: ") + std::strerror(errno) + other, at(directory));
}

void check_result_directory(const fs::path& path, const std::string& hash) {
  const fs::path directory = without_trailing_slash(path);
  check_writable(directory, "--out");
  const fs::path identity = directory / "points" / "sweep.json", manifest = directory / "manifest.json";
  std::string found;
  if (const auto text = contents_of(identity)) {
    found = text_member(identity, *text, "hash");
  } else if (const auto other = contents_of(manifest)) {
    found = text_member(manifest, *other, "hash");
  } else {
    std::vector<fs::path> ours{manifest};
    for (const std::string_view name : table_names)
      ours.push_back(directory / name);
    for (const fs::path& file : ours)
      if (std::error_code error; fs::exists(file, error))
        throw InputError("exists, but belongs to no result of mmsim; choose another --out", at(file));
    if (!point_files(directory / "points").empty())
      throw InputError("holds files that are not of mmsim; choose another --out", at(directory / "points"));
    return;
  }
  if (found != hash)
    throw InputError("holds the results of another sweep or run (hash " + found + ", not " + hash + ")" +
                         advice,
                     at(directory));
}

MadeDirectory::MadeDirectory(const fs::path& path) {
  const fs::path directory = without_trailing_slash(path);
  std::error_code error;
  for (fs::path each = directory; !each.empty() && !fs::exists(each, error); each = each.parent_path())
    made_.push_back(each);
  fs::create_directories(directory, error);
  if (!error) return;
  undo();
  throw InputError("cannot be created: " + error.message(), at(directory));
}

void MadeDirectory::undo() const {
  std::error_code error; // what cannot be removed stays
  for (const fs::path& each : made_)
    if (fs::is_empty(each, error) && !error) fs::remove(each, error);
}

std::optional<PointResult> finished_run(const fs::path& directory, std::size_t point, std::uint64_t seed) {
  const fs::path file = run_file(directory / "points", point, seed);
  const auto text = contents_of(file);
  if (!text) return std::nullopt;
  try {
    PointResult result = point_result_from_json(*text);
    if (result.seed == seed) return result;
    spdlog::warn("{}: is of seed {}; runs again", file.native(), result.seed);
  } catch (const std::invalid_argument& error) {
    spdlog::warn("{}: {}; runs again", file.native(), error.what());
  }
  return std::nullopt;
}

std::optional<std::string> build_of_runs(const fs::path& directory) {
  const fs::path identity = directory / "points" / "sweep.json";
  const auto text = contents_of(identity);
  if (!text) return std::nullopt;
  return text_member(identity, *text, "build");
}

SweepDirectory::SweepDirectory(fs::path directory, const std::string& hash, const std::string& build)
    : directory_(without_trailing_slash(std::move(directory))), points_(directory_ / "points") {
  check_result_directory(directory_, hash);
  made_.emplace(points_);

  lock_ = ::open(points_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  // The children of a sweep that was just killed hold the lock as well, for the moment until they die.
  for (int i = 0; lock_ >= 0 && i < 40 && ::flock(lock_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  if (lock_ < 0 || ::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    const int reason = errno;
    if (lock_ >= 0) ::close(lock_);
    throw InputError(reason == EWOULDBLOCK ? std::string("another mmsim is at work in it")
                                           : std::string("cannot be locked: ") + std::strerror(reason),
                     at(directory_));
  }
  try {
    remove_abandoned_temporaries(points_);
    remove_abandoned_temporaries(directory_);
    const fs::path identity = points_ / "sweep.json";
    const auto text = contents_of(identity);
    resumed_ = text.has_value();
    if (!text || text_member(identity, *text, "build") != build) {
      for (const fs::path& file : point_files(points_))
        outdated_ += fs::remove(file);
      const Json json{{"hash", hash}, {"build", build}, {"version", MMSIM_VERSION}};
      atomic_write(identity, json.dump(1) + '\n');
    }
  } catch (const std::system_error& failure) {
    ::close(lock_);
    throw InputError(std::string("cannot be written: ") + failure.what(), at(directory_));
  }
}

SweepDirectory::~SweepDirectory() { ::close(lock_); }

fs::path SweepDirectory::file_of(std::size_t point, std::uint64_t seed) const {
  return run_file(points_, point, seed);
}

void SweepDirectory::undo() {
  if (resumed_) return;
  std::error_code error; // the user's error is being reported already
  for (const fs::path& file : point_files(points_))
    fs::remove(file, error);
  remove_abandoned_temporaries(points_); // a run that was stopped may have been writing
  fs::remove(points_ / "sweep.json", error);
  made_->undo();
}

} // namespace mmsim
