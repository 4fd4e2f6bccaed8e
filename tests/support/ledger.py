"""What a test keeps of the events that a backend took, and the checks of it: each returns those that
break its promise. An event's bitrate is its number, which its engine gives in rising order.
"""

from typing import NamedTuple


class Taken(NamedTuple):
    """An event that was answered 200. Lists of them are in the order of their coming."""

    id: str
    lane: str
    sequence: int
    number: int
    status: str
    media: str
    origin: str  # "router" where no engine made it, else None
    redelivery: bool
    time: float  # monotonic seconds
    answered: float = 0.0  # when the whole answer had left, where that is known
    life: int = 1  # of the tallybusd that sent it, where a test tells them apart

    @classmethod
    def of(cls, request, time, life=1):
        event, headers = request.json, request.headers
        return cls(headers["webhook-id"], headers["tallybus-lane"],
                   int(headers["tallybus-sequence"]), event.get("bitrate"), event["status"],
                   event.get("mediaSessionId"), headers.get("tallybus-origin"),
                   headers.get("tallybus-redelivery") == "1", time, life=life)


def numbers(taken):
    """Of the engines' own events."""
    return {t.number for t in taken if t.origin is None}


def never_arrived(taken, acknowledged):
    return sorted(set(acknowledged) - numbers(taken))


def strangers(taken, tried):
    return sorted(numbers(taken) - set(tried))


def never_ended(taken):
    began = {t.media for t in taken if t.status == "PUBLISHING"}
    return sorted(began - {t.media for t in taken if t.status in ("UNPUBLISHED", "FAILED")})


def out_of_order(taken):
    """First arrivals alone: neither sequence nor number goes back in a lane."""
    last, seen, wrong = {}, set(), []
    for t in taken:
        if t.id in seen:
            continue
        seen.add(t.id)
        sequence, number = last.get(t.lane, (0, -1))
        own = t.number if t.origin is None else number
        if t.sequence <= sequence or own < number:
            wrong.append(f"{t.lane} #{t.sequence} after #{sequence}")
        last[t.lane] = (max(t.sequence, sequence), max(own, number))
    return wrong


def repeats(taken):
    """Every arrival after an event's first, with the one before it: (before, again)."""
    last, pairs = {}, []
    for t in taken:
        if t.id in last:
            pairs.append((last[t.id], t))
        last[t.id] = t
    return pairs


class Faults(list):
    """One line for each promise that was not kept."""

    def say(self, what, offenders):
        if offenders:
            self.append(f"{len(offenders)} {what}: {', '.join(map(str, offenders[:5]))}")

    def judge(self, taken, acknowledged, tried):
        """The promises about arrival and order, which hold for every taker of all events."""
        self.say("acknowledged events never arrived", never_arrived(taken, acknowledged))
        self.say("events arrived that nobody published", strangers(taken, tried))
        self.say("events out of order in their lane", out_of_order(taken))

    def judge_ends(self, taken):
        self.say("streams began and never ended", never_ended(taken))
