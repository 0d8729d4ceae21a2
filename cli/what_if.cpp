#include "cli/what_if.hpp"

#include <variant>

#include "models/tlb_flush/tlb_flush_policy.hpp"

namespace mmsim {
namespace {

constexpr std::string_view policy_path = "kernel.tlb_flush";

} // namespace

bool is_what_if(const Configuration& configuration, std::string_view path, std::string_view name) {
  return path == policy_path && what_if(configuration, name);
}

std::vector<std::string> what_ifs(const Configuration& configuration) {
  const Entry* entry = configuration.find(policy_path);
  const auto* policy = entry ? std::get_if<std::string>(&entry->value) : nullptr;
  if (!policy || !is_what_if(configuration, policy_path, *policy)) return {};
  return {std::string(policy_path) + '=' + *policy};
}

} // namespace mmsim
