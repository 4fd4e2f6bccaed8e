#!/usr/bin/python3
"""Publishes the start and the end of one stream on the open bus. Any ZeroMQ library does.

  publish.py [ENDPOINT]        by default tcp://127.0.0.1:5581, where tallybusd listens

The open bus does not acknowledge: what a router does not take is lost unseen here.
"""

import json
import sys

import zmq

context = zmq.Context()
bus = context.socket(zmq.PUSH)
bus.setsockopt(zmq.LINGER, 5000)  # at the end, wait at most 5 s for what has not left yet
bus.connect(sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5581")

event = {"appKey": "defaultApp", "sessionId": "session-1", "mediaSessionId": "media-1",
         "name": "camera-1", "published": True, "hasVideo": True, "hasAudio": True}
for status in ("PUBLISHING", "UNPUBLISHED"):
    bus.send_multipart([b"StreamStatusEvent", json.dumps({**event, "status": status}).encode()])

bus.close()
context.term()
