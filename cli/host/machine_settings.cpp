#include "cli/host/machine_settings.hpp"

#include "cli/configuration_files.hpp"
#include "cli/toml_file.hpp"

namespace mmsim::host {

std::vector<std::string> machine_settings(const std::filesystem::path& file) {
  const std::string shown = toml_file::shown(file);
  std::error_code error;
  if (!std::filesystem::exists(file, error))
    throw InputError("there is no such machine file; mmsim calibrate --out FILE writes one of this machine",
                     {shown});
  const toml::table table = toml_file::parse_file(file, shown);
  std::vector<std::string> settings;
  toml_file::flatten(table, "machine.",
                     [&](const std::string& path, const toml::key& key, const toml::node& node) {
                       const Origin place = toml_file::at(key.source(), shown);
                       const std::optional<Value> value = toml_file::scalar(node);
                       if (!value)
                         throw InputError(path + " is neither a number nor a flag nor a text", place);
                       settings.push_back(path + "=" + to_text(*value));
                       try {
                         load_configuration({}, {settings.back()}); // known, and of the right type
                       } catch (const InputError& wrong) {
                         throw InputError(wrong.message(), place);
                       }
                     });
  return settings;
}

} // namespace mmsim::host
