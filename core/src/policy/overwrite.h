// What of a backend's answer goes into the clients' copy of its event: restPolicy OVERWRITE. Pure.
#ifndef TALLYBUS_POLICY_OVERWRITE_H_
#define TALLYBUS_POLICY_OVERWRITE_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "tallybus/event.h"
#include "tallybus/policy.h"

namespace tallybus {

struct Overwritten {
  enum class Answer {
    kObject,
    kEmpty,    // no body at all
    kNotJson,  // or JSON, but no object
  };
  Answer answer = Answer::kObject;
  std::string json;       // the copy's object; empty: nothing changes
  size_t replaced = 0;    // fields that are others now
  size_t wrong_type = 0;  // fields of the answer that do not fit, and are left
  size_t unknown = 0;     // fields of the answer that have no type to fit
};

// The event's object with those members of `answer` that `fields` lists in the place of its own;
// the rest stays byte for byte. A known field of a StreamStatusEvent has the type of Web Call
// Server's table, and is added where the event lacks it. Any other has the type that it has in the
// event.
Overwritten Overwrite(const Event& event, std::string_view answer, const FieldSetPtr& fields);

}  // namespace tallybus

#endif  // TALLYBUS_POLICY_OVERWRITE_H_
