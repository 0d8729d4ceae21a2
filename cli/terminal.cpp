#include "cli/terminal.hpp"

#include <algorithm>
#include <cstdlib>

#include <sys/ioctl.h>
#include <unistd.h>

namespace mmsim {

std::string Terminal::painted(std::string_view code, std::string_view text) const {
  if (!colour) return std::string(text);
  return "\033[" + std::string(code) + 'm' + std::string(text) + "\033[0m";
}

namespace {

/// What locale(7) says of the encoding, without loading one: the first of these that is set decides.
bool locale_is_utf8() {
  for (const char* variable : {"LC_ALL", "LC_CTYPE", "LANG"})
    if (const char* value = std::getenv(variable); value && *value) {
      const std::string_view locale = value;
      for (const std::string_view encoding : {"UTF-8", "utf-8", "UTF8", "utf8"})
        if (locale.find(encoding) != std::string_view::npos) return true;
      return false;
    }
  return false;
}

} // namespace

Terminal terminal_of(int file_descriptor) {
  Terminal terminal;
  terminal.interactive = ::isatty(file_descriptor) == 1;
  if (!terminal.interactive) return terminal;
  const char* no_color = std::getenv("NO_COLOR");
  const char* kind = std::getenv("TERM");
  terminal.colour = !(no_color && *no_color) && kind && std::string_view(kind) != "dumb";
  terminal.box_drawing = locale_is_utf8() && kind && std::string_view(kind) != "dumb";
  winsize size{};
  if (::ioctl(file_descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    terminal.width = std::max<std::size_t>(size.ws_col, 40);
  return terminal;
}

std::size_t columns_of(std::string_view text) {
  return std::size_t(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

} // namespace mmsim
