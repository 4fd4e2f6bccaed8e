// How an endpoint's handles are lent and given back.
#include "transports/rest/endpoint_pool.h"

#include <gtest/gtest.h>

#include <utility>

namespace tallybus::rest {
namespace {

class EndpointPoolTest : public ::testing::Test {
 protected:
  static EndpointSettings Settings(std::string url = "http://127.0.0.1:8081",
                                   std::string format = "wcs") {
    Endpoint endpoint;
    endpoint.url = std::move(url);
    endpoint.options["format"] = std::move(format);
    endpoint.max_connections = 2;
    auto settings = ReadSettings(endpoint);
    EXPECT_TRUE(settings.ok());
    return *std::move(settings);
  }

  SystemClock clock_;
  Metrics metrics_;
  SocketWatch watch_;
  // Nothing is sent here, so that no handle of libcurl's is needed.
  EndpointPool Pool(EndpointSettings settings) {
    return EndpointPool(std::move(settings), clock_, metrics_, "defaultApp/backend", watch_,
                        nullptr);
  }
  EndpointPool pool_ = Pool(Settings());
};

TEST_F(EndpointPoolTest, IsFullWhenItsConnectionsAreLent) {
  EXPECT_TRUE(pool_.IsIdle());
  Attempt& first = pool_.Take(2);
  EXPECT_FALSE(pool_.IsFull());
  pool_.Take(2);
  EXPECT_TRUE(pool_.IsFull());
  pool_.GiveBack(first);
  EXPECT_FALSE(pool_.IsFull());
  EXPECT_FALSE(pool_.IsIdle());
}

TEST_F(EndpointPoolTest, LendsTheSameHandleAgain) {
  Attempt* const first = &pool_.Take(2);
  for (int i = 0; i < 10; ++i) {
    pool_.GiveBack(*first);
    EXPECT_EQ(&pool_.Take(2), first);
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

TEST_F(EndpointPoolTest, MakesItsOwnConnectionsWhereHttp2IsOutOfTheQuestion) {
  EXPECT_FALSE(pool_.Take(2).IsByLibcurl());
  EXPECT_FALSE(Pool(Settings("https://127.0.0.1:8081", "json-array")).Take(2).IsByLibcurl());
}

TEST_F(EndpointPoolTest, OffersHttp2UntilThePeerHasNotTakenItUp) {
  EndpointPool pool = Pool(Settings("https://127.0.0.1:8081"));
  Attempt& first = pool.Take(2);
  EXPECT_TRUE(first.IsByLibcurl());
  EXPECT_TRUE(pool.NoteHttp1());
  EXPECT_FALSE(pool.Take(2).IsByLibcurl());
  pool.GiveBack(first);
  EXPECT_FALSE(pool.Take(2).IsByLibcurl()) << "what was lent before stays where it is";
}

TEST_F(EndpointPoolTest, OffersHttp2AgainWhereNoConnectionStands) {
  EndpointPool pool = Pool(Settings("https://127.0.0.1:8081"));
  pool.NoteHttp1();
  pool.GiveBack(pool.Take(2));
  pool.ForgetHttp1();
  EXPECT_TRUE(pool.Take(2).IsByLibcurl());
}

TEST_F(EndpointPoolTest, SendsNoLargeBodyByHttp2) {
  EndpointPool pool = Pool(Settings("https://127.0.0.1:8081"));
  EXPECT_TRUE(pool.Take(65'535).IsByLibcurl());
  EXPECT_FALSE(pool.Take(65'536).IsByLibcurl());
}

TEST_F(EndpointPoolTest, MakesNoMoreOfOneKindThanItMayLend) {
  EndpointPool pool = Pool(Settings("https://127.0.0.1:8081"));
  for (int i = 0; i < 10; ++i) {
    Attempt& large = pool.Take(1 << 20);
    Attempt& small = pool.Take(2);
    pool.GiveBack(i % 2 == 0 ? large : small);
    pool.GiveBack(i % 2 == 0 ? small : large);
  }
  EXPECT_EQ(pool.attempts().size(), 2u);
}

TEST_F(EndpointPoolTest, LeavesNamesBeyondAsciiToLibcurl) {
  EXPECT_TRUE(Pool(Settings("http://b\xc3\xbc"
                            "cher.example"))
                  .Take(2)
                  .IsByLibcurl());
  EndpointPool pool =
      Pool(Settings("https://b\xc3\xbc"
                    "cher.example"));
  EXPECT_FALSE(pool.NoteHttp1());
  EXPECT_TRUE(pool.Take(2).IsByLibcurl());
}

}  // namespace
}  // namespace tallybus::rest
