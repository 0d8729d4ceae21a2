// Tables for people: columns aligned, long text wrapped at the terminal's width.
//
//   TerminalTable table({{"name"}, {"mean", TerminalTable::right}, {"help", TerminalTable::wraps}});
//   table.add_row({"munmap", "1.2 us", "unmaps"});
//   std::cout << table.text(terminal);
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/terminal.hpp"

namespace mmsim {

class TerminalTable {
 public:
  enum Kind { left, right, wraps };
  struct Column {
    std::string title;
    Kind kind = left;
  };

  explicit TerminalTable(std::vector<Column> columns);

  /// A line above the titles, for headings of several lines.
  void add_heading(std::vector<std::string> cells);
  /// As many cells as columns.
  void add_row(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }

  /// Columns that the table takes if nothing is wrapped.
  std::size_t natural_width() const;
  /// Lines that end in "\n". Only columns that wrap get narrower; nothing is ever cut.
  std::string text(const Terminal& terminal, std::size_t indent = 0) const;

 private:
  std::vector<std::size_t> natural_widths() const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> headings_, rows_;
};

/// The text in lines of at most `width` columns, broken at spaces; a longer word is broken where it must be.
std::vector<std::string> wrapped(std::string_view text, std::size_t width);

} // namespace mmsim
