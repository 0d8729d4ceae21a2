// How the command ends. The numbers are a contract (INTERFACES.md, "Commands").
#pragma once

namespace mmsim {

enum ExitStatus : int {
  exit_done = 0,
  exit_violation = 1,   ///< the run found something that must not happen
  exit_wrong_input = 2, ///< the user can put it right
  exit_fault = 3,       ///< the program is wrong, or its machine is
  exit_interrupted = 130,
};

} // namespace mmsim
