// The conversation: HELLO until WELCOME, STATE, then EVENTS as far as the router allows, kept until
// ACK; HEARTBEAT both ways; RESYNC goes back; silence opens a new socket.
#include "router_link.h"

#include <algorithm>
#include <string>

#include "record.h"
#include "wire.h"

namespace tallybus::engine {
namespace {

constexpr size_t kBatchBytes = size_t{256} << 10;
constexpr size_t kStateBytes = size_t{256} << 10;
constexpr int kBatchesPerTurn = 16;
constexpr int kMessagesPerTurn = 64;
constexpr int64_t kResyncIntervalUs = 100 * kMillisecondUs;

#define TALLYBUS_TEXT_OF(number) #number
#define TALLYBUS_DOTTED(major, minor, patch) \
  TALLYBUS_TEXT_OF(major) "." TALLYBUS_TEXT_OF(minor) "." TALLYBUS_TEXT_OF(patch)
constexpr char kLibraryVersion[] =
    TALLYBUS_DOTTED(TALLYBUS_VERSION_MAJOR, TALLYBUS_VERSION_MINOR, TALLYBUS_VERSION_PATCH);

// For %.*s; a router's words are cut.
int Length(std::string_view text) { return static_cast<int>(std::min<size_t>(text.size(), 256)); }

unsigned long long Printable(uint64_t number) { return number; }

}  // namespace

RouterLink::RouterLink(const Settings& settings, uint64_t epoch, Ring* ring, Counters* counters,
                       Callbacks* callbacks, Asks* asks)
    : settings_(settings),
      epoch_(epoch),
      ring_(ring),
      counters_(counters),
      callbacks_(callbacks),
      asks_(asks),
      socket_(settings),
      live_(epoch) {}

void RouterLink::Receive(int64_t now_us) {
  for (int i = 0; i < kMessagesPerTurn; ++i) {
    uint8_t kind = 0;
    std::string_view body;
    const BusSocket::Received received = socket_.Receive(&kind, &body);
    if (received == BusSocket::Received::kNothing) return;
    last_heard_us_ = now_us;
    const bool understood =
        received == BusSocket::Received::kMessage && Handle(static_cast<Kind>(kind), body, now_us);
    if (!understood && malformed_lines_.Allows(now_us)) {
      callbacks_->Log(TALLYBUS_LOG_WARNING, "the router sent a message that is malformed (kind %u)",
                      unsigned{kind});
    }
  }
}

bool RouterLink::Handle(Kind kind, std::string_view body, int64_t now_us) {
  const auto with = [body](auto message, auto&& act) {
    if (!Decode(body, &message)) return false;
    act(message);
    return true;
  };
  switch (kind) {
    case Kind::kWelcome:
      return with(Welcome(), [&](const Welcome& m) { OnWelcome(m, now_us); });
    case Kind::kRefuse:
      return with(Refuse(), [&](const Refuse& m) { OnRefuse(m, now_us); });
    case Kind::kResync:
      return with(Resync(), [&](const Resync& m) { OnResync(m, now_us); });
    case Kind::kAck:
      return with(Ack(), [&](const Ack& m) { OnAck(m); });
    case Kind::kReject:
      return with(Reject(), [&](const Reject& m) { OnReject(m, now_us); });
    case Kind::kClient:
      return with(ClientMessage(), [&](const ClientMessage& m) { callbacks_->Client(m); });
    case Kind::kTerminate:
      return with(Terminate(), [&](const Terminate& m) { callbacks_->Command(m); });
    case Kind::kHeartbeat:  // to a router that is dead, nothing was told
      heard_dropped_ = told_dropped_;
      return true;
    case Kind::kConnectResult:
      return with(ConnectResult(), [&](const ConnectResult& m) { OnConnectResult(m); });
    default:
      return false;
  }
}

void RouterLink::OnWelcome(const Welcome& welcome, int64_t now_us) {
  if (welcome.protocol != kProtocol) {
    OnRefuse({welcome.protocol, welcome.protocol, "it chose a protocol that was not offered"},
             now_us);
    return;
  }
  // A second answer, to a HELLO that was repeated while the first was on its way.
  if (welcomed_ && welcome.router_epoch == router_epoch_) return;
  if (was_connected_ && welcome.router_epoch != router_epoch_) {
    callbacks_->Log(TALLYBUS_LOG_INFO, "the router was restarted");
  }
  welcomed_ = true;
  refused_ = false;
  router_epoch_ = welcome.router_epoch;
  send_through_ = welcome.send_through;
  heartbeat_due_us_ = now_us + settings_.timing.heartbeat_us;
  resync_to_ = last_resync_to_ = 0;
  FoldBefore(welcome.expected);
  GoTo(welcome.expected);
  // To a router that we knew as well: it may have given us up for lost in the meantime.
  stated_ = {};
  SetState(TALLYBUS_STATE_CONNECTED, settings_.endpoint);
}

void RouterLink::OnRefuse(const Refuse& refuse, int64_t now_us) {
  welcomed_ = false;
  refused_ = true;
  hello_due_us_ = now_us + settings_.timing.refused_us;
  callbacks_->Log(
      TALLYBUS_LOG_ERROR,
      "REFUSED by the router at %s: %.*s; it speaks protocol %llu to %llu, this library "
      "(%s) speaks %u. Events are kept until the ring is full",
      settings_.endpoint.c_str(), Length(refuse.reason), refuse.reason.data(),
      Printable(refuse.protocol_min), Printable(refuse.protocol_max), kLibraryVersion, kProtocol);
  SetState(TALLYBUS_STATE_REFUSED, refuse.reason);
}

void RouterLink::OnResync(const Resync& resync, int64_t now_us) {
  // Before WELCOME, HELLO has been said and is repeated; the router answers what came before it.
  if (!welcomed_) return;
  if (resync.expected == 0 || resync.router_epoch != router_epoch_) {
    welcomed_ = false;
    hello_due_us_ = now_us;
    Count(counters_->reconnects);
    return;
  }
  // A router answers each batch behind a gap with the same RESYNC: going back for each of them
  // would multiply what is sent.
  if (resync.expected == last_resync_to_ && now_us < resync_due_us_) {
    resync_to_ = resync.expected;
    return;
  }
  resync_to_ = 0;
  last_resync_to_ = resync.expected;
  resync_due_us_ = now_us + kResyncIntervalUs;
  GoTo(resync.expected);
}

void RouterLink::OnAck(const Ack& ack) {
  if (!welcomed_) return;
  send_through_ = ack.send_through;
  // What was never sent cannot have arrived: such an ACK is not about us.
  if (ack.durable_through > sent_through_) return;
  if (ack.durable_through >= resync_to_) resync_to_ = 0;
  uint64_t events = 0;
  ring_->FreeThrough(ack.durable_through, [&](const HeldRecord& record) {
    live_.Fold(record);
    events += IsEvent(record.kind) ? 1 : 0;
  });
  Count(counters_->acknowledged, events);
  if (next_.position < ring_->head().position) next_ = ring_->head();
}

void RouterLink::OnReject(const Reject& reject, int64_t now_us) {
  Count(counters_->rejected);
  if (!reject_lines_.Allows(now_us)) return;
  callbacks_->Log(TALLYBUS_LOG_ERROR, "the router rejected event %llu: %.*s",
                  Printable(reject.sequence), Length(reject.reason), reject.reason.data());
}

// The session is known before the engine hears of it, which may close it at once.
void RouterLink::OnConnectResult(const ConnectResult& result) {
  if (!result.session.empty()) live_.NoteOpened(result.session);
  const std::optional<Asked> asked = asks_->Take(result.call);
  if (!asked) return;  // its time was over
  callbacks_->Answer(*asked, result.accepted != 0 ? TALLYBUS_OK : TALLYBUS_REFUSED, result.reason,
                     result.json);
}

// What the router has but has not yet acknowledged is no longer sent: so STATE must contain it.
void RouterLink::FoldBefore(uint64_t sequence) {
  Cursor at = ring_->head();
  HeldRecord record;
  while (at.sequence < sequence && at.sequence <= sent_through_ && ring_->Read(&at, &record)) {
    live_.Fold(record);
  }
}

void RouterLink::GoTo(uint64_t sequence) {
  const uint64_t oldest = ring_->head().sequence;
  if (sequence < oldest || sequence > sent_through_ + 1) {
    callbacks_->Log(TALLYBUS_LOG_WARNING, "the router expects event %llu, of %llu to %llu",
                    Printable(sequence), Printable(oldest), Printable(sent_through_ + 1));
  }
  sequence = std::min(sequence, sent_through_ + 1);
  HeldRecord record;
  next_ = ring_->head();
  while (next_.sequence < sequence && ring_->Read(&next_, &record)) {
  }
}

void RouterLink::Tick(int64_t now_us) {
  if (IsSilent(now_us)) {
    Receive(now_us);  // after a pause of this thread, what it missed is waiting there
    if (IsSilent(now_us)) Reopen(now_us);
  }
  if (!socket_.is_open() && now_us >= hello_due_us_ && socket_.Open() != TALLYBUS_OK) {
    hello_due_us_ = now_us + settings_.timing.heartbeat_us;
  }
  if (!welcomed_ && now_us >= hello_due_us_) SayHello(now_us);
  if (welcomed_ && now_us >= heartbeat_due_us_) {
    const uint64_t dropped = Value(counters_->dropped_full);
    if (socket_.Send(Kind::kHeartbeat, Encode(Heartbeat{epoch_, dropped}))) {
      told_dropped_ = dropped;
    }
    heartbeat_due_us_ = now_us + settings_.timing.heartbeat_us;
  }
  if (resync_to_ != 0 && now_us >= resync_due_us_) OnResync({router_epoch_, resync_to_}, now_us);
  callbacks_->AnswerDue(asks_, now_us, TALLYBUS_TIMEOUT, "no answer in time");
  LogLosses(now_us);
}

// A HELLO that finds no connection stays due: the socket tells when there is one.
int64_t RouterLink::NextTick(int64_t now_us) const {
  int64_t next = now_us + settings_.timing.heartbeat_us;
  const auto at = [&](bool applies, int64_t due_us) {
    if (applies) next = std::min(next, due_us);
  };
  at(welcomed_, heartbeat_due_us_);
  at(!welcomed_ && hello_due_us_ > now_us, hello_due_us_);
  at(listening_ && !refused_, last_heard_us_ + settings_.timing.silence_us);
  at(resync_to_ != 0, resync_due_us_);
  at(true, asks_->next_due_us());
  return next;
}

void RouterLink::SayHello(int64_t now_us) {
  Hello hello;
  hello.library_version = kLibraryVersion;
  hello.epoch = epoch_;
  hello.node_id = settings_.node_id;
  hello.first_held = ring_->head().sequence;
  hello.app_key = settings_.app_key;
  hello.client_messages = callbacks_->wants_client_messages();
  hello.dropped = heard_dropped_;
  if (!socket_.Send(Kind::kHello, Encode(hello))) return;
  if (!listening_) last_heard_us_ = now_us;
  listening_ = true;
  hello_due_us_ = now_us + (refused_ ? settings_.timing.refused_us : settings_.timing.heartbeat_us);
}

// One that has refused us owes us nothing.
bool RouterLink::IsSilent(int64_t now_us) const {
  return listening_ && !refused_ && now_us - last_heard_us_ >= settings_.timing.silence_us;
}

void RouterLink::Reopen(int64_t now_us) {
  if (counters_->state == TALLYBUS_STATE_CONNECTED) {
    callbacks_->Log(TALLYBUS_LOG_WARNING, "lost the router at %s: silent for %.1f s, trying again",
                    settings_.endpoint.c_str(),
                    static_cast<double>(now_us - last_heard_us_) / kSecondUs);
  }
  Count(counters_->reconnects);
  welcomed_ = false;
  listening_ = false;
  hello_due_us_ = now_us;
  socket_.Close(0);
  SetState(TALLYBUS_STATE_CONNECTING, settings_.endpoint);
}

void RouterLink::SetState(tallybus_state state, std::string_view detail) {
  if (counters_->state.exchange(state) == state) return;
  if (state == TALLYBUS_STATE_CONNECTED) {
    callbacks_->Log(
        TALLYBUS_LOG_INFO,
        was_connected_ ? "connected again to the router at %s" : "connected to the router at %s",
        settings_.endpoint.c_str());
    was_connected_ = true;
  }
  callbacks_->State(state, detail);
}

void RouterLink::LogLosses(int64_t now_us) {
  const uint64_t full = Value(counters_->dropped_full) - logged_full_;
  const uint64_t too_large = Value(counters_->too_large) - logged_too_large_;
  const uint64_t forgotten = live_.forgotten() - logged_forgotten_;
  if (full + too_large + forgotten == 0 || !loss_lines_.Allows(now_us)) return;
  logged_full_ += full;
  logged_too_large_ += too_large;
  logged_forgotten_ += forgotten;
  if (full != 0) {
    callbacks_->Log(TALLYBUS_LOG_ERROR, "ring full: %llu events dropped", Printable(full));
  }
  if (too_large != 0) {
    callbacks_->Log(TALLYBUS_LOG_ERROR, "too large: %llu events refused", Printable(too_large));
  }
  if (forgotten != 0) {
    callbacks_->Log(TALLYBUS_LOG_WARNING,
                    "too many sessions and streams: %llu will not be told to a new router",
                    Printable(forgotten));
  }
}

Pause RouterLink::Send(int64_t now_us) {
  if (!welcomed_) return Pause::kRouter;
  Pause pause = Pause::kNone;
  if (!IsStated(&pause)) return pause;
  for (int i = 0; i < kBatchesPerTurn; ++i) {
    if (next_.sequence > send_through_) return Pause::kRouter;
    const Batch batch = MeasureBatch();
    if (batch.count == 0) return Pause::kRing;
    if (!socket_.HasRoom(batch.bytes)) return Pause::kTransit;
    if (!SendBatch(batch)) return Pause::kSocket;
    last_sent_us_ = now_us;
  }
  return Pause::kNone;
}

// Sends what is missing of STATE. A chunk that finds no room is made again: it is rare.
bool RouterLink::IsStated(Pause* pause) {
  for (;;) {
    LiveState::Progress progress = stated_;
    const std::string chunk = live_.NextChunk(&progress, kStateBytes);
    if (chunk.empty()) {
      stated_ = progress;  // also where nothing was open: what comes later is in events
      return true;
    }
    *pause = Pause::kTransit;
    if (!socket_.HasRoom(chunk.size())) return false;
    *pause = Pause::kSocket;
    if (!socket_.Send(Kind::kState, chunk)) return false;
    stated_ = progress;
  }
}

// At least one record, whatever its size; then as many as fit.
RouterLink::Batch RouterLink::MeasureBatch() const {
  Batch batch{next_, 0, EventsHeadSize(next_.sequence)};
  Cursor at = next_;
  HeldRecord record;
  while (at.sequence <= send_through_ && ring_->Read(&at, &record)) {
    const size_t bytes = BytesFieldSize(kEventsRecordField, record.payload.size());
    if (batch.count > 0 && batch.bytes + bytes > kBatchBytes) break;
    batch.bytes += bytes;
    batch.end = at;
    ++batch.count;
  }
  return batch;
}

bool RouterLink::SendBatch(const Batch& batch) {
  Outgoing message(batch.bytes, socket_.in_transit());
  Writer out(message.data());
  WriteEventsHead(out, epoch_, next_.sequence);
  uint64_t again = 0;
  Cursor at = next_;
  HeldRecord record;
  for (uint64_t i = 0; i < batch.count && ring_->Read(&at, &record); ++i) {
    out.Bytes(kEventsRecordField, record.payload);
    again += record.sequence <= sent_through_ && IsEvent(record.kind) ? 1 : 0;
  }
  if (!socket_.Send(Kind::kEvents, message)) return false;
  Count(counters_->resent, again);
  next_ = batch.end;
  sent_through_ = std::max(sent_through_, next_.sequence - 1);
  return true;
}

bool RouterLink::HasNext() const {
  Cursor at = next_;
  HeldRecord record;
  return ring_->Read(&at, &record);
}

void RouterLink::SayBye() {
  if (bye_said_) return;
  const ByeRecord bye;
  const Slot slot = ring_->Reserve(bye.size(), bye.may_use_headroom());
  if (!slot) return;
  bye.WriteTo(slot.payload);
  Ring::Publish(slot, ByeRecord::kKind);
  bye_said_ = true;
}

void RouterLink::Leave() {
  callbacks_->AnswerDue(asks_, Asks::kNever, TALLYBUS_CLOSED, "the publisher closes");
  uint64_t lost = 0;
  Cursor at = ring_->head();
  HeldRecord record;
  while (ring_->Read(&at, &record)) lost += IsEvent(record.kind) ? 1 : 0;
  if (lost != 0) {
    callbacks_->Log(TALLYBUS_LOG_WARNING, "closed with %llu events that no router acknowledged",
                    Printable(lost));
  }
  SetState(TALLYBUS_STATE_CLOSED, settings_.endpoint);
  constexpr int kLingerMs = 200;  // for a BYE that has been sent and not yet acknowledged
  socket_.Shut(welcomed_ && !IsSettled() ? kLingerMs : 0);
}

}  // namespace tallybus::engine
