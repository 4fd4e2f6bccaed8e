// Compiles where the engine's header is a C++ header that needs nothing else.
#include <tallybus/c/engine.h>

static_assert(sizeof(tallybus_status) == sizeof(int), "an enum of C");
