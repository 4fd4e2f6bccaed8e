/* Compiles where the engine's header is a C header that needs nothing else. */
#include <tallybus/c/engine.h>

typedef int tallybus_engine_header_is_c;
