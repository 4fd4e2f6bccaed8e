// For .cc files alone: curl_easy_setopt with its outcome remembered.
#ifndef TALLYBUS_REST_CURL_OPTION_H_
#define TALLYBUS_REST_CURL_OPTION_H_

#include <curl/curl.h>

namespace tallybus::rest {

// Sets options of one handle; *usable becomes false where libcurl refuses one.
class CurlOptions {
 public:
  CurlOptions(void* easy, bool* usable) : easy_(easy), usable_(usable) {}

  template <typename Option, typename Value>
  void Set(Option option, Value value) {
    if (curl_easy_setopt(easy_, option, value) != CURLE_OK) *usable_ = false;
  }

 private:
  void* const easy_;
  bool* const usable_;
};

}  // namespace tallybus::rest

#endif  // TALLYBUS_REST_CURL_OPTION_H_
