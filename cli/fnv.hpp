// FNV-1a, 64 bits (http://www.isthe.com/chongo/tech/comp/fnv/): told apart must be mistakes, not attacks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <spdlog/fmt/fmt.h>

namespace mmsim {

class Fnv {
 public:
  void add(std::string_view bytes) {
    for (const char byte : bytes)
      hash_ = (hash_ ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  }
  /// 16 hex digits.
  std::string text() const { return fmt::format("{:016x}", hash_); }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325;
};

} // namespace mmsim
