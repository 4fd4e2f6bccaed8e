// Janus's headers, which do not say that they are C.
#ifndef TALLYBUS_PLUGINS_JANUS_JANUS_API_H_
#define TALLYBUS_PLUGINS_JANUS_JANUS_API_H_

// Whatever they include must come first: it may hold C++, which extern "C" forbids.
#include <glib.h>
#include <glib/gprintf.h>
#include <jansson.h>

#include <cctype>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

extern "C" {
#include <janus/config.h>
#include <janus/debug.h>
#include <janus/events/eventhandler.h>
}

#endif  // TALLYBUS_PLUGINS_JANUS_JANUS_API_H_
