// TOML files as this program reads them: dotted paths, values that remember their place, errors with it.
#pragma once

#include <array>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <toml++/toml.h>

#include "sim/engine/configuration.hpp"

namespace mmsim::toml_file {

inline constexpr std::array<std::string_view, 4> sections{"machine", "kernel", "scenario", "run"};

/// Where `--set` stands in messages.
inline const Origin command_line{"--set", 0, 0};

/// Entry::layer of what stands on the command line, in the file, and in its base; bases of bases are one
/// further down each.
inline constexpr unsigned layer_of_command_line = 0, layer_of_file = 1, layer_of_base = 2;

Origin at(const toml::source_region& region, const std::string& file);

/// The path as the reader of a message would type it: relative where it is below the current folder.
std::string shown(const std::filesystem::path& path);

/// The .toml files in a folder by their names without the extension.
std::map<std::string, std::filesystem::path> toml_files(const std::filesystem::path& folder);

/// `file` is what messages call it. Throws InputError if it cannot be read or is no TOML.
toml::table parse_file(const std::filesystem::path& path, const std::string& file);

using Leaf = std::function<void(const std::string& path, const toml::key& key, const toml::node& value)>;

/// Visits what is not a table, nested tables giving dotted paths.
void flatten(const toml::table& table, const std::string& prefix, const Leaf& leaf);

/// A flag, number or text; nothing for lists, dates and tables.
std::optional<Value> scalar(const toml::node& node);

/// Adds every key of `table` as prefix + dotted path. Throws InputError for lists, dates and keys that are
/// set already.
void add_keys(Configuration& configuration, const toml::table& table, const std::string& prefix,
              const std::string& file);

/// The four sections; [sweep] is left to the caller. Throws InputError for any other.
Configuration read_sections(const toml::table& table, const std::string& file);

} // namespace mmsim::toml_file
