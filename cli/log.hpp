// Messages to the user: to standard error, through spdlog. Results never go there.
#pragma once

namespace mmsim {

/// "mmsim: warning: ..."; the level is coloured on a terminal.
void set_up_log();

} // namespace mmsim
