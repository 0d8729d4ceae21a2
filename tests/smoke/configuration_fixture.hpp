// Parameters and policies that exist for the tests of the configuration only, and what those tests share.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>

#include "sim/engine/configuration.hpp"
#include "sim/engine/parameter.hpp"
#include "sim/engine/registry.hpp"

namespace mmsim {

struct TestPolicy {
  static constexpr std::string_view registry_path = "kernel.test_policy";
  using Factory = std::function<std::unique_ptr<TestPolicy>(int)>;
  virtual ~TestPolicy() = default;
  int argument = 0;
};
inline const TestPolicy::Factory make_policy = [](int argument) {
  auto policy = std::make_unique<TestPolicy>();
  policy->argument = argument;
  return policy;
};
inline const Registered<TestPolicy> hasty{"hasty", "does everything now", make_policy};
inline const Registered<TestPolicy> tardy{"tardy", "does everything later", make_policy, "what-if"};

struct TestParameters {
  Duration delay;
  Bytes memory;
  BytesPerSecond bandwidth;
  Hertz bus;
  std::int64_t count;
  double share;
  bool enabled;
  std::string policy, mode;
  std::int64_t bits;
  static void declare(Declaration& d, TestParameters& p) {
    d("machine.test.delay", p.delay, "80 ns", "a delay", "estimate: for tests").at_most("1 ms");
    d("machine.test.memory", p.memory, "64 GiB", "a size", "estimate: for tests").at_least("1 MiB");
    d("machine.test.bandwidth", p.bandwidth, "1.2 GiB/s", "a rate", "estimate: for tests");
    d("machine.test.bus", p.bus, "2.6 GHz", "a frequency", "estimate: for tests").at_least("1 Hz");
    d("kernel.test_count", p.count, 3, "a count").at_least(1).at_most(8);
    d("kernel.test_share", p.share, 0.5, "a share").at_least(0).at_most(1);
    d("kernel.test_enabled", p.enabled, false, "a flag");
    d("kernel.test_policy", p.policy, "hasty", "a policy").registered<TestPolicy>();
    d("kernel.test_mode", p.mode, "threads", "a mode").one_of({"threads", "processes"});
    d("kernel.test_bits", p.bits, 16, "some bits").one_of({0, 8, 16});
  }
};
inline const DeclareParameters<TestParameters> declared_test_parameters;

struct ForkTestParameters {
  std::int64_t depth;
  static void declare(Declaration& d, ForkTestParameters& p) {
    d("scenario.test_depth", p.depth, 1, "a depth");
  }
};
inline const DeclareParameters<ForkTestParameters> declared_fork_parameters{"fork"};

struct MunmapTestParameters {
  std::int64_t width;
  static void declare(Declaration& d, MunmapTestParameters& p) {
    d("scenario.test_width", p.width, 1, "a width");
  }
};
inline const DeclareParameters<MunmapTestParameters> declared_munmap_parameters{"munmap"};

/// The message of the InputError that `action` throws.
inline std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

template <class T>
T value_at(const Configuration& configuration, const std::string& path) {
  const Entry* entry = configuration.find(path);
  if (!entry) throw std::runtime_error(path + " is not set");
  return std::get<T>(entry->value);
}

} // namespace mmsim
