// The way to one cluster: messages out by an idempotent producer, its reports back.
#ifndef TALLYBUS_KAFKA_KAFKA_LINK_H_
#define TALLYBUS_KAFKA_KAFKA_LINK_H_

#include <memory>

#include "transports/kafka/kafka_settings.h"
#include "transports/parts/linked_transport.h"

namespace tallybus::kafka {

// Where no broker can be reached, what waits is completed and the producer ends; the next delivery
// makes another. What a broker refused as one of several goes again, by a second producer, alone.
std::unique_ptr<parts::Link> MakeKafkaLink(const KafkaSettings& settings,
                                           const parts::LinkContext& context);

// Whether librdkafka takes the settings. No network.
absl::Status CheckProperties(const KafkaSettings& settings);

}  // namespace tallybus::kafka

#endif  // TALLYBUS_KAFKA_KAFKA_LINK_H_
