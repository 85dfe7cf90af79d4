// Ctrl-C (SIGINT) and SIGTERM as a flag that loops ask for.
#pragma once

namespace mapwire::tools {

// From now on the first such signal only sets the flag; a second one ends the process, so that a
// run which does not come to ask can still be stopped.
void catch_interrupts();

// True once a signal came. Any thread.
bool interrupted();

}  // namespace mapwire::tools
