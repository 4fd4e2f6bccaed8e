// What an answer does to its event, in words: by the same table that the router has.
#ifndef TALLYBUS_APPS_TALLYBUS_ANSWER_MEANING_H_
#define TALLYBUS_APPS_TALLYBUS_ANSWER_MEANING_H_

#include <string>

#include "tallybus/transport.h"

namespace tallybus::cli {

// "204 No Content", or "no answer: connection refused".
std::string AnswerText(const DeliveryResult& result);

// Under `delivery: notify`, and under `delivery: guaranteed`.
std::string MeaningUnderNotify(const DeliveryResult& result);
std::string MeaningUnderGuaranteed(const DeliveryResult& result);

// Of a `connect`, which asks whether a session may begin.
std::string MeaningOfConnect(const DeliveryResult& result);
// It says no and means it, by 401 or 403: a right answer too.
bool DeclinesSession(const DeliveryResult& result);

}  // namespace tallybus::cli

#endif  // TALLYBUS_APPS_TALLYBUS_ANSWER_MEANING_H_
