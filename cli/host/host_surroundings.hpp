// Whether Linux runs on the machine itself, and we on Linux itself.
#pragma once

#include <string>

namespace mmsim::host {

/// "KVM", "VMware", ..., "unknown" if there is one without a name; empty if none is seen.
std::string hypervisor_seen();
/// "docker", "kubernetes", ...; empty if none is seen.
std::string container_seen();

} // namespace mmsim::host
