// SIGINT and SIGTERM as a descriptor that can be waited for beside others.
#ifndef TALLYBUS_APPS_TALLYBUS_STOP_SIGNAL_H_
#define TALLYBUS_APPS_TALLYBUS_STOP_SIGNAL_H_

namespace tallybus::cli {

// [main thread] Made before any other thread, so that all inherit the blocked signals.
class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  // Readable once a signal came.
  int fd() const { return fd_; }

 private:
  int fd_;
};

}  // namespace tallybus::cli

#endif  // TALLYBUS_APPS_TALLYBUS_STOP_SIGNAL_H_
