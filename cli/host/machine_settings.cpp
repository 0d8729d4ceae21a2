#include "cli/host/machine_settings.hpp"

#include <fstream>

#include "cli/configuration_files.hpp"
#include "cli/toml_file.hpp"

namespace mmsim::host {
namespace {

/// As a base that is a path, and says so: with a '/' in it.
std::string as_base(const std::filesystem::path& file) {
  const std::string name = file.native();
  return name.find('/') != std::string::npos ? name : "./" + name;
}

} // namespace

std::string machine_setting(const std::filesystem::path& file) {
  std::error_code error;
  if (!std::filesystem::exists(file, error))
    throw InputError("there is no such machine file; mmsim calibrate --out FILE writes one of this machine",
                     {toml_file::shown(file)});
  const std::string setting = "machine.base=" + as_base(file);
  load_configuration({}, {setting}); // what is wrong with it is said with its place
  return setting;
}

std::string calibrated_model(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  // "# MODEL, 2 CPUs, as mmsim calibrate measured it" (machine_file.cpp)
  const std::size_t said = line.rfind(", as mmsim calibrate measured it");
  if (!line.starts_with("# ") || said == std::string::npos) return {};
  const std::size_t cpus = line.rfind(", ", said - 1);
  return cpus == std::string::npos ? std::string() : line.substr(2, cpus - 2);
}

} // namespace mmsim::host
