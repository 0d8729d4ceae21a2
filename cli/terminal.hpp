// What the reader's side of a file descriptor can show.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mmsim {

struct Terminal {
  bool interactive = false; ///< somebody watches
  bool colour = false;      ///< interactive, and NO_COLOR (no-color.org) is not set
  std::size_t width = 80;   ///< columns; 80 where nobody knows
  bool box_drawing = false; ///< interactive, and the locale is UTF-8: lines of trees may be drawn

  std::string bold(std::string_view text) const { return painted("1", text); }
  std::string dim(std::string_view text) const { return painted("2", text); }
  std::string red(std::string_view text) const { return painted("31", text); }
  std::string yellow(std::string_view text) const { return painted("33", text); }

 private:
  std::string painted(std::string_view code, std::string_view text) const;
};

/// Of standard output (1) or standard error (2).
Terminal terminal_of(int file_descriptor);

/// Columns that a UTF-8 text takes, one a code point.
std::size_t columns_of(std::string_view text);

} // namespace mmsim
