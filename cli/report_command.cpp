#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <stdexcept>
#include <system_error>

#include <unistd.h>

#include "cli/commands.hpp"
#include "cli/exit_status.hpp"
#include "sim/engine/configuration.hpp"

namespace mmsim {
namespace {

namespace fs = std::filesystem;

// Another python3 may come first in PATH, without the packages that Debian installs for this one.
constexpr const char* python = "/usr/bin/python3";

/// The folder that has analysis/: the sources, or what was installed beside the program.
fs::path analysis_root() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  for (const fs::path& folder : {fs::path(MMSIM_SOURCE_DIR), program.parent_path().parent_path(),
                                 program.parent_path().parent_path() / "share" / "mmsim"})
    if (fs::exists(folder / "analysis" / "__main__.py", error)) return folder;
  throw std::runtime_error("analysis/ is neither in " MMSIM_SOURCE_DIR " nor beside " + program.native());
}

} // namespace

int report_command(const ReportOptions& options) {
  std::string path = analysis_root().native();
  if (const char* inherited = std::getenv("PYTHONPATH"); inherited && *inherited)
    path.append(":").append(inherited);
  ::setenv("PYTHONPATH", path.c_str(), 1);

  std::vector<std::string> words{python, "-m", "analysis", "report"};
  for (const std::string& file : options.real)
    words.push_back("--real=" + file);
  words.push_back("--");
  words.insert(words.end(), options.directories.begin(), options.directories.end());
  std::vector<char*> arguments;
  for (std::string& word : words)
    arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::cout.flush();
  ::execv(python, arguments.data());
  throw InputError(std::string(python) + " cannot be started: " + std::strerror(errno) +
                   "; install it: apt install python3-matplotlib python3-pandas python3-plotly");
}

} // namespace mmsim
