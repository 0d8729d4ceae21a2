// The commands of mmsim. Each returns the exit status; what is wrong with the input comes as an InputError.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace mmsim {

struct RunOptions {
  std::filesystem::path configuration;     ///< empty: defaults and overrides alone
  std::vector<std::string> overrides;      ///< "path=value"
  std::filesystem::path out;               ///< empty: nothing is written
  std::filesystem::path proc;              ///< empty: no files of /proc
  std::filesystem::path trace;             ///< empty: no trace
  std::optional<std::string> trace_window; ///< FROM..TO; none: the measured window
  std::string command;                     ///< as it was typed, for the manifest
};
int run_command(const RunOptions& options);

struct SweepOptions {
  std::filesystem::path sweep;
  std::vector<std::string> overrides;
  std::filesystem::path out; ///< empty: results/<name of the sweep file>
  unsigned processes = 0;    ///< 0: one a hardware thread
  bool dry_run = false;
  bool estimate = true; ///< a dry run also says how long it will take, which may need short runs
  std::string command;
};
int sweep_command(const SweepOptions& options);

struct ValidateOptions {
  std::optional<std::string> only; ///< a regular expression for names and topics of cases
  std::filesystem::path out;       ///< empty: results/validation, or with `only` nowhere
  unsigned processes = 0;          ///< 0: one a hardware thread
  bool dry_run = false;
  bool points = false;                ///< show all points, not the cases alone
  bool host = false;                  ///< this machine instead of the published ones
  std::filesystem::path machine_file; ///< with `host`: what mmsim calibrate has written; empty: its default
  std::string command;
};
int validate_command(const ValidateOptions& options);
/// `mmsim validate --host` (cli/host/).
int validate_host_command(const ValidateOptions& options);

struct CalibrateOptions {
  std::filesystem::path out; ///< the machine file to write; empty: the command's default
  bool quick = false;        ///< fewer repetitions: wider spreads
  double budget_seconds = 0; ///< of all measurements together; 0: the command's default
  std::string command;
};
/// Measures this machine (cli/host/).
int calibrate_command(const CalibrateOptions& options);

struct ListOptions {
  std::string kind; ///< one of list_kinds()
  bool json = false;
};
std::vector<std::string> list_kinds();
int list_command(const ListOptions& options);

struct ExplainOptions {
  std::filesystem::path directory;
  bool every_point = false; ///< trees of all points
  bool locks = false;       ///< all locks of all points
};
int explain_command(const ExplainOptions& options);

struct ReportOptions {
  std::vector<std::string> directories;
  std::vector<std::string> real; ///< FILE.csv or FILE.csv:OPERATION
};
/// Does not return if Python can be started: this process becomes it.
int report_command(const ReportOptions& options);

} // namespace mmsim
