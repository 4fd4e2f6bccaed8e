// A status object with another status: what the router says in the place of an engine.
#ifndef TALLYBUS_CODEC_WITH_STATUS_H_
#define TALLYBUS_CODEC_WITH_STATUS_H_

#include <string>
#include <string_view>

namespace tallybus {

// `json` (valid) with these two members set in their places, or put at the end; the rest byte for
// byte.
std::string WithStatus(std::string_view json, std::string_view status, std::string_view info);

}  // namespace tallybus

#endif  // TALLYBUS_CODEC_WITH_STATUS_H_
