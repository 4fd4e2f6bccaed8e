// Named places where the fault tests end the process; nothing at all in other builds.
#ifndef TALLYBUS_FAULT_POINT_H_
#define TALLYBUS_FAULT_POINT_H_

#ifdef TALLYBUS_FAULT_POINTS
namespace tallybus {
// [any thread] Ends the process by _exit where TALLYBUS_CRASH_AT is "<name>" or "<name>:<n>", for
// the n-th passage. Defined by the tests.
void PassFaultPoint(const char* name);
}  // namespace tallybus
#define TALLYBUS_FAULT_POINT(name) ::tallybus::PassFaultPoint(name)
#else
#define TALLYBUS_FAULT_POINT(name) static_cast<void>(0)
#endif

#endif  // TALLYBUS_FAULT_POINT_H_
