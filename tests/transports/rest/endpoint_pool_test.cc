// How an endpoint's handles are lent and given back.
#include "transports/rest/endpoint_pool.h"

#include <gtest/gtest.h>

#include <utility>

namespace tallybus::rest {
namespace {

class EndpointPoolTest : public ::testing::Test {
 protected:
  static EndpointSettings Settings() {
    Endpoint endpoint;
    endpoint.url = "http://127.0.0.1:8081";
    endpoint.max_connections = 2;
    auto settings = ReadSettings(endpoint);
    EXPECT_TRUE(settings.ok());
    return *std::move(settings);
  }

  Metrics metrics_;
  SocketWatch watch_;
  EndpointPool pool_{Settings(), metrics_, "defaultApp/backend", watch_};
};

TEST_F(EndpointPoolTest, IsFullWhenItsConnectionsAreLent) {
  EXPECT_TRUE(pool_.IsIdle());
  Attempt& first = pool_.Take();
  EXPECT_FALSE(pool_.IsFull());
  pool_.Take();
  EXPECT_TRUE(pool_.IsFull());
  pool_.GiveBack(first);
  EXPECT_FALSE(pool_.IsFull());
  EXPECT_FALSE(pool_.IsIdle());
}

TEST_F(EndpointPoolTest, LendsTheSameHandleAgain) {
  Attempt* const first = &pool_.Take();
  for (int i = 0; i < 10; ++i) {
    pool_.GiveBack(*first);
    EXPECT_EQ(&pool_.Take(), first);
  }
  EXPECT_EQ(pool_.attempts().size(), 1u);
  EXPECT_EQ(&first->pool(), &pool_);
}

TEST_F(EndpointPoolTest, IsNotIdleWhileADeliveryWaits) {
  const Event event;
  const Endpoint endpoint;
  const Parcel parcel{event, "", "", 1, 1, false, false, 0};
  pool_.waiting().push_back(Delivery{Ticket{1}, {&parcel, 1}, endpoint, MonoTime(), false});
  EXPECT_FALSE(pool_.IsIdle());
}

}  // namespace
}  // namespace tallybus::rest
