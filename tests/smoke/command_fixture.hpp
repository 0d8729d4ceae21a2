// Starting the built mmsim from a test, in a folder of its own.
#pragma once

#include <array>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mmsim {

/// A folder that goes away with the test.
class TestFolder {
 public:
  TestFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "mmsim-cli-XXXXXX").native();
    path_ = ::mkdtemp(name.data());
  }
  ~TestFolder() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  std::string operator/(const std::string& name) const { return (path_ / name).native(); }
  const std::filesystem::path& path() const { return path_; }
  std::string write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << text;
    return *this / name;
  }

 private:
  std::filesystem::path path_;
};

inline std::string contents_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

/// Every file below a folder with its bytes.
inline std::map<std::string, std::string> tree_of(const std::filesystem::path& folder) {
  std::map<std::string, std::string> tree;
  if (std::filesystem::exists(folder))
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
      tree[entry.path().lexically_relative(folder).native()] =
          entry.is_regular_file() ? contents_of(entry.path()) : "a folder";
  return tree;
}

struct Ended {
  int status = -1; ///< the exit status; minus the signal that killed it
  std::string out, err;
};

/// mmsim with these arguments, working in `folder`.
class Started {
 public:
  Started(const TestFolder& folder, const std::vector<std::string>& arguments)
      : out_(folder / ".stdout"), err_(folder / ".stderr") {
    child_ = ::fork();
    if (child_ != 0) return;
    ::dup2(::open(out_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666), STDOUT_FILENO);
    ::dup2(::open(err_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666), STDERR_FILENO);
    std::vector<char*> words{const_cast<char*>(MMSIM_BINARY)};
    for (const std::string& argument : arguments)
      words.push_back(const_cast<char*>(argument.c_str()));
    words.push_back(nullptr);
    if (::chdir(folder.path().c_str()) == 0) ::execv(MMSIM_BINARY, words.data());
    ::_exit(127);
  }
  void send(int signal) const { ::kill(child_, signal); }
  Ended wait() const {
    int status = 0;
    ::waitpid(child_, &status, 0);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), contents_of(out_),
            contents_of(err_)};
  }

 private:
  std::string out_, err_;
  pid_t child_;
};

inline Ended mmsim_command(const TestFolder& folder, const std::vector<std::string>& arguments) {
  return Started(folder, arguments).wait();
}

/// Four points of a second or less. Their warm-up holds the first refills of four per-CPU lists, one after the other.
inline std::string small_sweep(int seeds = 1) {
  return "[machine]\nbase = \"cortex-a72-4\"\n"
         "[kernel]\nbase = \"5.10\"\n"
         "[scenario]\nname = \"munmap\"\npages = 2\n"
         "[run]\nwarmup = \"200 us\"\nduration = \"200 us\"\n"
         "[sweep]\nseeds = " +
         std::to_string(seeds) +
         "\naxes = { \"run.cpus\" = [1, 4], \"kernel.tlb_flush\" = [\"broadcast\", \"eager\"] }\n";
}

} // namespace mmsim
