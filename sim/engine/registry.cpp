#include "sim/engine/registry.hpp"

#include <stdexcept>

#include "sim/engine/nearest_name.hpp"

namespace mmsim {

namespace {

// A function's static, since registrations run before main() in an order that nobody knows.
std::map<std::string, const AnyRegistry*, std::less<>>& registries() {
  static std::map<std::string, const AnyRegistry*, std::less<>> by_path;
  return by_path;
}

} // namespace

AnyRegistry::AnyRegistry(std::string_view path) : path_(path) {
  if (!registries().emplace(path_, this).second)
    throw std::logic_error("two interfaces have the registry path " + path_);
}

void AnyRegistry::add(RegistryEntry entry) {
  std::string name = entry.name;
  if (!entries_.emplace(name, std::move(entry)).second)
    throw std::logic_error(path_ + " \"" + name + "\" is registered twice");
}

std::vector<RegistryEntry> AnyRegistry::entries() const {
  std::vector<RegistryEntry> result;
  for (const auto& [name, entry] : entries_)
    result.push_back(entry);
  return result;
}

std::vector<std::string> AnyRegistry::names() const {
  std::vector<std::string> result;
  for (const auto& [name, entry] : entries_)
    result.push_back(name);
  return result;
}

void AnyRegistry::check(std::string_view name, const Origin& origin) const {
  if (contains(name)) return;
  throw InputError(
      path_ + ": unknown name " + to_text(Value(std::string(name))) + did_you_mean(name, names()), origin);
}

std::vector<const AnyRegistry*> AnyRegistry::all() {
  std::vector<const AnyRegistry*> result;
  for (const auto& [path, registry] : registries())
    result.push_back(registry);
  return result;
}

const AnyRegistry* AnyRegistry::find(std::string_view path) {
  const auto found = registries().find(path);
  return found == registries().end() ? nullptr : found->second;
}

} // namespace mmsim
