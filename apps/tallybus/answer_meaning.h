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

}  // namespace tallybus::cli

#endif  // TALLYBUS_APPS_TALLYBUS_ANSWER_MEANING_H_
