// The interrupts that a core can take.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mmsim {

class Core;

enum class Irq : std::uint8_t {
  call_function, ///< somebody has put work on this core's call queue
  reschedule,    ///< look at the run queue
  tick,          ///< the core's own timer; no IPI
  flush_tlb_all, ///< drop all translations (a roll-over of address-space ids in 2.6.24)
  device         ///< a device has finished something; no IPI
};
inline constexpr std::size_t irq_count = 5;
/// As the enumerator, e.g. "call_function".
constexpr std::string_view name(Irq irq) {
  constexpr std::array<std::string_view, irq_count> names{"call_function", "reschedule", "tick",
                                                          "flush_tlb_all", "device"};
  return names[static_cast<std::size_t>(irq)];
}
constexpr bool is_ipi(Irq irq) { return irq != Irq::tick && irq != Irq::device; }

/// What the kernel does when one comes. Runs to completion on the interrupted fiber's stack with irqs off;
/// may charge, settle and access lines, must not sleep.
class InterruptHandler {
 public:
  virtual ~InterruptHandler() = default;
  virtual void handle(Core& core) = 0;
};

} // namespace mmsim
