#include "cli/host/host_surroundings.hpp"

#include <unistd.h>

#include <cstring>
#include <fstream>
#include <string_view>
#include <utility>

#include "cli/host/host_machine.hpp"
#include "cli/host/system_files.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace mmsim::host {
namespace {

using Names = std::pair<std::string_view, const char*>;

#if defined(__x86_64__)
std::string hypervisor_of_cpuid() {
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & (1u << 31))) return "";
  __cpuid(0x40000000, a, b, c, d);
  char signature[13] = {};
  std::memcpy(signature, &b, 4);
  std::memcpy(signature + 4, &c, 4);
  std::memcpy(signature + 8, &d, 4);
  static constexpr Names known[] = {{"KVMKVMKVM", "KVM"},       {"Microsoft Hv", "Hyper-V"},
                                    {"VMwareVMware", "VMware"}, {"XenVMMXenVMM", "Xen"},
                                    {"TCGTCGTCGTCG", "QEMU"},   {"bhyve bhyve ", "bhyve"}};
  for (const auto& [text, name] : known)
    if (text == signature) return name;
  return signature[0] ? signature : "unknown";
}
#endif

} // namespace

std::string hypervisor_seen() {
#if defined(__x86_64__)
  return hypervisor_of_cpuid();
#else
  if (std::string name = first_line("/sys/hypervisor/type"); !name.empty()) return name;
  const std::string vendor = first_line("/sys/class/dmi/id/sys_vendor") + ' ' +
                             first_line("/sys/class/dmi/id/product_name") + ' ' +
                             first_line("/proc/device-tree/hypervisor/compatible");
  static constexpr Names known[] = {{"QEMU", "KVM"},       {"KVM", "KVM"},   {"kvm", "KVM"},
                                    {"VMware", "VMware"},  {"Xen", "Xen"},   {"Virtual Machine", "Hyper-V"},
                                    {"Amazon EC2", "KVM"}, {"Google", "KVM"}};
  for (const auto& [text, name] : known) {
    // Instances that Amazon calls metal are what they say.
    if (vendor.find(text) != std::string::npos && vendor.find(".metal") == std::string::npos) return name;
  }
  return "";
#endif
}

std::string container_seen() {
  if (access("/.dockerenv", F_OK) == 0) return "docker";
  if (access("/run/.containerenv", F_OK) == 0) return "podman";
  if (std::string name = first_line("/run/systemd/container"); !name.empty()) return name;
  std::ifstream file("/proc/1/cgroup");
  static constexpr Names known[] = {
      {"kubepods", "kubernetes"}, {"docker", "docker"}, {"containerd", "containerd"}, {"/lxc", "lxc"}};
  for (std::string line; std::getline(file, line);)
    for (const auto& [text, name] : known)
      if (line.find(text) != std::string::npos) return name;
  return "";
}

std::string what_surrounds(const HostMachine& machine) {
  std::string text = machine.hypervisor.empty()
                         ? "no hypervisor is seen"
                         : "a virtual machine (hypervisor: " + machine.hypervisor + ')';
  return text + (machine.container.empty() ? ", no container is seen"
                                           : ", in a container (" + machine.container + ')');
}

} // namespace mmsim::host
