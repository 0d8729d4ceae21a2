// What made an operation slower (or faster) from one point to another, in one sentence.
#pragma once

#include <string>

#include "cli/findings.hpp"

namespace mmsim {

/// "munmap at 128 cpus is 9.1x slower than at 1: +71 % waiting for remote cores: handlers, +18 % mmap_lock
/// (sleeping)", where the percentages are parts of the added time; the most important only. Where an operation does
/// not say for whom it waited, its accounts are named. Empty if the means differ by less than a twentieth.
std::string growth(const std::string& axis_path, const std::string& from_value,
                   const Findings::Operation& from, const std::string& to_value,
                   const Findings::Operation& to);

/// "lazy is 3.2x faster than eager: -80 % waiting for remote cores: handlers", likewise; the faster of the two comes
/// first.
std::string comparison(const std::string& name, const Findings::Operation& operation,
                       const std::string& other_name, const Findings::Operation& other);

/// "at 128 cpus", "at send 80 ns": the value of an axis behind a word.
std::string at_value(const std::string& axis_path, const std::string& value);

} // namespace mmsim
