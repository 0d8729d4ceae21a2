#pragma once
// Where `mmsim run --trace FILE` writes, and what `--trace-window` says.

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sim/record/trace.hpp"

namespace mmsim {

/// "2 ms..2.5 ms", "2 ms..", "..2.5 ms": simulated time since the start of the run. Throws InputError.
TraceWindow parse_trace_window(std::string_view text);

class TraceFile {
 public:
  /// A trace without a window is of the measured window and no larger than this.
  static constexpr std::uint64_t most_bytes = std::uint64_t{64} << 20;
  /// One with a window; more than a browser can show.
  static constexpr std::uint64_t most_bytes_of_window = std::uint64_t{1} << 30;

  /// Throws InputError, before the run, if the file cannot be written, or the window is none. Touches nothing.
  TraceFile(std::filesystem::path file, const std::optional<std::string>& window);

  Trace& trace() { return *trace_; }
  /// After the run: writes the file whole or not at all, and warns if it does not hold all that was asked for.
  void write();

 private:
  std::filesystem::path file_;
  std::unique_ptr<Trace> trace_;
};

} // namespace mmsim
